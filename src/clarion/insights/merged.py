"""Lists that are merged from several sources, newest first: their limits, and one page of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from clarion.kit.paging import Cursor, CursorError, Key, Page

MOST_LINES = 500  # of a page


class _Line(Protocol):
    @property
    def key(self) -> Key: ...


LineT = TypeVar("LineT", bound=_Line)


@dataclass(frozen=True, slots=True)
class Span:
    """What a list is limited to; empty for everything."""

    group: str = ""  # one of the groups of the list
    since: datetime | None = None  # included
    until: datetime | None = None  # excluded


EVERYTHING = Span()


def end_of_page(cursor: str | None, group: str, groups: Iterable[str]) -> Cursor | None:
    """The last line of the page before, of three values; None on the first page.

    Raises CursorError for a cursor that is not ours, ValueError for a group that is none of these.
    """
    known_groups = list(groups)
    if group and group not in known_groups:
        raise ValueError(f"There is no group “{group}”. Use one of {', '.join(known_groups)}.")
    position = Cursor.parse(cursor, values=3) if cursor else None
    if position and position.backward:
        raise CursorError("This page's address is damaged. Go back to the first page.")
    return position


def bounded(limit: int) -> int:
    """How many lines a page has at most, of those that are wanted."""
    return max(1, min(limit, MOST_LINES))


def newest(lines: list[LineT], limit: int) -> Page[LineT]:
    """The page of the ``limit`` newest lines. Each source has read one line more, if it has one."""
    lines.sort(key=lambda line: line.key, reverse=True)
    shown = lines[:limit]
    return Page(shown, str(Cursor(shown[-1].key)) if len(lines) > limit else None)
