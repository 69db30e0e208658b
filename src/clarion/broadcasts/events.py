"""What happened to a broadcast beside its messages: who did what and when, and why (J5).

The functions that change a broadcast write its events, in their own transactions. What a person
did is noted in the audit log as well, which outlives the broadcast; what happens by itself
(sending begins, a channel waits, recipients are held) is an event alone.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts.authors import name_of
from clarion.broadcasts.models import Broadcast, Event
from clarion.broadcasts.states import ACTIVE
from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.states import DeliveryState as D

CLARION: Final = "Clarion"  # who did what nobody asked for
ONE_EDIT = timedelta(minutes=10)  # edits by one agent that follow each other are one event
# Every kind of event, by what people filter by.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": (
        "send", "schedule", "start", "send_now", "undo", "missed", "begin", "expanded", "pause",
        "resume", "stop", "complete", "restart", "run", "call",
    ),
    "changes": (
        "create", "edited", "edit", "change", "rate_changed", "rotate", "duplicate", "test",
        "send_to_others", "repair", "ask_approval", "approve", "reject",
    ),
    "waits": (
        "held", "release", "released", "close_all", "channel_paused", "channel_resumed",
        "channel_waits", "webhook_waits", "webhook_answers", "end_wait", "worker_ended",
    ),
}  # fmt: skip


def note(broadcast: Broadcast, kind: str, by: Agent | str, **detail: Any) -> None:
    """Add what somebody did, to the events and to the audit log. Never pass secrets."""
    audit.note(f"broadcast.{kind}", f"broadcast {broadcast.pk}", by, **detail)
    if broadcast.type != Broadcast.Type.SINGLE:
        observe(broadcast.pk, kind, by, **detail)


def observe(broadcast_id: int, kind: str, by: Agent | str = audit.WORKER, **detail: Any) -> None:
    """Add an event that the audit log does not need."""
    Event.objects.create(**_values(kind, by, detail), broadcast_id=broadcast_id)


def note_edit(broadcast: Broadcast, by: Agent | str) -> None:
    """Add that a draft was edited, unless its latest event is an edit by the same person just now.

    A page saves what is typed every few seconds.
    """
    latest = broadcast.events.order_by("-at", "-pk").first()
    values = _values("edited", by, {})
    if latest is not None and latest.kind in {"create", "edited"}:
        same = latest.actor == values["actor"] and latest.agent_id == getattr(by, "pk", None)
        if same and values["at"] - latest.at < ONE_EDIT:
            return
    Event.objects.create(**values, broadcast=broadcast)


def was_changed(broadcast_id: int) -> bool:
    """Whether a live broadcast has been edited since it was started."""
    return Event.objects.filter(broadcast=broadcast_id, kind="change").exists()


def note_begin(broadcast: Broadcast) -> None:
    """Sending has begun. A message to one person has no events."""
    if broadcast.type != Broadcast.Type.SINGLE:
        observe(broadcast.pk, "begin")


def note_expanded(broadcast: Broadcast) -> None:
    """All its recipients are written: how many, and how many of them are held or skipped."""
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    own = {state: counts[state] for state in (D.HELD, D.SKIPPED) if counts[state]}
    observe(broadcast.pk, "expanded", audit.WORKER, people=sum(counts.values()), **own)


def note_end(broadcast: Broadcast, counts: Mapping[str, int]) -> None:
    """Everybody has been dealt with; ``counts``: recipients by state."""
    if broadcast.type != Broadcast.Type.SINGLE:
        observe(
            broadcast.pk, "complete", audit.WORKER, **{state: n for state, n in counts.items() if n}
        )


def observe_on_channel(
    channel_id: int, kind: str, by: Agent | str = audit.WORKER, **detail: Any
) -> None:
    """Add an event to every broadcast that is on its way on this channel."""
    running = Broadcast.objects.filter(state__in=ACTIVE, channels=channel_id, deleted_at=None)
    values = _values(kind, by, detail)
    with transaction.atomic():
        ids = running.exclude(type=Broadcast.Type.SINGLE).values_list("pk", flat=True)
        Event.objects.bulk_create(Event(**values, broadcast_id=pk) for pk in ids)


def observe_each(
    counts: Mapping[int, int], kind: str, by: Agent | str = audit.WORKER, **detail: Any
) -> None:
    """Add an event to each of these broadcasts: id -> how many recipients it is about."""
    if not counts:
        return
    listed = Broadcast.objects.filter(pk__in=list(counts)).exclude(type=Broadcast.Type.SINGLE)
    Event.objects.bulk_create(
        Event(**_values(kind, by, detail | {"people": counts[pk]}), broadcast_id=pk)
        for pk in listed.values_list("pk", flat=True)
    )


def halted_by(broadcast: Broadcast) -> Event | None:
    """The event that says who paused or stopped a broadcast, and when; None while it is neither."""
    kind = {"paused": "pause", "stopped": "stop"}.get(broadcast.state)
    if kind is None:
        return None
    return broadcast.events.filter(kind=kind).order_by("-at", "-pk").first()


def _values(kind: str, by: Agent | str, detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": clock.from_us(db.now_us()),
        "kind": kind,
        "agent": by if isinstance(by, Agent) else None,
        "actor": CLARION if by == audit.WORKER else name_of(by),
        "detail": dict(detail),
    }
