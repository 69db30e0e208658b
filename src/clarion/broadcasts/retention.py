"""Retention (E5): finished broadcasts are deleted for good, with everything about their people.

A broadcast goes ``CLARION_RETENTION_DAYS`` after it was completed or stopped. A chain of restarts
goes as a whole, when its youngest link may: who has received any link must stay known for as long
as a link can be restarted. A periodic or external broadcast goes when all its runs have gone.
Stories that buttons asked for go like broadcasts; what agents wrote to one person is part of its
chat and stays.

What goes is marked first (``deleted_at``), and from that moment no list shows it; then it is
taken away in small steps, the broadcast's own row last. A crash leaves a mark, and the next step
goes on there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent, Role
from clarion.broadcasts.chains import chain
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.history import TYPES
from clarion.broadcasts.models import IS_LIVE, Broadcast
from clarion.broadcasts.states import FINISHED
from clarion.clicks import tallies as click_tallies
from clarion.kit import clock, db
from clarion.records import kept_latency, measures, tallies
from clarion.records.deliveries.delete import delete_deliveries, delete_records
from clarion.records.deliveries.shared import delete_shared
from clarion.records.states import PENDING

STEP = 5_000  # rows of one step: less than 0.1 s, so that whoever sends gets a turn
AT_ONCE = 200  # broadcasts that are marked, or taken away, together
SMALL = 100  # people of a broadcast that is taken away together with others
MOST_COUNTED = 100_000  # records that are counted for an answer


@dataclass(frozen=True, slots=True)
class Due:
    """A broadcast that will be deleted, and when."""

    broadcast: Broadcast
    goes_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What will be deleted until a moment."""

    broadcasts: int
    records: int
    more: bool  # there are more records than were counted
    until: datetime


def days() -> int:
    """After how many days a finished broadcast is deleted; 0 is never."""
    kept: int = settings.CLARION.retention_days
    return kept


def due(until: datetime, *, limit: int | None = None) -> list[Due]:
    """What will have been deleted by then, the first to go first; singles are left out."""
    if not days():
        return []
    kept = timedelta(days=days())
    plan = _plan(until - kept)
    first = sorted(plan, key=lambda pk: (plan[pk], pk))[:limit]
    listed = Broadcast.objects.select_related("agent", "drafted_by", "story").in_bulk(first)
    return [Due(listed[pk], plan[pk] + kept) for pk in first if pk in listed]


def summary(until: datetime) -> Summary:
    """How many broadcasts and records will have been deleted by then."""
    plan = list(_plan(until - timedelta(days=days()))) if days() else []
    records = _count_records(plan)
    return Summary(len(plan), min(records, MOST_COUNTED), records > MOST_COUNTED, until)


def _count_records(broadcast_ids: Iterable[int]) -> int:
    """How many records these have; at most one more than MOST_COUNTED."""
    counted, ids = 0, iter(broadcast_ids)
    while (some := list(islice(ids, AT_ONCE))) and counted <= MOST_COUNTED:
        for status in ("completed", "error"):
            counted += db.fetch(
                "SELECT count(*) FROM (SELECT 1 FROM records_record "
                f"WHERE status = '{status}' AND broadcast_id IN ({_marks(some)}) "
                f"LIMIT {MOST_COUNTED + 1}) AS r",
                some,
            )[0][0]
    return min(counted, MOST_COUNTED + 1)


@dataclass(frozen=True, slots=True)
class Removal:
    """What is deleted with a broadcast that somebody removes."""

    broadcasts: list[Broadcast]  # itself and all links of its chain
    people: int
    records: int
    more: bool  # there are more records than were counted


def removal(broadcast: Broadcast) -> Removal:
    """What goes when this broadcast is removed by hand: all of its chain, with its records."""
    links = chain(broadcast)
    records = _count_records([link.pk for link in links])
    people = sum(link.total for link in links)
    return Removal(links, people, min(records, MOST_COUNTED), records > MOST_COUNTED)


def remove(broadcast: Broadcast, *, by: Agent | str) -> None:
    """Delete a broadcast that is over by hand, with its deliveries, records and receipts (F7).

    Its restarts, and what it is a restart of, are deleted with it: without them nobody would know
    who has got the message. The runs of a periodic or external one stay. It is out of sight at
    once; the rows go as those of retention do. Raises ControlError for an agent who is no manager,
    and while anything of the chain is not over.
    """
    if isinstance(by, Agent) and not by.may(Role.MANAGER):
        raise ControlError("Only a manager can delete a broadcast that was sent. Ask one.")
    with transaction.atomic():
        root = Broadcast.objects.select_for_update().get(pk=chain(broadcast)[0].pk)
        links = chain(root)
        numbers = [link.pk for link in links]
        over = set(_over(clock.now()).filter(pk__in=numbers).values_list("pk", flat=True))
        going = [pk for pk in numbers if pk in over]
        if len(_quiet(going)) < len(numbers):
            raise ControlError(_why_not_removed(links))
        for link in _mark_these(numbers, clock.now()):
            audit.note(
                "broadcast.remove", f"broadcast {link.pk}", by, title=link.title, people=link.total
            )


def _why_not_removed(links: Sequence[Broadcast]) -> str:
    running = [link for link in links if link.state not in FINISHED]
    if not running:
        return "It is still winding down. Try again in a minute."
    state = running[0].get_state_display().lower()
    return (
        f"Broadcast {running[0].pk} of the same chain is {state}. "
        "Stop or delete it first: a broadcast and its restarts are deleted together."
    )


def _plan(finished_by: datetime) -> dict[int, datetime]:
    """What may go: broadcast -> the moment that its days are counted from."""
    over = _over(finished_by)
    finished = {pk: at for pk, at in over.values_list("pk", "finished_at") if at is not None}
    plan: dict[int, datetime] = {}
    chains = _chains() if finished else {}
    for pk, at in finished.items():
        links = chains.get(pk, [pk])
        if all(link in finished for link in links):
            plan[pk] = max((finished[link] for link in links), default=at)
    children: dict[int, list[int]] = {}
    for parent, run in Broadcast.objects.filter(parent__in=list(plan)).values_list(
        "parent_id", "pk"
    ):
        children.setdefault(parent or 0, []).append(run)
    for parent, runs in children.items():
        if all(run in plan for run in runs):
            plan[parent] = max(plan[parent], *(plan[run] for run in runs))
        else:
            del plan[parent]
    return plan


def _over(finished_by: datetime) -> "QuerySet[Broadcast]":
    """Finished by then, and of nobody is anything still to be written."""
    over = Broadcast.objects.filter(
        type__in=TYPES, state__in=FINISHED, finished_at__lte=finished_by, deleted_at=None
    )
    # One that was stopped before its people were written down is still being wound up.
    return over.filter(Q(expanded_at__isnull=False) | IS_LIVE)


def _chains() -> dict[int, list[int]]:
    """Each broadcast of a chain of restarts -> all links of that chain."""
    chains: dict[int, list[int]] = {}
    edges = Broadcast.objects.filter(restart_of__isnull=False).order_by("pk")
    for restart, old in edges.values_list("pk", "restart_of_id"):
        links = chains.setdefault(old or 0, [old or 0])
        links.append(restart)
        chains[restart] = links
    return chains


def sweep(limit: int = STEP, *, by: Agent | str = audit.WORKER) -> int:
    """Delete one small step, at most about ``limit`` rows; 0: nothing is left to do.

    May run at any time in any number of processes.
    """
    going = _marked()
    if not going:
        return _mark(clock.from_us(db.now_us()), by)
    deleted, enough = 0, limit - limit // 4  # the last quarter is not worth another statement
    for step in _STEPS:
        while deleted < enough:
            some = step(going, limit - deleted)
            if not some:
                break
            deleted += some
    return deleted if deleted >= enough else deleted + _take_rows(going)


def _marked() -> list[int]:
    """What to take away next: a big broadcast alone, or some small ones together.

    Whoever has runs waits until they have gone.
    """
    rows = db.fetch(
        "SELECT b.id, b.total FROM broadcasts_broadcast b WHERE b.deleted_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM broadcasts_broadcast r WHERE r.parent_id = b.id) "
        f"ORDER BY b.total, b.id LIMIT {AT_ONCE}"
    )
    return [pk for pk, total in rows if total <= SMALL] or [pk for pk, _ in rows[:1]]


def _mark(now: datetime, by: Agent | str) -> int:
    """Mark what has come due; return how many broadcasts."""
    if not days():
        return 0
    finished_by = now - timedelta(days=days())
    plan, singles = _plan(finished_by), _singles(finished_by)
    if not plan and not singles:
        return 0
    with transaction.atomic():
        going = sorted(plan, key=lambda pk: (plan[pk], pk))
        marked = _mark_these(_quiet([*going, *singles]), now)
        for broadcast in marked:
            if broadcast.type != Broadcast.Type.SINGLE:
                _note(broadcast, by)
        if lone := sum(broadcast.type == Broadcast.Type.SINGLE for broadcast in marked):
            audit.note("broadcast.expire", "singles", by, broadcasts=lone)
    return len(marked)


def _singles(finished_by: datetime) -> list[int]:
    """Some stories that buttons asked for, finished by then: nobody's words, and many."""
    # Said in the words of their partial index.
    rows = db.fetch(
        "SELECT id FROM broadcasts_broadcast WHERE type = 'single' AND agent_id IS NULL "
        "AND finished_at <= %s AND deleted_at IS NULL AND state IN ('completed', 'stopped') "
        f"ORDER BY finished_at LIMIT {AT_ONCE}",
        [clock.to_us(finished_by)],
    )
    return [pk for (pk,) in rows]


def _quiet(broadcast_ids: Sequence[int]) -> list[int]:
    """Those of which nothing is queued, held or being sent."""
    counts: dict[int, dict[str, int]] = {}
    for start in range(0, len(broadcast_ids), AT_ONCE):
        counts |= tallies.counts(broadcast_ids[start : start + AT_ONCE])
    return [pk for pk in broadcast_ids if not any(counts[pk][state] for state in PENDING)]


def _mark_these(broadcast_ids: Sequence[int], now: datetime) -> list[Broadcast]:
    """Mark those of them that nobody else has marked meanwhile; a few thousand are no matter."""
    marked: list[Broadcast] = []
    for start in range(0, len(broadcast_ids), AT_ONCE):
        due = broadcast_ids[start : start + AT_ONCE]
        some = list(db.select_unlocked(Broadcast.objects.filter(pk__in=due, deleted_at=None)))
        Broadcast.objects.filter(pk__in=[broadcast.pk for broadcast in some]).update(deleted_at=now)
        marked += some
    return marked


def _note(broadcast: Broadcast, by: Agent | str) -> None:
    assert broadcast.finished_at is not None
    audit.note(
        "broadcast.expire",
        f"broadcast {broadcast.pk}",
        by,
        title=broadcast.title,
        people=broadcast.total,
        finished_at=broadcast.finished_at.isoformat(),
    )


def _delete_own(table: str) -> "Callable[[Sequence[int], int], int]":
    """A step that deletes rows of a table that names its broadcast."""

    def step(broadcast_ids: Sequence[int], limit: int) -> int:
        where = f"broadcast_id IN ({_marks(broadcast_ids)})"
        return db.delete_first(table, where, "broadcast_id", broadcast_ids, limit)

    return step


_OWN = (
    "broadcasts_approval",
    "broadcasts_pick",
    "broadcasts_firing",
    "broadcasts_externalcall",
    "broadcasts_event",
)
_STEPS = (
    delete_records,
    delete_deliveries,
    delete_shared,
    tallies.delete,
    measures.delete,
    kept_latency.delete,
    click_tallies.delete,
    *map(_delete_own, _OWN),
)
_LEFT = (
    "FROM records_record WHERE status = 'completed' AND",
    "FROM records_record WHERE status = 'error' AND",
    "FROM records_sharedtext WHERE",
    "FROM records_delivery WHERE",
    "FROM records_tally WHERE",
    "FROM records_measure WHERE",
    "FROM records_measuredelta WHERE",
    "FROM records_keptlatency WHERE",
    *(f"FROM {table} WHERE" for table in (*click_tallies.TABLES, *_OWN)),
)


def _take_rows(broadcast_ids: Sequence[int]) -> int:
    """The broadcasts themselves, unless something is left that names them.

    Another process may hold the last of it at this moment, and may yet fail.
    """
    left = " UNION ".join(
        f"SELECT broadcast_id {rows} broadcast_id IN ({_marks(broadcast_ids)})" for rows in _LEFT
    )
    with db.in_index_order():
        busy = {pk for (pk,) in db.fetch(left, [*broadcast_ids] * len(_LEFT))}
        free = Broadcast.objects.filter(pk__in=set(broadcast_ids) - busy, runs=None)
        numbers = list(free.values_list("pk", flat=True))
        Broadcast.objects.filter(pk__in=numbers).delete()
    return len(numbers)


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
