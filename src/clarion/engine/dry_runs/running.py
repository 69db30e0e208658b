"""Carrying dry runs out, as a worker, in chunks.

A chunk is rendered without a transaction. Its results and the place that it reached are written in
one, which succeeds only while the dry run is still this worker's: so a chunk counts once, whatever
ends in between, and a cancelled dry run writes nothing more.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError
from django.db.models import F, Q, QuerySet

from clarion.broadcasts.audience import without_address
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience, audience_of, candidates, end_of_chunk
from clarion.broadcasts.reasons import HELD
from clarion.engine.claim import people_at
from clarion.engine.dry_runs.links import check_links
from clarion.engine.dry_runs.rehearsal import Rehearsal, Verdict
from clarion.engine.models import DryRun, DryRunGroup, DryRunPeople
from clarion.kit import clock, db

log = structlog.get_logger()
CHUNK = 5_000  # addresses: at most some tenths of a second
MOST_GROUPS = 200  # of one dry run; what is beyond is counted together
MOST_INTERRUPTIONS = 3  # what ends its worker each time is not tried for ever
NO_ADDRESS = "no_address"  # the group whose ids are of contacts
OTHERS = "Other errors"
Kind = DryRunGroup.Kind
Stopping = Callable[[], bool]
_Groups = Mapping[tuple[str, str], list[int]]  # kind and detail -> ids


def run_next(worker: int, stopping: Stopping) -> bool:
    """Do the next dry run that waits, as this worker; return False when there is none.

    A worker does one at a time, so one that is running as this worker broke off, and it continues.
    When ``stopping`` says so, the dry run is given back.
    """
    dry_run = _claim(worker)
    if dry_run is None:
        return False
    log.info("dry_run_started", id=dry_run.pk, looked_at=dry_run.looked_at)
    try:
        for _ in _chunks(dry_run, stopping):
            if stopping():
                _mine(dry_run).update(state=DryRun.State.WAITING, worker_id=None)
                return False
    except _TakenOverError:
        log.info("dry_run_taken_over", id=dry_run.pk)
    except DatabaseError:
        raise
    except Exception:
        log.exception("dry_run_failed", id=dry_run.pk)
        _finish(dry_run, "Clarion had a fault with this dry run. The worker's log has the details.")
    return True


def release_abandoned(working: "QuerySet[Any]") -> int:
    """Let others continue the dry runs of workers that have ended; return how many.

    ``working``: the ids of the workers that are at work.
    """
    left = DryRun.objects.filter(state=DryRun.State.RUNNING).exclude(worker_id__in=working)
    left.filter(interruptions__gte=MOST_INTERRUPTIONS - 1).update(
        state=DryRun.State.FAILED,
        error="The dry run was stopped: its worker ended three times. See the worker's log.",
        finished_at=clock.now(),
    )
    return left.update(
        state=DryRun.State.WAITING, worker_id=None, interruptions=F("interruptions") + 1
    )


class _TakenOverError(Exception):
    """The dry run was cancelled, deleted, or is another worker's by now."""


def _claim(worker: int) -> DryRun | None:
    free = Q(state=DryRun.State.WAITING) | Q(state=DryRun.State.RUNNING, worker_id=worker)
    for pk in DryRun.objects.filter(free).order_by("pk").values_list("pk", flat=True):
        claimed = DryRun.objects.filter(free, pk=pk)
        if claimed.update(state=DryRun.State.RUNNING, worker_id=worker):
            return DryRun.objects.get(pk=pk)
    return None


def _mine(dry_run: DryRun) -> "QuerySet[DryRun]":
    return DryRun.objects.filter(
        pk=dry_run.pk,
        state=DryRun.State.RUNNING,
        worker_id=dry_run.worker_id,
        cursor=dry_run.cursor,
    )


def _chunks(dry_run: DryRun, stopping: Stopping) -> Iterator[None]:
    """Do the dry run chunk by chunk to its end."""
    broadcast = Broadcast.objects.select_related("story_version__story", "code_pool").get(
        pk=dry_run.broadcast_id
    )
    channels = list(broadcast.channels.order_by("pk"))
    ids = [channel.pk for channel in channels]
    audience = audience_of(broadcast)
    rehearsal = Rehearsal(broadcast, channels)
    while True:
        last = end_of_chunk(
            audience, ids, broadcast_id=broadcast.pk, after=dry_run.cursor, size=CHUNK
        )
        if last is None:
            break
        _do_chunk(dry_run, broadcast, audience, ids, rehearsal, last)
        yield
    links = _checked_links(rehearsal, audience, ids, broadcast, stopping)
    yield
    left_out = _without_address(audience, ids, broadcast)  # before others have to wait for us
    with db.write():
        for begin in range(0, len(left_out), CHUNK):
            contacts = left_out[begin : begin + CHUNK].tolist()
            _advance(dry_run, looked_at=dry_run.looked_at + len(contacts))
            _add(dry_run, {(Kind.LEFT_OUT.value, NO_ADDRESS): contacts})
        _advance(dry_run, webhooks=rehearsal.webhooks, links=links)
        _finish(dry_run)


def _checked_links(
    rehearsal: Rehearsal,
    audience: Audience,
    channel_ids: list[int],
    broadcast: Broadcast,
    stopping: Stopping,
) -> list[list[str]]:
    """What the links answer, as filled in for the first recipient: see DryRun.links."""
    first = end_of_chunk(audience, channel_ids, broadcast_id=broadcast.pk, after=0, size=1)
    people, _ = people_at([first]) if first is not None else ({}, None)
    person = next(iter(people.values()), ("", "active", {}))
    checked = check_links(rehearsal.links(person), stopping)
    return [[link.url, link.result, link.detail] for link in checked]


def _do_chunk(
    dry_run: DryRun,
    broadcast: Broadcast,
    audience: Audience,
    channel_ids: list[int],
    rehearsal: Rehearsal,
    last: int,
) -> None:
    span = (dry_run.cursor + 1, last)
    query = candidates(audience, channel_ids, broadcast_id=broadcast.pk, span=span)
    rows = sorted(db.fetch(query.sql, query.params))
    reached = [address for address, _, _, reason in rows if reason in {"", HELD}]
    people, suppressed = people_at(reached)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    by_channel = {key: list(counts) for key, counts in dry_run.by_channel.items()}
    for address, channel, _, reason in rows:
        if address in suppressed:
            reason = "suppressed"
        if reason not in {"", HELD}:
            groups[Kind.LEFT_OUT.value, reason].append(address)
            continue
        if address not in people:
            continue  # deleted since the query
        verdict = rehearsal.verdict(channel, address, people[address])
        if verdict.kind is Kind.READY:
            counts = by_channel.setdefault(str(channel), [0, 0, 0, "0"])
            counts[0] += 1
            counts[1] += verdict.messages
            counts[2] += verdict.units
            counts[3] = _sum(counts[3], verdict.price)
            if reason == HELD and not broadcast.end_open_chats:
                verdict = Verdict(Kind.HELD)
        groups[verdict.kind.value, verdict.detail[:400]].append(address)
    with db.write():
        looked_at = dry_run.looked_at + sum(map(len, groups.values()))
        _advance(dry_run, cursor=last, looked_at=looked_at, by_channel=by_channel)
        _add(dry_run, groups)


def _sum(so_far: str | None, price: Decimal | None) -> str | None:
    """A price, exactly, as JSON can hold it; None as soon as one is not known."""
    return None if so_far is None or price is None else f"{Decimal(so_far) + price:f}"


def _advance(dry_run: DryRun, **values: object) -> None:
    """Write how far the dry run is. Raises _TakenOverError where it is no longer this worker's."""
    if not _mine(dry_run).update(**values):
        raise _TakenOverError
    for name, value in values.items():
        setattr(dry_run, name, value)


def _add(dry_run: DryRun, groups: _Groups) -> None:
    groups_so_far = {(group.kind, group.detail): group for group in dry_run.groups.all()}
    for (kind, detail), ids in groups.items():
        if (kind, detail) not in groups_so_far and len(groups_so_far) >= MOST_GROUPS:
            detail = OTHERS
        group = groups_so_far.get((kind, detail))
        if group is None:
            group = DryRunGroup.objects.create(dry_run=dry_run, kind=kind, detail=detail)
            groups_so_far[kind, detail] = group
        DryRunGroup.objects.filter(pk=group.pk).update(count=F("count") + len(ids))
        DryRunPeople.objects.create(group=group, ids=ids)


def _without_address(
    audience: Audience, channel_ids: list[int], broadcast: Broadcast
) -> "array[int]":
    """The contacts who were chosen and have no address on these channels.

    They are found together: each chunk would have to compare all of them once more.
    """
    query = without_address(audience, channel_ids, broadcast.pk)
    if query is None:
        return array("q")
    sql = f"SELECT DISTINCT contact_id FROM ({query.sql}) q ORDER BY contact_id"
    return array("q", (row[0] for row in db.stream(sql, query.params)))


def _finish(dry_run: DryRun, error: str = "") -> None:
    state = DryRun.State.FAILED if error else DryRun.State.DONE
    _mine(dry_run).update(state=state, error=error, finished_at=clock.now())
