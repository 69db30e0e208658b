import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit.paging import BIGGEST, Cursor, CursorError, cut, first_rows

KEYS = st.tuples(st.integers(-BIGGEST, BIGGEST), st.integers(-BIGGEST, BIGGEST))


@given(st.builds(Cursor, KEYS, st.booleans()))
def test_a_cursor_survives_the_address_of_a_page(cursor):
    assert Cursor.parse(str(cursor), values=2) == cursor


@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda b: base64.b64encode(b).decode()))
def test_no_text_does_any_harm(text):
    # Nothing but a cursor, or this one refusal, comes of it.
    with suppress(CursorError):
        assert len(Cursor.parse(text, values=2).key) == 2


@pytest.mark.parametrize("plain", ["", ">", "1.2", ">1", ">1.2.3", "=1.2", ">1.x", f">1.{2**63}"])
def test_a_damaged_cursor_is_refused(plain):
    with pytest.raises(CursorError):
        Cursor.parse(base64.urlsafe_b64encode(plain.encode()).decode(), values=2)


def page_of(numbers, cursor, limit):
    """Read a page of a sorted list as the packages' lists do."""
    if cursor and cursor.backward:
        rows = [n for n in reversed(numbers) if n < cursor.key[0]]
    else:
        rows = [n for n in numbers if cursor is None or n > cursor.key[0]]
    return cut(rows[: limit + 1], limit, cursor, lambda number: (number,))


@given(st.integers(0, 12), st.integers(1, 5))
def test_turning_all_pages_there_and_back(length, limit):
    numbers = list(range(length))

    there, cursor = [page_of(numbers, None, limit)], None
    while cursor := there[-1].next_cursor:
        there.append(page_of(numbers, Cursor.parse(cursor, 1), limit))
    back = [there[-1]]
    while cursor := back[-1].previous_cursor:
        back.append(page_of(numbers, Cursor.parse(cursor, 1), limit))

    assert [number for page in there for number in page.rows] == numbers
    assert [page.rows for page in reversed(back)] == [page.rows for page in there]
    assert there[0].previous_cursor is None


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 6, 7, 8])
def test_the_first_rows_come_from_as_many_pages_as_they_take(limit):
    asked = []

    def page_after(cursor, size):
        asked.append(size)
        return page_of(range(7), Cursor.parse(cursor, 1) if cursor else None, size)

    assert list(first_rows(limit, page_after, size=3)) == list(range(min(limit, 7)))
    assert asked == {0: [], 1: [1], 2: [2], 3: [3], 6: [3, 3], 7: [3, 3, 1], 8: [3, 3, 2]}[limit]
