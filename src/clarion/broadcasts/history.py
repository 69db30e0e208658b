"""Lists of broadcasts, and the facts of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.records import tallies
from clarion.records.states import ALL, COMPLETED

S = BroadcastState
SECTIONS: dict[str, tuple[str, ...]] = {
    "active": (S.SENDING, S.PAUSED),
    "scheduled": (S.SCHEDULED, S.MISSED),
    "completed": (S.COMPLETED, S.STOPPED),
    "drafts": (S.DRAFT,),
}


@dataclass(frozen=True, slots=True)
class Section:
    """One page of a section, newest first; ``after`` is where the next page begins."""

    broadcasts: list[Broadcast]
    after: int | None


def section(name: str, *, q: str = "", after: int | None = None, limit: int = 50) -> Section:
    """Broadcasts of a section (``all`` or one of SECTIONS), found by id, title, text or agent."""
    found = _search(Broadcast.objects.all(), q)
    if name != "all":
        found = found.filter(state__in=SECTIONS[name])
    if after is not None:
        found = found.filter(pk__lt=after)
    page = list(
        found.select_related("agent").prefetch_related("channels").order_by("-pk")[: limit + 1]
    )
    return Section(page[:limit], page[limit - 1].pk if len(page) > limit else None)


def section_sizes(q: str = "") -> dict[str, int]:
    """How many broadcasts each section has."""
    found = _search(Broadcast.objects.all(), q)
    return {name: found.filter(state__in=states).count() for name, states in SECTIONS.items()}


def _search(found: "QuerySet[Broadcast]", q: str) -> "QuerySet[Broadcast]":
    q = q.strip().lstrip("#№ ")
    if not q:
        return found
    words = Q(title__icontains=q) | Q(text__icontains=q) | Q(agent__name__icontains=q)
    if q.isdecimal() and len(q) < 19:
        words |= Q(pk=int(q))
    return found.filter(words)


def facts(broadcasts: Iterable[Broadcast]) -> list[dict[str, Any]]:
    """All facts of broadcasts as plain values; counts by state, moments as datetimes.

    Every person is in exactly one of the counts; ``completed`` is sent + delivered + read.
    """
    listed: Sequence[Broadcast] = list(broadcasts)
    counts = tallies.counts([b.pk for b in listed])
    return [_facts(b, counts.get(b.pk, {})) for b in listed]


def _facts(b: Broadcast, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "id": b.pk,
        "title": b.title,
        "type": b.type,
        "state": b.state,
        "state_reason": b.state_reason,
        "text": b.text,
        "agent": b.agent.name if b.agent else "",
        "channels": [channel.name for channel in b.channels.all()],
        "audience": b.audience,
        "restart_of": b.restart_of_id,
        "total": b.total,
        **{state: counts.get(state, 0) for state in ALL},
        "completed": sum(counts.get(state, 0) for state in COMPLETED),
        "created_at": b.created_at,
        "scheduled_at": b.scheduled_at,
        "started_at": b.started_at,
        "finished_at": b.finished_at,
        "expanded_at": b.expanded_at,
    }
