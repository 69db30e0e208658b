import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit import sheets


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "+", "-", "+49 170 1", "-1e5"]
)
def test_what_could_be_a_formula_is_defused(text):
    assert sheets.safe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "Ada", "+491701234567", "-5", "-3.25", "+1,5", "a=b", "'="])
def test_other_text_stays_as_it_is(text):
    assert sheets.safe(text) == text


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=8), min_size=2, max_size=2))
)
def test_what_is_written_is_read_back(rows):
    pieces = b"".join(sheets.stream(["one", "two"], rows))

    assert list(csv.reader(io.StringIO(pieces.decode(), newline=""))) == [["one", "two"], *rows]


def test_rows_are_taken_as_they_are_needed():
    taken = []

    def rows():
        for number in range(10 * sheets.ROWS_AT_ONCE):
            taken.append(number)
            yield [number]

    pieces = sheets.stream(["number"], rows())

    assert taken == []
    assert next(pieces).startswith(b"number\r\n0\r\n")
    assert len(taken) == sheets.ROWS_AT_ONCE
