"""Pages of long lists by keyset: any page costs the same, and none moves when rows are added."""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from clarion.kit.numbers import BIGGEST

Row = TypeVar("Row")
Key = tuple[int, ...]
DAMAGED = "This page's address is damaged. Go back to the first page."


class CursorError(ValueError):
    """A cursor that this list did not give out."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place beside a row, given by the values it is sorted by, and the way to go from there."""

    key: Key
    backward: bool = False

    def __str__(self) -> str:
        text = ("<" if self.backward else ">") + ".".join(str(value) for value in self.key)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, values: int) -> "Cursor":
        """The cursor that ``str`` made, with that many values in its key. Raises CursorError."""
        try:
            plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
            key = tuple(int(value) for value in plain[1:].split("."))
        except (ValueError, binascii.Error):
            key = ()
        else:
            if plain[0] not in "<>" or any(abs(value) > BIGGEST for value in key):
                key = ()
        if len(key) != values:
            raise CursorError(DAMAGED)
        return cls(key, backward=plain[0] == "<")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list and the cursors to the pages beside them, None where the list ends."""

    rows: list[Row]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def cut(rows: list[Row], limit: int, cursor: Cursor | None, key: Callable[[Row], Key]) -> Page[Row]:
    """The page of rows that were read in the cursor's direction, up to ``limit`` + 1 of them.

    The row too many only shows that the list goes on.
    """
    backward = cursor is not None and cursor.backward
    further = len(rows) > limit
    rows = rows[:limit]
    if backward:
        rows.reverse()
    if not rows:
        return Page([])
    return (
        Page(
            rows,
            str(Cursor(key(rows[-1]))) if further or backward else None,
            str(Cursor(key(rows[0]), backward=True)) if further or not backward else None,
        )
        if cursor is not None
        else Page(rows, str(Cursor(key(rows[-1]))) if further else None)
    )


def first_rows(
    limit: int, page_after: Callable[[str | None, int], Page[Row]], size: int = 1_000
) -> Iterator[Row]:
    """The first ``limit`` rows of a list, of as many pages as that takes.

    ``page_after`` gives the page after a cursor, None for the first one, of that many rows at most.
    """
    cursor: str | None = None
    while limit > 0:
        page = page_after(cursor, min(limit, size))
        yield from page.rows
        limit -= len(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return
