import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit import clock, sheets


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "+",
        "-",
        "+49 170 1",
        "-1e5",
        "\n=1+1",
        " =1+1",
        "  @SUM(A1)",
        "\u00a0=1",
        "\ufeff=1",
        "\r\n +cmd",
        "＝1+1",
        " ＠SUM(A1)",
    ],
)
def test_what_could_be_a_formula_is_defused(text):
    assert read(sheets.cell(text)) == [["'" + text]]


@pytest.mark.parametrize("text", ["Ada", "+491701234567", "-5", "-3.25", "+1,5", "a=b", "'=", '"'])
def test_other_text_stays_as_it_is(text):
    assert read(sheets.cell(text)) == [[text]]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=8).filter(
    lambda text: sheets.defused(text) == text
)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2)))
def test_what_is_written_is_read_back(rows):
    pieces = b"".join(sheets.stream(["one", "two"], map(sheets.cells, rows)))

    assert read(pieces.decode()) == [["one", "two"], *rows]


def test_lines_are_taken_as_they_are_needed():
    taken = []

    def lines():
        for number in range(10 * sheets.LINES_AT_ONCE):
            taken.append(number)
            yield str(number)

    pieces = sheets.stream(["number"], lines())

    assert taken == []
    assert next(pieces).startswith(b"number\r\n0\r\n")
    assert len(taken) == sheets.LINES_AT_ONCE


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin"])
@given(st.lists(st.integers(-(10**15), 4 * 10**15), max_size=5))
def test_moments_are_written_as_python_does(zone, moments):
    write = sheets.moments(zone)

    for at in moments:
        expected = clock.from_us(at).astimezone(clock.zone(zone))
        assert write(at) == expected.isoformat(timespec="microseconds")


def test_an_unknown_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        sheets.moments("Mars/Olympus")
