"""Ordering and cancelling dry runs, and telling whether a report is still about its broadcast.

A dry run is a row first. A worker carries it out (``running``), and another one goes on with what a
worker that ended has left, so that nothing depends on the process that asked for it.
"""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from clarion.accounts.models import Agent
from clarion.broadcasts.audience import summary
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.versions import version_of
from clarion.engine.models import DryRun
from clarion.kit import clock
from clarion.segments.models import Segment

STATES = (BroadcastState.DRAFT, BroadcastState.SCHEDULED)  # of a broadcast that can have one


def order(broadcast: Broadcast, *, by: Agent | str) -> DryRun:
    """Have a worker render a broadcast for every recipient; nothing is sent.

    A broadcast has one dry run: an earlier one is deleted. One that is under way and still about
    the broadcast as it is now is returned. Raises ControlError where there is nothing to render.
    """
    _check(broadcast)
    mark = mark_of(broadcast)
    channels = list(broadcast.channels.order_by("pk"))
    counted = summary(audience_of(broadcast), channels, broadcast_id=broadcast.pk, quick=True)
    with transaction.atomic():
        Broadcast.objects.select_for_update().get(pk=broadcast.pk)
        earlier = DryRun.objects.filter(broadcast=broadcast)
        if (same := earlier.filter(mark=mark, state__in=DryRun.OPEN).first()) is not None:
            return same
        earlier.delete()
        return DryRun.objects.create(
            broadcast=broadcast,
            agent=by if isinstance(by, Agent) else None,
            mark=mark,
            expected=counted.total + sum(counted.dropped.values()),
            created_at=clock.now(),
        )


def cancel(dry_run: DryRun) -> bool:
    """End a dry run that is under way; False: it has ended already."""
    open_one = DryRun.objects.filter(pk=dry_run.pk, state__in=DryRun.OPEN)
    cancelled = open_one.update(state=DryRun.State.CANCELLED, finished_at=clock.now())
    dry_run.refresh_from_db()
    return bool(cancelled)


def latest(broadcast: Broadcast) -> DryRun | None:
    """The dry run of a broadcast; None before the first."""
    return DryRun.objects.filter(broadcast=broadcast).order_by("-pk").first()


def is_void(dry_run: DryRun, broadcast: Broadcast) -> bool:
    """Whether the broadcast was edited since: its text, story, audience or a segment of it."""
    return dry_run.mark != mark_of(broadcast)


def mark_of(broadcast: Broadcast) -> str:
    """What a dry run is about, as a digest."""
    version = version_of(broadcast)
    picks = broadcast.picks.aggregate(Count("pk"), Max("pk"))
    audience: dict[str, Any] = broadcast.audience
    named = {*audience.get("segments", ()), *audience.get("without_segments", ())}
    segments = Segment.objects.filter(pk__in=named).order_by("pk")
    facts = [
        broadcast.revision,
        version.pk if version else 0,
        *picks.values(),
        *segments.values_list("pk", "match", "conditions"),
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _check(broadcast: Broadcast) -> None:
    if broadcast.state not in STATES:
        raise ControlError(
            "Only a draft or a scheduled broadcast can have a dry run. Duplicate it, then start "
            "the dry run of the duplicate."
        )
    if not broadcast.audience:
        raise ControlError("Choose an audience first.")
    if not broadcast.channels.exists():
        raise ControlError("Choose at least one channel first.")
