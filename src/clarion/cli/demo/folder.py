"""The demo's own data folder: made anew by each run, and never anybody else's."""

import csv
import os
import shutil
from pathlib import Path

from clarion.cli.failures import Failed
from clarion.cli.lock import WorkerLock

DEFAULT = Path("demo-data")
MARKER = "this-is-demo-data"
CARRIED = Path(__file__).with_name("contacts.csv")


def fresh_folder() -> Path:
    """Empty the demo's folder, or make it, and have this process and its children use it.

    That is CLARION_DATA, or demo-data. Raises Failed for a folder that contains anything else than
    an earlier demo, and while a demo runs in it.
    """
    from clarion import config

    folder = Path(os.environ.get("CLARION_DATA") or DEFAULT).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / MARKER).exists() and any(folder.iterdir()):
        raise Failed(
            f"The folder {folder} contains files that are not from a demo, so nothing was changed. "
            "Set CLARION_DATA to an empty folder, or unset it."
        )
    (folder / MARKER).touch()
    _use(folder)
    lock = WorkerLock.take(config.load())
    for path in folder.iterdir():
        if path.name not in (MARKER, "worker.lock"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    lock.release()
    return folder


def _use(folder: Path) -> None:
    """Settings for a demo: its own database, reached and sent from on this machine only."""
    from clarion import config

    os.environ |= {
        "CLARION_DATA": str(folder),
        "CLARION_DATABASE_URL": f"sqlite:///{folder / 'clarion.sqlite3'}",
        "CLARION_PUBLIC_URL": "",
        "CLARION_PROXY": "",
    }
    config.load.cache_clear()


def write_contacts(path: Path, people: int) -> None:
    """Write a CSV file of that many people: the carried ones, and past those the same again."""
    with CARRIED.open(encoding="utf-8", newline="") as file:
        header, *carried = csv.reader(file)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(people):
            again, index = divmod(number, len(carried))
            identity, *rest = carried[index]
            writer.writerow([f"{identity}-{again}" if again else identity, *rest])
