"""A broadcast's activity (J5): its events, and who received what, in one list, newest first.

Two lists that are in order already are merged as far as a page needs: the events of the broadcast
(broadcasts.events) and its records. So a page of 1,000,000 recipients costs what a small one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from clarion.broadcasts.events import KINDS
from clarion.broadcasts.models import Event
from clarion.insights.merged import EVERYTHING, Span, bounded, end_of_page, newest
from clarion.kit import clock
from clarion.kit.numbers import BIGGEST
from clarion.kit.paging import Cursor, Key, Page
from clarion.records.filters import RecordFilter
from clarion.records.rows import RecordRow
from clarion.records.search import search

_RECORD, _EVENT = 0, 1  # of two at the same moment, the event comes first
# What a list can be limited to: some kinds of events, or the records of one status.
_STATUSES: Final[Mapping[str, str]] = {"messages": "completed", "errors": "error"}
GROUPS: Final = (*KINDS, *_STATUSES)


@dataclass(frozen=True, slots=True)
class Activity:
    """One line: either something that happened to the broadcast, or an attempt to send."""

    key: Key
    at: datetime
    kind: str  # of the event, or "messages" or "errors"
    actor: str = ""  # who did it; "Clarion" for what happens by itself
    detail: Mapping[str, Any] | None = None  # of the event
    record: RecordRow | None = None


def activity(
    broadcast_id: int, span: Span = EVERYTHING, cursor: str | None = None, limit: int = 50
) -> Page[Activity]:
    """A page of a broadcast's activity, newest first; ``cursor`` as another page gave it.

    A page has up to ``limit`` lines (at most 500). Raises CursorError for a cursor that is not ours
    and ValueError for an unknown group.
    """
    position = end_of_page(cursor, span.group, GROUPS)
    limit = bounded(limit)
    lines = _events(broadcast_id, span, position, limit + 1)
    lines += _records(broadcast_id, span, position, limit + 1)
    return newest(lines, limit)


def _events(broadcast_id: int, span: Span, position: Cursor | None, limit: int) -> list[Activity]:
    if span.group in _STATUSES:
        return []
    events = Event.objects.filter(broadcast=broadcast_id).select_related("agent")
    if span.group:
        events = events.filter(kind__in=KINDS[span.group])
    if span.since:
        events = events.filter(at__gte=span.since)
    if span.until:
        events = events.filter(at__lt=span.until)
    if position:
        at, source, key = position.key
        moment = clock.from_us(at)
        same = Q(at=moment, pk__lt=key) if source == _EVENT else Q()
        events = events.filter(Q(at__lt=moment) | same) if same else events.filter(at__lt=moment)
    return [
        Activity(
            (clock.to_us(event.at), _EVENT, event.pk),
            event.at,
            event.kind,
            event.agent.name if event.agent else event.actor,
            event.detail,
        )
        for event in events.order_by("-at", "-pk")[:limit]
    ]


def _records(broadcast_id: int, span: Span, position: Cursor | None, limit: int) -> list[Activity]:
    if span.group in KINDS:
        return []
    wanted = RecordFilter.model_validate(
        {
            "broadcast": broadcast_id,
            "status": _STATUSES.get(span.group, ""),
            "after": span.since,
            "before": span.until,
        }
    )
    beyond = None
    if position:
        at, source, key = position.key
        beyond = str(Cursor((at, key if source == _RECORD else BIGGEST)))
    kinds = {status: group for group, status in _STATUSES.items()}
    return [
        Activity(
            (clock.to_us(row.recorded_at), _RECORD, row.id),
            row.recorded_at,
            kinds[row.status],
            record=row,
        )
        for row in search(wanted, beyond, limit).rows
    ]
