"""ARCHITECTURE.md names what there is: packages, files and tables."""

import re
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "clarion"
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands below a heading, up to the next one."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(title: str) -> list[str]:
    """The first cells of the rows of a section's table."""
    rows = [line for line in section(title).splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip() for row in rows[2:]]


def test_the_map_names_every_package() -> None:
    named = set(re.findall(r"^      (\w+)/ ", section("Packages"), re.MULTILINE))
    exist = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert named == exist


def test_every_file_it_names_exists() -> None:
    names = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", TEXT)
    assert len(names) > 15
    missing = [
        name for name in names if not (SOURCE / name).exists() and not (ROOT / name).exists()
    ]
    assert missing == []


def test_the_walk_of_a_delivery_has_a_file_for_each_step() -> None:
    rows = section("One delivery, step by step").splitlines()
    steps = [row.split("|") for row in rows if row.startswith("|")][2:]
    assert [step[1].strip() for step in (steps[0], steps[-1])] == ["launch", "receipt"]
    files = [re.findall(r"`([^`]+)`", step[2]) for step in steps]
    assert all(len(names) == 1 for names in files), files


@pytest.mark.parametrize("cell", first_cells("Tables"))
def test_every_table_it_names_exists(cell: str) -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert set(re.findall(r"`(\w+)`", cell)) <= tables
