"""Pausing a broadcast by itself when too many of its messages fail (F6).

Looked at whenever failures were settled, or reported later: the share of the last messages that
were rejected, and of those whose recipients can't be reached. What fails for everybody before
anything works is found earlier, and uses up nobody's attempts: ``engine.content_watch``.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from clarion.broadcasts.halting import LAST, LEAST, limits_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import ACTIVE, RUNNING
from clarion.engine import stops
from clarion.engine.attempt import CONTENT
from clarion.kit import clock, db
from clarion.records import failures, tallies
from clarion.records.deliveries.settle import Settlement
from clarion.records.failures import NewFailures
from clarion.records.states import DeliveryState as D

EVERY = 0.1  # seconds between two looks
TIDY = 10.0  # seconds between deletions of what is looked at no more
_FAILED = D.FAILED.value  # an enumeration's value takes a while to look up
MOST = LEAST * 100  # messages that are looked at where the limit is 1 %
_READ = (
    "type", "total", "pause_rejected", "pause_unreachable", "watched_since", "accepted_gaps",
    "expanded_at", "recurrence", "parent_id", "scheduled_at",
)  # fmt: skip


class Unjudged:
    """What a worker has settled or applied since it last looked whether a broadcast must pause.

    ``run`` runs a function in a thread that may use the database.
    """

    def __init__(self, run: Callable[..., Awaitable[None]]) -> None:
        self._run = run
        self._failing: set[int] = set()
        self._reported = False
        self._tidied_at = time.monotonic()

    def settled(self, batch: Iterable[Settlement]) -> None:
        """These have been settled."""
        self._failing.update(each.broadcast for each in batch if each.state == _FAILED)

    def reported(self) -> None:
        """Receipts have been applied."""
        self._reported = True

    async def judge(self) -> None:
        """Pause what has to."""
        failing, self._failing = self._failing, set()
        reported, self._reported = self._reported, False
        if reported:
            await self._run(judge_noted)
        elif failing:
            await self._run(judge, failing)
        if time.monotonic() > self._tidied_at + TIDY:
            self._tidied_at = time.monotonic()
            await self._run(tidy)


def judge_noted() -> None:
    """Judge all broadcasts with failures that are noted: receipts have reported some."""
    judge(failures.noted())


def judge(broadcast_ids: Iterable[int]) -> None:
    """Pause those of these broadcasts of whose last messages too many have failed."""
    for broadcast_id in broadcast_ids:
        now = db.now_us()
        newest = failures.newest(broadcast_id, within=MOST)
        if sum(each.people for each in newest) >= LEAST:
            _judge(broadcast_id, newest, now)


def tidy() -> None:
    """Delete failures that are looked at no more."""
    noted = failures.noted()
    if not noted:
        return
    active = set(
        Broadcast.objects.filter(pk__in=noted, state__in=ACTIVE).values_list("pk", flat=True)
    )
    failures.forget(set(noted) - active)
    for broadcast_id in sorted(active):
        failures.forget_before(broadcast_id, MOST)


def _judge(broadcast_id: int, newest: Sequence[NewFailures], now: int) -> None:
    broadcast = (
        Broadcast.objects.only(*_READ)
        .filter(pk=broadcast_id, state__in=RUNNING)
        .exclude(type=Broadcast.Type.SINGLE)
        .first()
    )
    if broadcast is None:
        return
    since = clock.to_us(broadcast.watched_since) if broadcast.watched_since else 0
    # Recipients who lack a variable were accepted as failures before sending.
    accepted = {CONTENT} if broadcast.accepted_gaps else set()
    counted = [each for each in newest if each.since >= since and each.code not in accepted]
    limits, end = limits_of(broadcast), max(each.attempted for each in newest)
    for unreachable, limit in ((False, limits.rejected), (True, limits.unreachable)):
        last = max(LAST, ceil(LEAST * 100 / limit)) if limit else 0
        failed = [
            each
            for each in counted
            if each.unreachable is unreachable and each.attempted > end - last
        ]
        if not limit or sum(each.people for each in failed) < LEAST:
            continue
        share = share_of(failed, last if broadcast.is_live else min(last, broadcast.total))
        if share.part * 100 >= limit and _is_unfinished(broadcast):
            sentence = _sentence(failed, unreachable, share, limit)
            stops.pause_broadcast(broadcast.pk, sentence, now)
            return


@dataclass(frozen=True, slots=True)
class Share:
    """How many failed, among how many; ``part`` is what is compared with the limit."""

    people: int
    among: int
    part: float


def share_of(failed: Sequence[NewFailures], last: int) -> Share:
    """Which part of the last messages failed.

    What failed at once is among the attempts. What was reported later is among the reports, and
    among the attempts as well: receipts may come by the thousand, and the bad ones first.
    """
    early = _among_attempts([each for each in failed if not each.late], last)
    late = [each for each in failed if each.late]
    later = min(_among_attempts(late, last), _among_reports(late, last), key=lambda one: one.part)
    so_far = max(each.attempted for each in failed)
    among = min(so_far, max(early.among, later.among))
    return Share(early.people + later.people, among, early.part + later.part)


def _among_attempts(failed: Sequence[NewFailures], last: int) -> Share:
    if not failed:
        return Share(0, last, 0.0)
    # A batch counts whole.
    begin = min(each.attempted - (0 if each.late else each.among) for each in failed)
    return _share(failed, max(last, max(each.attempted for each in failed) - begin))


def _among_reports(failed: Sequence[NewFailures], last: int) -> Share:
    if not failed:
        return Share(0, last, 0.0)
    end = max(each.reported for each in failed)
    newest = [each for each in failed if each.reported > end - last]
    return _share(newest, max(last, end - min(each.reported - each.among for each in newest)))


def _share(failed: Sequence[NewFailures], among: int) -> Share:
    people = sum(each.people for each in failed)
    return Share(people, among, people / among)


def _is_unfinished(broadcast: Broadcast) -> bool:
    """Whether a pause keeps anything from being sent."""
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    return bool(
        counts[D.QUEUED] or counts[D.HELD] or broadcast.is_live or broadcast.expanded_at is None
    )


def _sentence(failed: Sequence[NewFailures], unreachable: bool, share: Share, limit: int) -> str:
    causes: Counter[str] = Counter()
    for each in failed:
        causes[each.text] += each.people
    what = "recipients can't be reached" if unreachable else "messages were rejected"
    return (
        f"{share.people:,} of the last {share.among:,} {what} (limit: {limit}%). Most frequent "
        f"error: {causes.most_common(1)[0][0]} Fix the cause, then resume. A restart also sends to "
        "those who failed."
    )
