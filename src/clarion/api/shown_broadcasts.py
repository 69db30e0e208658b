"""A broadcast as the API shows it."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field

from clarion.api.types import Id, Moment, Output
from clarion.broadcasts import control, history
from clarion.broadcasts.models import Broadcast
from clarion.records.states import ALL

_COUNTS = (
    "expected", "total", "counts", "completed", "delivered_percent", "read_percent", "outcome",
    "delivered_of", "read_of", "opened", "opened_of", "opened_percent",
    "clicked", "clicked_of", "clicked_percent",
    "actions", "next_run_at", "runs", "number", "started_at", "finished_at", "state_reason",
    "waits_for",
)  # fmt: skip
Type = Literal["broadcast", "external", "trigger", "single"]
State = Literal["draft", "scheduled", "sending", "paused", "stopped", "completed", "missed", "live"]


class WaitOut(Output):
    """What keeps a broadcast from being sent at the moment."""

    channel: str | None = Field(description="null: its story's webhook, which does not answer")
    state: Literal["paused", "waiting"]
    reason: str
    since: Moment | None
    until: Moment | None = Field(description="The next attempt; null: until it is resumed")


class BroadcastOut(Output):
    """A broadcast: what it says, to whom and when, and what has become of it."""

    volatile: ClassVar[frozenset[str]] = frozenset(_COUNTS)
    id: Id
    number: int | None = Field(description="№: counts the broadcasts that were sent")
    title: str
    type: Type
    state: State
    state_reason: str
    outcome: str
    waits_for: list[WaitOut] = Field(description="Empty while it is sent through all its channels")
    content: dict[str, Any] = Field(description="As it is sent when a draft is created")
    mail: dict[str, str | list[str]] = Field(description="Of e-mails only, as it is sent")
    channel_ids: list[Id]
    audience: dict[str, Any] | None
    when: dict[str, Any]
    sample_data: dict[str, Any]
    data: dict[str, Any]
    code_pool_id: Id | None
    end_open_chats: bool
    track_clicks: bool
    track_opens: bool
    rate: float | None
    accepted_gaps: list[str]
    sent_by: str
    drafted_by: str
    parent_id: Id | None = Field(description="The broadcast that this is a run of")
    restart_of_id: Id | None
    edit_of_id: Id | None = Field(description="The live broadcast that this draft edits")
    revision: int
    actions: list[str] = Field(description="What can be done with it now")
    expected: int | None
    total: int
    counts: dict[str, int] = Field(description="Recipients by state; their sum is the total")
    completed: int = Field(description="sent + delivered + read")
    delivered_percent: float | None = Field(
        description="Of the recipients on channels that report it; null where no channel does"
    )
    delivered_of: int | None = Field(description="Recipients on channels that report it")
    read_percent: float | None = Field(
        description="Of the recipients on channels that report it; null where no channel does"
    )
    read_of: int | None = Field(description="Recipients on channels that report it")
    opened: int | None = Field(
        description="Recipients who opened the e-mail, an unreliable number; null: not counted"
    )
    opened_of: int | None = Field(description="Recipients to whom an e-mail was sent")
    opened_percent: float | None
    clicked: int | None = Field(
        description="Recipients who clicked a tracked link; null where clicks are not tracked"
    )
    clicked_of: int | None = Field(description="Recipients to whom a message was sent")
    clicked_percent: float | None
    runs: int
    created_at: Moment
    scheduled_at: Moment | None
    next_run_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None


def broadcasts_out(broadcasts: Iterable[Broadcast]) -> list[BroadcastOut]:
    """These broadcasts, in their order."""
    listed = list(broadcasts)
    return [
        _shown(broadcast, facts)
        for broadcast, facts in zip(listed, history.facts(listed), strict=True)
    ]


def broadcast_out(broadcast: Broadcast) -> BroadcastOut:
    """One broadcast, as it is stored now."""
    return broadcasts_out([history.with_lists([broadcast.pk])[broadcast.pk]])[0]


def _shown(broadcast: Broadcast, facts: dict[str, Any]) -> BroadcastOut:
    same = (
        "id", "number", "title", "type", "state", "state_reason", "outcome", "end_open_chats",
        "track_clicks", "track_opens", "rate",
        "opened", "opened_of", "opened_percent", "clicked", "clicked_of", "clicked_percent",
        "accepted_gaps", "drafted_by",
        "expected", "total", "completed",
        "delivered_percent", "delivered_of", "read_percent", "read_of", "runs",
        "created_at", "scheduled_at", "next_run_at", "started_at", "finished_at",
    )  # fmt: skip
    return BroadcastOut(
        **{name: facts[name] for name in same},
        content=_content(broadcast),
        mail=broadcast.mail,
        channel_ids=[channel.pk for channel in broadcast.channels.all()],
        audience=_audience(broadcast),
        when=_when(broadcast),
        sample_data=broadcast.sample_data,
        data=broadcast.data,
        code_pool_id=broadcast.code_pool_id,
        sent_by=facts["agent"],
        waits_for=[WaitOut(**wait) for wait in facts["waits_for"]],
        parent_id=broadcast.parent_id,
        restart_of_id=broadcast.restart_of_id,
        edit_of_id=broadcast.edit_of_id,
        revision=broadcast.revision,
        actions=control.actions(broadcast),
        counts={state: facts[state] for state in ALL},
    )


def _content(broadcast: Broadcast) -> dict[str, Any]:
    match broadcast.data_type:
        case Broadcast.DataType.STORY:
            return {"type": "story", "story_id": broadcast.story_id}
        case Broadcast.DataType.TEMPLATE:
            return {"type": "template", **broadcast.template}
    return {"type": "text", "text": broadcast.text, "format": broadcast.format}


def _audience(broadcast: Broadcast) -> dict[str, Any] | None:
    stored = broadcast.audience
    if not stored:
        return None
    named = {"segments": "segment_ids", "without_segments": "without_segment_ids"}
    audience = {named.get(name, name): value for name, value in stored.items()}
    picked_from = audience.pop("picked_from", "")
    if audience["kind"] == "picks":
        audience |= {"kind": "contacts", "chosen_by": picked_from}
    return audience


def _when(broadcast: Broadcast) -> dict[str, Any]:
    timings = Broadcast.Timing
    timing = broadcast.timing
    zone = {"time_zone": broadcast.zone}
    match timing:
        case timings.SCHEDULED:
            return {"type": "scheduled", "at": broadcast.scheduled_at, **zone}
        case timings.PERIODIC:
            return {"type": "periodic", "recurrence": broadcast.recurrence, **zone}
        case timings.TRIGGER:
            return {"type": "trigger", "trigger": broadcast.trigger, **zone}
    return {"type": str(timing.value)}
