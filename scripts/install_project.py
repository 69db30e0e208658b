"""Install Clarion itself into the environment this runs in, without a build and without a network.

A build backend would have to be fetched outside the hashed lock, only to write the same few files:
a path to `src`, the `clarion` command, and the metadata that names the version.
"""

import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COMMAND = """\
#!{python}
import sys

from {module} import {function}

if __name__ == "__main__":
    sys.exit({function}())
"""


def main() -> None:
    """Write the path file, the commands and the metadata; replace those of an earlier install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = Path(sysconfig.get_path("purelib"))
    commands = Path(sysconfig.get_path("scripts"))
    name, version = project["name"], project["version"]

    for old in (*packages.glob(f"{name}-*.dist-info"), *packages.glob(f"_editable_impl_{name}*")):
        _remove(old)

    path_file = packages / f"{name}.pth"
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    scripts = {
        commands / command: target.split(":") for command, target in project["scripts"].items()
    }
    files = {
        path_file: f"{ROOT / 'src'}\n",
        info / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        info / "INSTALLER": "clarion-setup\n",
        info / "entry_points.txt": "[console_scripts]\n"
        + "".join(f"{key} = {value}\n" for key, value in project["scripts"].items()),
    }
    for script, (module, function) in scripts.items():
        files[script] = COMMAND.format(python=sys.executable, module=module, function=function)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    for script in scripts:
        script.chmod(0o755)

    # pip and uv uninstall by RECORD; without it they refuse to touch the package at all.
    record = info / "RECORD"
    lines = [f"{path},,\n" for path in (*files, record)]
    record.write_text("".join(lines), encoding="utf-8")


def _remove(path: Path) -> None:
    if path.is_dir():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink()


if __name__ == "__main__":
    main()
