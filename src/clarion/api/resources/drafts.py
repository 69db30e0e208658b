"""Drafts: written, checked, counted, previewed, tested and started."""

from typing import Annotated, Any

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.drafting import DraftIn, DraftPatch, package_fields
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest, may
from clarion.api.lookups import chosen, get, lock
from clarion.api.operations import operation
from clarion.api.problems import Problem, wrong_field
from clarion.api.shown_broadcasts import BroadcastOut, broadcast_out
from clarion.api.shown_costs import CostOut, cost_out
from clarion.api.shown_messages import MessageOut, message_out
from clarion.api.types import Id, Input, Output
from clarion.broadcasts import control, drafts, history, launch, singles
from clarion.broadcasts.audience import summary, to_confirm
from clarion.broadcasts.costs import costs
from clarion.broadcasts.forecast import forecast
from clarion.broadcasts.gaps import find_gaps, unaccepted
from clarion.broadcasts.mail_advice import advice_on
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview, preview_head, preview_page
from clarion.broadcasts.preview_address import preview_address
from clarion.broadcasts.problems import check_parts
from clarion.broadcasts.query import audience_of
from clarion.channels.condition import conditions, words
from clarion.contacts.models import Address
from clarion.content.errors import ContentError

AREA = "Drafts"
_READ, _WRITE = "broadcasts:read", "broadcasts:write"


class DraftProblemOut(Output):
    """Something that stands in the way of sending."""

    part: str = Field(description="channels, title, mail, content, audience, timing, form or gaps")
    detail: str


class ProblemsOut(Output):
    """What stands in the way of sending; empty when the draft can be started."""

    items: list[DraftProblemOut]
    advice: list[str] = Field(description="On its e-mails; nothing of it prevents sending")
    warnings: list[str] = Field(
        description="What is wrong with its channels: paused, waiting, not checked, check failed"
    )


class AudienceOut(Output):
    """Who would get it now."""

    total: int
    by_channel: dict[str, int] = Field(description="By the channel's id")
    left_out: dict[str, int] = Field(description="Contacts by the reason why they are left out")
    held: int = Field(description="Of the total: get it when their open chat is closed")
    estimated: bool = Field(description="Counted from a sample")
    sample: list[str] = Field(description="Some names; empty without the scope contacts:read")
    seconds: float | None = Field(description="How long sending takes; null without a rate")
    costs: list[CostOut] = Field(description="Of the channels whose providers charge by units")


class PreviewOut(Output):
    """What one contact would see."""

    chat_number: Id | None
    head: dict[str, str] = Field(description="Of an e-mail: title, preheader, from_name, reply_to")
    html: str = Field(description="Of an e-mail in Markdown, HTML or MJML; else empty")
    messages: list[str | None] = Field(description="null where a message can't be made")
    problems: list[str]


class TestIn(Input):
    """Who gets the test."""

    chat_number: Id


class StartIn(Input):
    """How it is started."""

    undo_seconds: int | None = Field(
        None, ge=0, le=86_400, description="The undo window of what is sent now"
    )
    revision: int | None = Field(
        None, ge=0, le=2**31 - 1, description="Refused if the draft has a newer one"
    )
    confirm_large: bool = Field(
        False,
        description="Start it also if it has very many recipients: CLARION_CONFIRM_RECIPIENTS",
    )


class IdsIn(Input):
    """Which drafts."""

    ids: list[Id] = Field(min_length=1, max_length=1_000)


class DeletedOut(Output):
    """How many were deleted."""

    deleted: int


@operation(
    AREA, "POST", "/broadcasts", BroadcastOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_draft(request: ApiRequest, body: DraftIn) -> Created:
    """Create a draft

    Of any type: `when` says whether it is sent now, scheduled, periodic, on a trigger or external.
    Nothing is sent until it is started.
    """
    draft = drafts.create_draft(by=request.by, **package_fields(body, None))
    return Created(broadcast_out(draft), f"/api/v1/broadcasts/{draft.pk}")


@operation(
    AREA, "PATCH", "/broadcasts/{broadcast_id}", BroadcastOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_draft(request: ApiRequest, broadcast_id: Id, body: DraftPatch) -> BroadcastOut:
    """Change a draft

    A scheduled broadcast is undone first, a live one is edited in a draft of its own: see `edit`.
    """
    draft = lock(history.visible(), broadcast_id, "broadcast")
    require_match(request, broadcast_out(draft))
    drafts.edit_draft(draft, by=request.by, **package_fields(body, draft))
    return broadcast_out(draft)


@operation(AREA, "DELETE", "/broadcasts/{broadcast_id}", None, Rules(_WRITE, edits=True))
def delete_broadcast(request: ApiRequest, broadcast_id: Id) -> None:
    """Delete a broadcast that was not sent

    One that was sent is deleted with its records by `remove`.
    """
    broadcast = lock(history.visible(), broadcast_id, "broadcast")
    require_match(request, broadcast_out(broadcast))
    control.delete(broadcast, by=request.by)


@operation(AREA, "POST", "/broadcasts/delete-drafts", DeletedOut, Rules(_WRITE, body=JSON))
def delete_drafts(request: ApiRequest, body: IdsIn) -> DeletedOut:
    """Delete several drafts; what is no draft any more stays"""
    return DeletedOut(deleted=control.delete_drafts(body.ids, by=request.by))


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/problems", ProblemsOut, Rules(_READ))
def list_problems(request: ApiRequest, broadcast_id: Id) -> ProblemsOut:
    """Check a draft: what stands in the way of sending"""
    draft = _find(broadcast_id)
    channels = list(draft.channels.order_by("name"))
    parts: dict[str, Any] = dict(check_parts(draft))
    parts |= dict.fromkeys(unaccepted(draft, find_gaps(draft, channels)), "gaps")
    return ProblemsOut(
        items=[DraftProblemOut(part=part, detail=detail) for detail, part in parts.items()],
        advice=advice_on(draft, channels),
        warnings=[words(channel, state) for channel, state in conditions(channels)],
    )


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/audience", AudienceOut, Rules(_READ))
def count_audience(
    request: ApiRequest,
    broadcast_id: Id,
    exact: Annotated[bool, Query(False, description="Count everybody, also of very many")] = False,
) -> AudienceOut:
    """Count the recipients of a draft"""
    draft = _find(broadcast_id)
    channels = list(draft.channels.order_by("name"))
    counted = summary(audience_of(draft), channels, broadcast_id=draft.pk, quick=not exact)
    return AudienceOut(
        total=counted.total,
        by_channel={str(channel): count for channel, count in counted.by_channel.items()},
        left_out=counted.dropped,
        held=counted.held,
        estimated=counted.about,
        sample=counted.sample if may(request, "contacts:read") else [],
        seconds=forecast(draft, channels, counted.by_channel).seconds,
        costs=[
            cost_out(cost)
            for cost in costs(draft, channels, counted.by_channel, about=counted.about)
        ],
    )


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/preview", PreviewOut, Rules(_READ))
def preview_draft(
    request: ApiRequest,
    broadcast_id: Id,
    chat_number: Annotated[Id | None, Query(None, description="Whose; else a recipient's")] = None,
) -> PreviewOut:
    """Show the messages as one contact would get them

    Without the scope contacts:read, the variables are shown by their names.
    """
    draft = _find(broadcast_id)
    reads_contacts = may(request, "contacts:read")
    if chat_number is not None and not reads_contacts:
        text = "Showing what a contact gets needs a token with the scope contacts:read as well."
        raise Problem("insufficient_scope", text)
    addresses = Address.objects.select_related("contact", "channel")
    address = chosen(addresses, chat_number, "chat_number", "query")
    if address is None and reads_contacts:
        channels = list(draft.channels.values_list("pk", flat=True))
        address = preview_address(draft, channels)
    shown = preview(draft, address)
    head = preview_head(draft, address, list(draft.channels.all()))
    html, problem = _page(draft, address)
    return PreviewOut(
        chat_number=address.pk if address else None,
        head={name: part.message.text for name, part in head.items() if part.message},
        html=html,
        messages=[part.message.shown() if part.message else None for part in shown],
        problems=[
            *(part.problem for part in (*head.values(), *shown) if part.problem),
            *([problem] if problem else []),
        ],
    )


def _page(draft: Broadcast, address: Address | None) -> tuple[str, str]:
    """The HTML of its e-mails, or what is wrong with it."""
    try:
        return preview_page(draft, address), ""
    except ContentError as error:
        return "", str(error)


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/test", MessageOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=202,
)  # fmt: skip
def test_draft(request: ApiRequest, broadcast_id: Id, body: TestIn) -> Created:
    """Send a test of a draft to one contact"""
    draft = _find(broadcast_id)
    addresses = Address.objects.select_related("contact", "channel")
    address = addresses.filter(pk=body.chat_number).first()
    if address is None:
        text = f"There is no chat with the number {body.chat_number}."
        raise wrong_field("chat_number", text)
    single = singles.send_test(draft, address, by=request.by)
    message = message_out(single)
    return Created(message, message.status_url)


def _counted(request: ApiRequest, broadcast_id: Id, body: StartIn) -> launch.Counted:
    draft = _find(broadcast_id)
    if not body.confirm_large and (large := to_confirm(draft)):
        about = "about " if large.about else ""
        text = f"This broadcast has {about}{large.total:,} recipients. Check them, then start it "
        raise Problem("conflict", f"{text}with confirm_large.")
    return launch.count(draft)


@operation(
    AREA, "POST", "/broadcasts/{broadcast_id}/start", BroadcastOut,
    Rules(_WRITE, repeatable=True, body=JSON), prepare=_counted,
)  # fmt: skip
def start_broadcast(request: ApiRequest, broadcast_id: Id, body: StartIn) -> BroadcastOut:
    """Start a draft: send it, schedule it, or let it go live

    What is sent now can be undone within the undo window. A broadcast with very many recipients is
    refused with 409 until the request says `confirm_large`. If the draft edits a live broadcast,
    the answer is that broadcast.
    """
    draft = _find(broadcast_id)
    started = launch.start(
        draft,
        by=request.by,
        undo_seconds=body.undo_seconds,
        revision=body.revision,
        counted=request.prepared,
    )
    return broadcast_out(started)


def _find(number: int) -> Broadcast:
    return get(history.visible(), number, "broadcast")
