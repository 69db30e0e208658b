"""Fail when a committed file names a package registry: what is locked must install from any."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Written in pieces, so that this file does not find itself.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pythonhosted", "org"),
            ("pypi", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("deb", "debian", "org"),
        )
    )
)


def main() -> int:
    """Print each line that names a registry; return the exit code."""
    found = False
    for path in _files():
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if match := REGISTRIES.search(line):
                found = True
                print(f"{path.relative_to(ROOT)}:{number}: names the registry {match.group()}")
    return 1 if found else 0


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        # A source archive has no git; what it holds was checked before it was made.
        return []
    return [ROOT / name for name in listed.stdout.split("\0") if name]


if __name__ == "__main__":
    sys.exit(main())
