"""Deliveries, records and receipts: what has become of each recipient and each attempt."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import AwareDatetime, Field

from clarion.api.answers import Rules
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.problems import FieldError, Problem, not_found
from clarion.api.types import Id, Moment, Output, Page
from clarion.broadcasts import history
from clarion.kit.numbers import BIGGEST
from clarion.records.audience import (
    Place,
    ReceiptRow,
    Recipient,
    Wanted,
    detail,
    place,
    recipients,
)
from clarion.records.filters import FilterError, RecordFilter, Responses
from clarion.records.models import Delivery
from clarion.records.rows import RecordRow
from clarion.records.search import search
from clarion.records.states import ALL

AREA = "Records"
_READ = "records:read"
DeliveryState = Literal[
    "queued", "held", "sending", "sent", "delivered", "read", "failed", "skipped", "unsent",
    "in_doubt",
]  # fmt: skip
assert set(DeliveryState.__args__) == set(ALL)  # type: ignore[attr-defined]


class DeliveryOut(Output):
    """One recipient's place in a broadcast."""

    id: Id
    broadcast_id: Id
    chat_number: Id
    contact_id: Id | None = Field(description="null when the contact has been deleted")
    user_id: str
    name: str
    channel: str
    kind: str
    state: DeliveryState
    state_at: Moment
    attempts: int
    recovered: bool = Field(description="Sent on a retry after it had failed")
    error: str
    error_code: str
    parts_sent: int


class RecordOut(Output):
    """What is kept of one attempt."""

    id: Id
    recorded_at: Moment
    broadcast_id: Id
    broadcast: str
    delivery_id: Id
    channel: str
    kind: str
    chat_number: Id
    contact_id: Id | None
    user_id: str
    name: str
    status: Literal["completed", "error"]
    error: str
    error_code: str
    attempt: int
    responses: int = Field(description="Messages that the provider accepted")
    latency_us: int = Field(description="Microseconds from the scheduled moment")
    in_doubt: bool = Field(description="Its last message may or may not have been sent")
    messages: list[str] = Field(description="What was sent")
    attempted: str = Field(description="What was refused, or may or may not have been sent")


class ReceiptOut(Output):
    """What a provider reported about a message."""

    status: str
    at: Moment
    received_at: Moment
    external_id: str


class DeliveryDetailOut(Output):
    """A delivery with its attempts and receipts, oldest first."""

    delivery: DeliveryOut | None
    records: list[RecordOut]
    receipts: list[ReceiptOut]


class _Filters(Output):
    """The filters of records, as on the page; each that is sent must match."""

    broadcast: Annotated[int, Field(ge=1, le=BIGGEST)] | None = None
    story: Annotated[int, Field(ge=1, le=BIGGEST)] | None = None
    story_name: Annotated[str, Field(max_length=400)] = ""
    user: Annotated[str, Field(max_length=400, description="The user id, whole")] = ""
    name: Annotated[str, Field(max_length=400)] = ""
    status: Literal["", "completed", "error"] = ""
    error: Annotated[str, Field(max_length=400, description="Part of the error message")] = ""
    cause: Annotated[int, Field(ge=1, le=BIGGEST)] | None = None
    after: AwareDatetime | None = None
    before: AwareDatetime | None = None
    responses: Annotated[str, Field(max_length=20, description="Such as >0, =2 or <1")] = ""
    channel: Annotated[str, Field(max_length=400)] = ""
    agent: Annotated[str, Field(max_length=400)] = ""


@operation(
    AREA, "GET", "/broadcasts/{broadcast_id}/deliveries", Page[DeliveryOut],
    Rules(_READ, paged=True),
)  # fmt: skip
def list_deliveries(
    request: ApiRequest,
    broadcast_id: Id,
    state: Annotated[list[DeliveryState], Query([], max_length=10)] = [],  # noqa: B006
    channel_id: Annotated[Id | None, Query(None)] = None,
    reason_id: Annotated[Id | None, Query(None)] = None,
    recovered: bool = False,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[DeliveryOut]:
    """List the recipients of a broadcast with the state of each"""
    get(history.visible(), broadcast_id, "broadcast")
    wanted = Wanted(tuple(dict.fromkeys(state)), channel_id, reason_id, recovered)
    page = recipients(broadcast_id, wanted, cursor or None, limit)
    return Page(items=[_delivery(row) for row in page.rows], next=page.next_cursor)


@operation(AREA, "GET", "/deliveries/{delivery_id}", DeliveryDetailOut, Rules(_READ))
def get_delivery(request: ApiRequest, delivery_id: Id) -> DeliveryDetailOut:
    """Get a delivery with its attempts and receipts

    The status of a message that was sent by `POST /messages`.
    """
    broadcast = Delivery.objects.filter(pk=delivery_id).values_list("broadcast_id", flat=True)
    found_place: Place | None = place(broadcast[0], delivery_id) if broadcast else None
    if found_place is None:
        raise not_found(f"delivery {delivery_id}")
    return DeliveryDetailOut(
        delivery=_delivery(found_place.delivery),
        records=[_record(row) for row in found_place.attempts],
        receipts=[_receipt(row) for row in found_place.receipts],
    )


@operation(AREA, "GET", "/records", Page[RecordOut], Rules(_READ, paged=True))
def list_records(
    request: ApiRequest,
    filters: Query[_Filters],
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[RecordOut]:
    """Search records, the newest first"""
    try:
        page = search(_filter(filters), cursor or None, limit)
    except FilterError as error:
        wrong = [FieldError(error.field, "query", str(error))]
        raise Problem("invalid_request", str(error), wrong) from None
    return Page(items=[_record(row) for row in page.rows], next=page.next_cursor)


def _filter(filters: _Filters) -> RecordFilter:
    values = filters.model_dump(exclude={"responses"})
    if filters.responses:
        try:
            values["responses"] = Responses.parse(filters.responses)
        except ValueError:
            raise FilterError("responses", "Write a condition such as >0, =2 or <1.") from None
    return RecordFilter(**values)


@operation(AREA, "GET", "/records/{record_id}", DeliveryDetailOut, Rules(_READ))
def get_record(request: ApiRequest, record_id: Id) -> DeliveryDetailOut:
    """Get the delivery of a record, with all its attempts and receipts"""
    found_detail = detail(record_id)
    if found_detail is None:
        raise not_found(f"record {record_id}")
    return DeliveryDetailOut(
        delivery=_delivery(found_detail.delivery) if found_detail.delivery else None,
        records=[_record(row) for row in found_detail.attempts],
        receipts=[_receipt(row) for row in found_detail.receipts],
    )


def _delivery(row: Recipient) -> DeliveryOut:
    return DeliveryOut(
        id=row.delivery_id,
        broadcast_id=row.broadcast_id,
        chat_number=row.chat,
        contact_id=row.contact_id or None,
        user_id=row.user_id,
        name=row.name,
        channel=row.channel,
        kind=row.kind,
        state=row.state,
        state_at=row.at,
        attempts=row.attempts,
        recovered=row.recovered,
        error=row.error,
        error_code=row.code,
        parts_sent=row.part_sent,
    )


def _record(row: RecordRow) -> RecordOut:
    return RecordOut(
        id=row.id,
        recorded_at=row.recorded_at,
        broadcast_id=row.broadcast_id,
        broadcast=row.broadcast,
        delivery_id=row.delivery_id,
        channel=row.channel,
        kind=row.kind,
        chat_number=row.chat,
        contact_id=row.contact_id or None,
        user_id=row.user_id,
        name=row.name,
        status=row.status,
        error=row.error,
        error_code=row.code,
        attempt=row.attempt,
        responses=row.responses,
        latency_us=row.latency,
        in_doubt=row.in_doubt,
        messages=[message.text for message in row.messages.sent],
        attempted=row.messages.attempted,
    )


def _receipt(row: ReceiptRow) -> ReceiptOut:
    return ReceiptOut(
        status=row.status, at=row.at, received_at=row.received_at, external_id=row.external_id
    )
