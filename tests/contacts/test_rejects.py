"""The file of rejected lines."""

import csv
from pathlib import Path

import pytest

from clarion.contacts.rejects import Rejects


@pytest.mark.parametrize(
    "value", ['=HYPERLINK("http://evil","x")', "@SUM(1+1)", "+cmd|' /C calc'!A0", " =1+1", "＝1+1"]
)
def test_nothing_in_it_is_a_formula(tmp_path: Path, value: str) -> None:
    rejects = Rejects(tmp_path / "rejects.csv")
    rejects.add(2, value, f"{value} is no user id.")
    rejects.add(3, "+491701234567", "Repeated.")
    rejects.close()
    with (tmp_path / "rejects.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["2", f"'{value}", f"'{value} is no user id."]
    assert rows[2] == ["3", "+491701234567", "Repeated."]
    assert rejects.shown[0].value == value
