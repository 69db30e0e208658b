"""Broadcasts: listed, read and controlled."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from ninja import Body, Query
from pydantic import AwareDatetime, Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.shown_broadcasts import BroadcastOut, broadcast_out, broadcasts_out
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.broadcasts import calls, control, drafts, external, history, launch, restarts
from clarion.broadcasts import retention as rules_of_retention
from clarion.broadcasts.history import SECTIONS, Sought
from clarion.broadcasts.models import Broadcast
from clarion.kit import clock
from clarion.kit.paging import Cursor
from clarion.kit.rates import FASTEST, SLOWEST

AREA = "Broadcasts"
_READ, _WRITE = "broadcasts:read", "broadcasts:write"
Section = Literal["all", "active", "scheduled", "periodic", "completed", "drafts"]
assert set(Section.__args__) == {"all", *SECTIONS}  # type: ignore[attr-defined]


class ReasonIn(Input):
    """Why it is done; shown beside the state."""

    reason: str = Field("", max_length=500)


class RestartIn(Input):
    """Who gets it again."""

    in_doubt: bool = Field(False, description="Also recipients who may have had it")
    undo_seconds: int | None = Field(None, ge=0, le=86_400)


class RateIn(Input):
    """The send rate."""

    rate: float | None = Field(
        ge=SLOWEST, le=FASTEST, description="Messages a second; null is no limit of its own"
    )


class ReleaseIn(Input):
    """Which held recipients get it although their chats are open; all, unless given."""

    chat_numbers: list[Id] | None = Field(None, min_length=1, max_length=10_000)


class ReleasedOut(Output):
    """How many were released."""

    released: int


class LeftoverOut(Output):
    """How many recipients a restart could reach."""

    failed: int
    unsent: int
    in_doubt: int


class UrlOut(Output):
    """The secret URL of an external broadcast or a trigger on an event."""

    url: str


class CallOut(Output):
    """What a call has caused."""

    result: dict[str, Any]


class RemovalOut(Output):
    """A broadcast that retention will delete."""

    broadcast_id: Id
    deleted_at: Moment


class RetentionOut(Output):
    """What retention deletes next."""

    days: int = Field(description="Days after the end; 0 is never")
    items: list[RemovalOut]


@operation(AREA, "GET", "/broadcasts", Page[BroadcastOut], Rules(_READ, paged=True))
def list_broadcasts(
    request: ApiRequest,
    section: Section = "all",
    q: Annotated[str, Query("", max_length=200, description="Title, text, agent, id or №")] = "",
    type: Annotated[  # noqa: A002 - as it is called everywhere
        list[Literal["broadcast", "external", "trigger"]], Query([], max_length=3)
    ] = [],  # noqa: B006
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[BroadcastOut]:
    """List broadcasts, newest first

    `since` and `until` are about the moment that belongs to the section: active by the start,
    scheduled by the planned time, completed by the end, others by their creation.
    """
    sought = Sought(tuple(type), q, since, until)
    page = history.section(section, sought, after=_after(cursor), limit=limit)
    return _page(page)


@operation(AREA, "GET", "/broadcasts/{broadcast_id}", BroadcastOut, Rules(_READ, tagged=True))
def get_broadcast(request: ApiRequest, broadcast_id: Id) -> BroadcastOut:
    """Get a broadcast"""
    return broadcast_out(find(broadcast_id))


@operation(
    AREA, "GET", "/broadcasts/{broadcast_id}/runs", Page[BroadcastOut], Rules(_READ, paged=True)
)
def list_runs(
    request: ApiRequest, broadcast_id: Id, limit: Limit = 50, cursor: CursorText = ""
) -> Page[BroadcastOut]:
    """List the runs of a periodic or external broadcast, newest first"""
    return _page(history.runs(find(broadcast_id), after=_after(cursor), limit=limit))


def _simple(path: str, name: str, summary: str, act: Callable[..., Broadcast]) -> None:
    """An operation without a body that answers with the broadcast."""

    def carried_out(request: ApiRequest, broadcast_id: Id) -> BroadcastOut:
        return broadcast_out(act(find(broadcast_id), by=request.by))

    carried_out.__name__, carried_out.__doc__ = name, summary
    operation(AREA, "POST", f"/broadcasts/{{broadcast_id}}/{path}", BroadcastOut, Rules(_WRITE))(
        carried_out
    )


_simple("send-now", "send_broadcast_now", "End the undo window and send at once", launch.send_now)
_simple("undo", "undo_broadcast", "Undo: make a scheduled broadcast a draft again", launch.undo)
_simple("accept-missed", "accept_missed", "Send a missed broadcast now", launch.accept_missed)
_simple("resume", "resume_broadcast", "Resume a paused or waiting broadcast", control.resume)
_simple(
    "edit",
    "edit_broadcast",
    "Make a broadcast ready for editing: the answer is the draft to change and start",
    launch.edit,
)


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/duplicate", BroadcastOut,
    Rules(_WRITE, repeatable=True, tagged=True), status=201,
)  # fmt: skip
def duplicate_broadcast(request: ApiRequest, broadcast_id: Id) -> Created:
    """Copy a broadcast into a new draft"""
    copy = drafts.duplicate(find(broadcast_id), by=request.by)
    return Created(broadcast_out(copy), f"/api/v1/broadcasts/{copy.pk}")


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/pause", BroadcastOut, Rules(_WRITE, body=JSON))
def pause_broadcast(request: ApiRequest, broadcast_id: Id, body: ReasonIn) -> BroadcastOut:
    """Pause a broadcast: nothing further is sent until it is resumed"""
    return broadcast_out(control.pause(find(broadcast_id), by=request.by, reason=body.reason))


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/stop", BroadcastOut, Rules(_WRITE, body=JSON))
def stop_broadcast(request: ApiRequest, broadcast_id: Id, body: ReasonIn) -> BroadcastOut:
    """Stop a broadcast for good: recipients who were not sent to are unsent"""
    return broadcast_out(control.stop(find(broadcast_id), by=request.by, reason=body.reason))


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/rate", BroadcastOut, Rules(_WRITE, body=JSON))
def set_broadcast_rate(request: ApiRequest, broadcast_id: Id, body: RateIn) -> BroadcastOut:
    """Change the send rate of a running broadcast"""
    return broadcast_out(control.set_rate(find(broadcast_id), body.rate, by=request.by))


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/release", ReleasedOut, Rules(_WRITE, body=JSON)
)
def release_held(request: ApiRequest, broadcast_id: Id, body: ReleaseIn) -> ReleasedOut:
    """Send to recipients who are held, although their chats are open"""
    count = control.release_held(find(broadcast_id), by=request.by, address_ids=body.chat_numbers)
    return ReleasedOut(released=count)


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/leftover", LeftoverOut, Rules(_READ))
def count_leftover(request: ApiRequest, broadcast_id: Id) -> LeftoverOut:
    """Count the recipients that a restart could reach"""
    return LeftoverOut(**restarts.leftover(find(broadcast_id)))


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/restart", BroadcastOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def restart_broadcast(request: ApiRequest, broadcast_id: Id, body: RestartIn) -> Created:
    """Send again to the recipients that it did not reach

    As a new broadcast; a periodic, trigger or external one goes live again itself.
    """
    fresh = restarts.restart(
        find(broadcast_id),
        by=request.by,
        in_doubt=body.in_doubt,
        undo_seconds=body.undo_seconds,
    )
    return Created(broadcast_out(fresh), f"/api/v1/broadcasts/{fresh.pk}")


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/remove", None, Rules(_WRITE))
def remove_broadcast(request: ApiRequest, broadcast_id: Id) -> None:
    """Delete a finished broadcast with its deliveries, records and receipts

    Its restarts, and what it is a restart of, are deleted with it. This can't be undone.
    """
    rules_of_retention.remove(find(broadcast_id), by=request.by)


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/url", UrlOut, Rules(_WRITE))
def get_broadcast_url(request: ApiRequest, broadcast_id: Id) -> UrlOut:
    """Show the secret URL of an external broadcast or a trigger on an event

    Empty where it has none. It needs the scope for changing, since who knows it can send.
    """
    return UrlOut(url=calls.url(find(broadcast_id)))


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/rotate-url", UrlOut, Rules(_WRITE))
def rotate_broadcast_url(request: ApiRequest, broadcast_id: Id) -> UrlOut:
    """Replace the secret URL: the old one no longer works"""
    return UrlOut(url=calls.url(calls.rotate(find(broadcast_id), by=request.by)))


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/runs", CallOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=202,
)  # fmt: skip
def run_external(request: ApiRequest, broadcast_id: Id, body: Body[dict[str, Any]]) -> CallOut:
    """Make a run of an external broadcast

    As a call of its URL: `users` (a list of user ids, or “everyone”), `channel` or `platform`, and
    `data`.
    """
    return CallOut(result=external.launch_call(_of(broadcast_id, "external"), body))


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/events", CallOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=202,
)  # fmt: skip
def fire_trigger(request: ApiRequest, broadcast_id: Id, body: Body[dict[str, Any]]) -> CallOut:
    """Note an event for users: a trigger on an event fires

    As a call of its URL: `user` or `users`, `channel` or `platform`, and `data`.
    """
    return CallOut(result=external.event_call(_of(broadcast_id, "trigger"), body))


def _of(number: int, type_: str) -> Broadcast:
    return get(history.visible().filter(type=type_, parent=None), number, f"{type_} broadcast")


@operation(AREA, "GET", "/retention", RetentionOut, Rules(_READ))
def list_retention(
    request: ApiRequest,
    days: Annotated[int, Query(30, ge=1, le=365, description="How far to look ahead")] = 30,
) -> RetentionOut:
    """List the broadcasts that retention deletes next, up to 100"""
    until = clock.now() + timedelta(days=days)
    return RetentionOut(
        days=rules_of_retention.days(),
        items=[
            RemovalOut(broadcast_id=removal.broadcast.pk, deleted_at=removal.goes_at)
            for removal in rules_of_retention.due(until, limit=100)
        ],
    )


def find(number: int) -> Broadcast:
    """The broadcast of that id. Raises Problem (404)."""
    return get(history.visible(), number, "broadcast")


def _after(cursor: str) -> int | None:
    return Cursor.parse(cursor, 1).key[0] if cursor else None


def _page(page: history.Section) -> Page[BroadcastOut]:
    following = str(Cursor((page.after,))) if page.after is not None else None
    return Page(items=broadcasts_out(page.broadcasts), next=following)
