"""The files of the data folder that belong to an installation: uploads, and the secret key."""

from collections.abc import Iterator
from pathlib import Path

from clarion.backups.archive import FOLDERS, KEY, sync_folder


def files(data: Path) -> Iterator[tuple[str, Path]]:
    """The uploads in a data folder, with the names of their members in an archive."""
    for folder in FOLDERS:
        if (data / folder).is_dir():
            for path in sorted((data / folder).iterdir()):
                if path.is_file() and not path.is_symlink():
                    yield f"{folder}/{path.name}", path


def add(staged: Path, data: Path) -> None:
    """Move uploads into the data folder, beside those that are there: names are never reused."""
    for name, path in files(staged):
        (data / name).parent.mkdir(mode=0o700, exist_ok=True)
        path.replace(data / name)
    for folder in FOLDERS:
        if (data / folder).is_dir():
            sync_folder(data / folder)


def remove_others(names: set[str], data: Path) -> None:
    """Delete the uploads that have none of these names."""
    for name, path in list(files(data)):
        if name not in names:
            path.unlink(missing_ok=True)


def stored_key(data: Path) -> str:
    """The secret key in a data folder, empty if there is none."""
    try:
        return (data / KEY).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def put_key(staged: Path, data: Path) -> None:
    """Put the staged secret key in the place of the one in the data folder."""
    (staged / KEY).replace(data / KEY)
    sync_folder(data)
