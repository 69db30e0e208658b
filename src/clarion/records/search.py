"""Finding records: any combination of conditions, newest first, a page at a time."""

from clarion.kit import db
from clarion.kit.paging import Cursor, Key, Page, cut
from clarion.records.filters import RecordFilter
from clarion.records.rows import RecordRow, load
from clarion.records.sources import Source, sources

RecordPage = Page[RecordRow]
MOST_ROWS = 1_000


def search(wanted: RecordFilter, cursor: str | None = None, limit: int = 50) -> RecordPage:
    """The first page of a filter's records, or the page at a cursor that another page gave.

    A page has up to ``limit`` rows (at most 1,000). Raises FilterError for a channel or agent that
    is not there, and CursorError for a cursor that is not ours.
    """
    position = Cursor.parse(cursor, values=2) if cursor else None
    limit = max(1, min(limit, MOST_ROWS))
    keys = keys_of(sources(wanted), position, limit + 1)
    page = cut(keys, limit, position, lambda key: key)
    rows = load([record for _, record in page.rows])
    return Page(rows, page.next_cursor, page.previous_cursor)


def keys_of(among: list[Source], cursor: Cursor | None, limit: int) -> list[Key]:
    """(recorded_at, id) of the first records from the cursor on, in its direction."""
    backward = bool(cursor and cursor.backward)
    keys: list[Key] = []
    for source in among:
        # What lies beyond a full page already is not worth looking for.
        end = keys[-1] if len(keys) == limit else None
        more = db.fetch(*source.first(limit, cursor, end))
        keys = sorted([*keys, *more], reverse=not backward)[:limit]
    return keys
