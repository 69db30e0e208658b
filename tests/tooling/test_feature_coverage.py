"""Every feature of the product has a test that is named for it and goes through an entry point.

The letters and numbers are those of the list of features; a test named ``test_c3_…`` shows C3.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
ENTRY_POINTS = ("api", "cli", "hooks", "web", "crash")  # crash: workers are the command itself
FEATURES = {
    "a": 9, "b": 7, "c": 6, "d": 2, "e": 5, "f": 8, "g": 4, "h": 4, "i": 6, "j": 5, "k": 3,
    "l": 3, "m": 2, "n": 7, "o": 4,
}  # fmt: skip


def names() -> set[str]:
    """The names of all tests that go through an entry point."""
    files = (path for package in ENTRY_POINTS for path in (TESTS / package).rglob("test_*.py"))
    return {
        name
        for path in files
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("letter", FEATURES)
def test_every_feature_is_shown_through_an_entry_point(letter: str) -> None:
    shown = names()
    missing = [
        f"{letter}{number}"
        for number in range(1, FEATURES[letter] + 1)
        if not any(name.startswith(f"test_{letter}{number}_") for name in shown)
    ]
    assert missing == [], "no test is named for these"
