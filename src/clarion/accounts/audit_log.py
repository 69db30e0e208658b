"""The audit log, read: filtered, by pages, as a file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from clarion.accounts.models import AuditEntry
from clarion.kit import clock, db, sheets
from clarion.kit.paging import DAMAGED, Cursor, CursorError, Page, cut

PAGE: Final = 50
COLUMNS: Final = ("at", "actor", "action", "object", "detail")
_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Conditions; an empty one takes everything."""

    actor: str = ""  # the whole name
    action: str = ""  # or its beginning, such as "channel."
    subject: str = ""  # such as "broadcast 17"
    since: datetime | None = None
    until: datetime | None = None  # without that moment

    def to_query(self) -> str:
        """As it is noted when it is exported."""
        moments = {
            name: value.isoformat()
            for name, value in (("since", self.since), ("until", self.until))
            if value
        }
        texts = {"actor": self.actor, "action": self.action, "subject": self.subject}
        return urlencode({name: text for name, text in texts.items() if text} | moments)


def search(wanted: Wanted, cursor: str | None = None, limit: int = PAGE) -> Page[AuditEntry]:
    """A page, the newest first. Raises CursorError."""
    position = Cursor.parse(cursor, 2) if cursor else None
    rows = _entries(wanted)
    if position:
        at, key = _moment(position), position.key[1]
        rows = rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=key))
    # Each action by itself, as its entries are in order in one index: a rare one is not looked for
    # among all.
    each = [rows.filter(action=action) for action in _actions(wanted.action)] or [rows]
    newest = [entry for some in each for entry in some.order_by("-at", "-pk")[: limit + 1]]
    page = sorted(newest, key=lambda entry: (entry.at, entry.pk), reverse=True)[: limit + 1]
    return cut(page, limit, None, lambda entry: (clock.to_us(entry.at), entry.pk))


def _moment(position: Cursor) -> datetime:
    try:
        return clock.from_us(position.key[0])
    except OverflowError:
        raise CursorError(DAMAGED) from None


def _entries(wanted: Wanted) -> "QuerySet[AuditEntry]":
    """The entries that meet all conditions but that of the action, without an order."""
    rows = AuditEntry.objects.all()
    if wanted.actor:
        rows = rows.filter(actor=wanted.actor)
    if wanted.subject:
        rows = rows.filter(subject=wanted.subject)
    if wanted.since:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until:
        rows = rows.filter(at__lt=wanted.until)
    return rows


def _actions(prefix: str) -> list[str]:
    """The actions that begin like this and that there are entries of, leaping through the index.

    The prefix itself where there are none, and nothing without a prefix. They are compared here: in
    most locales of PostgreSQL, signs come before letters, so a prefix is no range.
    """
    if not prefix:
        return []
    least = "(SELECT min(e.action) FROM accounts_auditentry AS e{})"
    rows = db.fetch(
        f"WITH RECURSIVE v (action) AS (SELECT {least.format('')} UNION ALL"
        f" SELECT {least.format(' WHERE e.action > v.action')} FROM v WHERE v.action IS NOT NULL)"
        " SELECT action FROM v WHERE action IS NOT NULL"
    )
    return [action for (action,) in rows if action.startswith(prefix)] or [prefix]


def export_csv(wanted: Wanted, zone: str) -> Iterator[bytes]:
    """The entries as a CSV file, in parts, the newest first. Raises ValueError for a zone."""
    write = sheets.moments(zone)
    return sheets.stream(COLUMNS, (_line(entry, write(clock.to_us(entry.at))) for entry in
                                   _every(wanted)))  # fmt: skip


def _every(wanted: Wanted) -> Iterator[AuditEntry]:
    cursor: str | None = None
    while True:
        page = search(wanted, cursor, _AT_ONCE)
        yield from page.rows
        cursor = page.next_cursor
        if cursor is None:
            return


def _line(entry: AuditEntry, at: str) -> str:
    detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
    return f"{at},{sheets.cells((entry.actor, entry.action, entry.subject, detail))}"
