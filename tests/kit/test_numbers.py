"""Ids as they come from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit.numbers import BIGGEST, is_id, parse_id


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 42 ", 42), ("0007", 7), (str(BIGGEST), BIGGEST), ("0" * 5_000 + "9", 9)],
)
def test_what_is_an_id(text: str, number: int) -> None:
    assert parse_id(text) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "0", "-1", "+1", "1.0", "1 2", "٣", "²", "x", str(BIGGEST + 1), "9" * 5_000],
)
def test_what_is_no_id(text: str) -> None:
    assert parse_id(text) is None


@given(st.integers(-10, 2**70))
def test_an_id_is_what_a_column_holds(number: int) -> None:
    assert parse_id(str(number)) == (number if is_id(number) else None)
    assert is_id(number) == (1 <= number < 2**63)
