"""The wheel that `pip install` gets holds the product, all of it and nothing else."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ICONS = "clarion/web/static/vendor/icons/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_it_holds_every_file_of_the_product_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    source = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    single_icons = {name for name in source if name.startswith(ICONS) and name.endswith(".svg")}
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert single_icons
    assert held == source - single_icons


def test_it_names_its_licence_and_carries_those_of_vendored_files(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())
    licences = set(metadata.get_all("License-File", []))
    vendored = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src/clarion/web/static/vendor").rglob("*")
        if path.name.startswith(("LICENSE", "NOTICE"))
    }

    assert metadata["License-Expression"] == "Apache-2.0"
    assert licences == {"LICENSE", *vendored}
    assert all(f"{name.partition('/')[0]}/licenses/{each}" in wheel.namelist() for each in licences)


def test_tools_for_development_are_no_extras_of_it(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())

    assert metadata.get_all("Provides-Extra") is None
    assert not [line for line in metadata.get_all("Requires-Dist", []) if "pytest" in line]
