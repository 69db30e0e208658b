"""Vendor the web assets: pinned npm packages, their licences and a checksum of every file.

`scripts/vendor.py fetch` writes the folders anew (needs npm); `scripts/vendor.py verify` compares
what is there with the checksums and needs nothing. A new icon is a new name in ICONS.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "src" / "clarion" / "web" / "static" / "vendor"
TESTS = ROOT / "tests" / "vendor"
CHECKSUMS = "CHECKSUMS"


@dataclass(frozen=True)
class Package:
    """One npm package at one version, and the files taken from it."""

    name: str
    version: str
    integrity: str
    folder: Path
    files: tuple[str, ...]
    licences: tuple[str, ...] = ("LICENSE",)


PACKAGES = (
    Package(
        name="@fontsource-variable/inter",
        version="5.3.0",
        integrity="sha512-OupL48va4JNofb97w6NYeF9S7W/kHNKM0Er8Dem5nqi4jeOLrVJDoE8tZEpnMJmtkvNbB1EIPPwHcdkF6b1oUA==",
        folder=STATIC / "inter",
        files=tuple(
            f"files/inter-{letters}-wght-normal.woff2"
            for letters in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese")
        ),
    ),
    Package(
        name="htmx.org",
        version="2.0.11",
        integrity="sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
        folder=STATIC / "htmx",
        files=("dist/htmx.min.js",),
    ),
    Package(
        name="echarts",
        version="6.1.0",
        integrity="sha512-q0yaFPggC9FUdsWH4blavRWFmxdrIodbkoKNAjJudAI6CA9gNPxHtV2RcZNEepZVlk4yvBYkOkbk6HIVpIyHZA==",
        folder=STATIC / "echarts",
        # The smallest build that can draw SVG: the simple one draws on a canvas only.
        files=("dist/echarts.common.min.js",),
        licences=("LICENSE", "NOTICE", "licenses/LICENSE-d3"),
    ),
    Package(
        name="axe-core",
        version="4.14.1",
        integrity="sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        folder=TESTS,
        files=("axe.min.js",),
        licences=("LICENSE", "LICENSE-3RD-PARTY.txt"),
    ),
)

ICON_PACKAGE = Package(
    name="@tabler/icons",
    version="3.51.0",
    integrity="sha512-0pinvPZz7YeX+OSfxuEAbnEPWbocVXW5iU8h5lh41pYG8sZuQfpWECC980lxOT0clGIcNGn8xsBr+zKaRGdA/g==",
    folder=STATIC / "icons",
    files=(),
)

ICONS = (
    *("alert-triangle", "bell", "broadcast", "check", "chevron-down", "clock", "copy", "dots"),
    *("download", "eye", "filter", "list-details", "logout", "messages", "moon", "pencil"),
    *("player-pause", "player-play", "player-stop", "plug", "plus", "refresh", "search", "send"),
    *("settings", "sun", "trash", "upload", "user-circle", "users", "x"),
    *("arrow-back-up", "arrow-down", "arrow-up", "book", "file", "grip-vertical", "link"),
    *("hand-click", "layout-dashboard", "photo", "text-size", "ticket", "webhook"),
)

SPRITE = "icons.svg"
ICON_FRAME = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
SOURCE_MAP = re.compile(r"\n?(?://[#@]|/\*[#@]) ?sourceMappingURL=[^\n*]*(?:\*/)?")


def main(arguments: list[str]) -> int:
    """Fetch or verify, as the one argument says; return the exit code."""
    match arguments:
        case ["fetch"]:
            return fetch()
        case ["verify"]:
            return verify()
        case _:
            print("usage: scripts/vendor.py fetch|verify", file=sys.stderr)
            return 2


def fetch() -> int:
    """Write the vendor folders anew from the pinned packages."""
    if shutil.which("npm") is None:
        print("vendor: npm is needed to fetch the packages and was not found", file=sys.stderr)
        return 1
    for folder in (STATIC, TESTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="clarion-vendor-") as scratch:
        for package in PACKAGES:
            _copy(package, _unpack(package, Path(scratch)))
        _copy_icons(_unpack(ICON_PACKAGE, Path(scratch)))
    for folder in (STATIC, TESTS):
        (folder / CHECKSUMS).write_text(_checksums(folder), encoding="utf-8")
    return verify()


def verify() -> int:
    """Compare the vendored files with their checksums; print every difference."""
    problems = [problem for folder in (STATIC, TESTS) for problem in _differences(folder)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _unpack(package: Package, scratch: Path) -> Path:
    done = subprocess.run(
        ["npm", "pack", "--json", "--silent", f"{package.name}@{package.version}"],
        cwd=scratch,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    archive = scratch / json.loads(done.stdout)[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        sys.exit(f"vendor: {package.name} {package.version} is not the file that was pinned")
    folder = scratch / package.name.replace("/", "-")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def _copy(package: Package, source: Path) -> None:
    package.folder.mkdir(parents=True, exist_ok=True)
    for name in package.files:
        target = package.folder / Path(name).name
        if name.endswith(".js"):
            # The manifest storage looks for every file a comment names; the maps are not vendored.
            text = SOURCE_MAP.sub("", (source / name).read_text(encoding="utf-8"))
            target.write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(source / name, target)
    for name in package.licences:
        shutil.copyfile(source / name, package.folder / Path(name).name)


def _copy_icons(source: Path) -> None:
    folder = ICON_PACKAGE.folder
    folder.mkdir(parents=True, exist_ok=True)
    symbols = []
    for name in sorted(ICONS):
        drawing = (source / "icons" / "outline" / f"{name}.svg").read_text(encoding="utf-8")
        frame = ICON_FRAME.search(drawing)
        if frame is None:
            sys.exit(f"vendor: the icon {name} is not an SVG drawing as expected")
        shapes = " ".join(frame.group(1).split())
        style = (
            'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
            'stroke-linecap="round" stroke-linejoin="round"'
        )
        (folder / f"{name}.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" {style}>'
            f"{shapes}</svg>\n",
            encoding="utf-8",
        )
        symbols.append(f'<symbol id="{name}" {style}>{shapes}</symbol>\n')
    (STATIC / SPRITE).write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n', encoding="utf-8"
    )
    for name in ICON_PACKAGE.licences:
        shutil.copyfile(source / name, folder / name)


def _checksums(folder: Path) -> str:
    return "".join(f"{_sha256(path)}  {path.relative_to(folder)}\n" for path in _files(folder))


def _differences(folder: Path) -> Iterator[str]:
    shown = folder.relative_to(ROOT)
    listing = folder / CHECKSUMS
    if not listing.exists():
        yield f"{shown}: there is no {CHECKSUMS}; 'make vendor' writes it"
        return
    pairs = (line.split("  ", 1) for line in listing.read_text(encoding="utf-8").splitlines())
    expected = {name: checksum for checksum, name in pairs}
    found = {str(path.relative_to(folder)): _sha256(path) for path in _files(folder)}
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"{shown}/{name} is missing"
        elif name not in expected:
            yield f"{shown}/{name} has no checksum"
        elif expected[name] != found[name]:
            yield f"{shown}/{name} is not the file that was vendored"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
