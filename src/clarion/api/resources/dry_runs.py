"""Dry runs: a draft rendered for every recipient, before anything is sent."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.problems import not_found
from clarion.api.resources.broadcasts import find
from clarion.api.resources.drafts import AREA
from clarion.api.shown_costs import CostOut, cost_out
from clarion.api.types import Id, Moment, Output, Page
from clarion.engine.dry_runs import control
from clarion.engine.dry_runs.report import Report, people, report
from clarion.engine.models import DryRun, DryRunGroup

_READ, _WRITE = "broadcasts:read", "broadcasts:write"
State = Literal["waiting", "running", "done", "failed", "cancelled"]
Kind = Literal["ready", "held", "variable", "too_long", "content", "later", "left_out"]
assert set(State.__args__) == set(DryRun.State.values)  # type: ignore[attr-defined]
assert set(Kind.__args__) == set(DryRunGroup.Kind.values)  # type: ignore[attr-defined]


class DryRunGroupOut(Output):
    """Contacts for whom the dry run came to the same result."""

    id: Id
    kind: Kind
    detail: str = Field(description="The variable, the reason of being left out, or a sentence")
    contacts: int


class DryRunChannelOut(Output):
    """What would be sent on one channel."""

    channel_id: Id
    contacts: int
    messages: int = Field(description="At least: webhooks of a story are not asked")
    cost: CostOut | None = Field(description="null where the provider does not charge by units")


class DryRunLinkOut(Output):
    """What a link of the messages answers, as filled in for the first recipient."""

    url: str
    result: Literal["ok", "broken", "unchecked"]
    detail: str = Field(description="A sentence; empty where it answers as it should")


class DryRunOut(Output):
    """A dry run and its result so far."""

    broadcast_id: Id
    state: State
    error: str
    void: bool = Field(description="The broadcast was edited since: start another dry run")
    expected: int = Field(description="About how many contacts are checked in all")
    checked: int
    would_be_sent: int
    would_fail: int
    groups: list[DryRunGroupOut]
    channels: list[DryRunChannelOut]
    seconds: float | None = Field(description="How long sending takes; null without a rate")
    codes_missing: int
    webhooks_not_asked: int
    links: list[DryRunLinkOut] = Field(description="Checked at the end; a bad one prevents nothing")
    created_at: Moment
    finished_at: Moment | None


class DryRunContactOut(Output):
    """A contact behind a number."""

    contact_id: Id | None = Field(description="null when the contact has been deleted since")
    chat_number: Id | None = Field(description="null without an address on the channels")
    name: str
    user_id: str
    channel: str


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/dry-run", DryRunOut,
    Rules(_WRITE, repeatable=True), status=202,
)  # fmt: skip
def start_dry_run(request: ApiRequest, broadcast_id: Id) -> Created:
    """Start a dry run of a draft or a scheduled broadcast

    A worker renders the messages of every recipient. Nothing is sent, no code is used, and no
    webhook of a story is asked. The report of an earlier dry run is deleted.
    """
    broadcast = find(broadcast_id)
    control.order(broadcast, by=request.by)
    return Created(_shown(report(broadcast)), f"/api/v1/broadcasts/{broadcast.pk}/dry-run")


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/dry-run", DryRunOut, Rules(_READ))
def get_dry_run(request: ApiRequest, broadcast_id: Id) -> DryRunOut:
    """Get the dry run of a broadcast, and its result so far"""
    return _shown(report(find(broadcast_id)))


@operation(AREA, "POST", "/broadcasts/{broadcast_id}/dry-run/cancel", DryRunOut, Rules(_WRITE))
def cancel_dry_run(request: ApiRequest, broadcast_id: Id) -> DryRunOut:
    """Cancel a dry run; one that has ended stays as it is"""
    broadcast = find(broadcast_id)
    if (dry_run := control.latest(broadcast)) is not None:
        control.cancel(dry_run)
    return _shown(report(broadcast))


@operation(
    AREA, "GET", "/broadcasts/{broadcast_id}/dry-run/contacts", Page[DryRunContactOut],
    Rules("contacts:read", paged=True),
)  # fmt: skip
def list_dry_run_contacts(
    request: ApiRequest,
    broadcast_id: Id,
    group_id: Annotated[Id, Query(description="Whose contacts: a group of the dry run")],
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[DryRunContactOut]:
    """List the contacts behind a number of a dry run"""
    groups = DryRunGroup.objects.filter(dry_run__broadcast=find(broadcast_id))
    page = people(get(groups, group_id, "group"), cursor or None, limit)
    items = [
        DryRunContactOut(
            contact_id=person.contact_id,
            chat_number=person.chat,
            name=person.name,
            user_id=person.user_id,
            channel=person.channel,
        )
        for person in page.rows
    ]
    return Page(items=items, next=page.next_cursor)


def _shown(made: Report | None) -> DryRunOut:
    if made is None:
        raise not_found("a dry run of this broadcast")
    dry_run = made.dry_run
    return DryRunOut(
        broadcast_id=dry_run.broadcast_id,
        state=dry_run.state,
        error=dry_run.error,
        void=made.is_void,
        expected=dry_run.expected,
        checked=dry_run.looked_at,
        would_be_sent=made.would_be_sent,
        would_fail=made.would_fail,
        groups=[
            DryRunGroupOut(id=each.id, kind=each.kind, detail=each.detail, contacts=each.count)
            for each in made.groups
        ],
        channels=[
            DryRunChannelOut(
                channel_id=each.channel.pk,
                contacts=each.contacts,
                messages=each.messages,
                cost=cost_out(each.cost) if each.cost else None,
            )
            for each in made.channels
        ],
        seconds=made.forecast.seconds,
        codes_missing=made.codes_missing,
        webhooks_not_asked=dry_run.webhooks,
        links=[
            DryRunLinkOut.model_validate(
                {"url": link.url, "result": link.result, "detail": link.detail}
            )
            for link in made.links
        ],
        created_at=dry_run.created_at,
        finished_at=dry_run.finished_at,
    )
