"""What broadcasts have done, in numbers: reconcile, analytics, errors, activity, why."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.conf import settings
from ninja import Query
from pydantic import AwareDatetime, Field

from clarion.api.answers import Rules
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import chosen
from clarion.api.operations import operation
from clarion.api.problems import wrong_field
from clarion.api.resources.broadcasts import find
from clarion.api.types import Id, Moment, Output, Page
from clarion.broadcasts.reconcile import reconcile
from clarion.contacts.models import Contact
from clarion.insights import over_time, spans
from clarion.insights.activity import GROUPS, activity
from clarion.insights.attention import concerns
from clarion.insights.merged import Span
from clarion.insights.over_time import OverTime
from clarion.insights.permissions import permissions
from clarion.insights.why import Step, why
from clarion.kit import clock
from clarion.records.causes import causes, left_out
from clarion.records.kept_latency import latency_of
from clarion.records.latency import SPANS, Percentiles

AREA = "Analytics"
_READ = "broadcasts:read"
Range = Literal["24h", "7d", "30d", "90d"]


class ReconciliationOut(Output):
    """Everyone of a broadcast, counted from the rows and from the tallies."""

    broadcast: Id
    ok: bool
    expected: int
    rows: dict[str, int]
    tallies: dict[str, int]
    states: dict[str, dict[str, int]]
    records: dict[str, int]
    twice: int
    differences: list[str]


class NumbersOut(Output):
    """How many messages; delivered and read are null where no channel reports them."""

    sent: int
    delivered: int | None
    read: int | None
    failed: int
    recovered: int


class PointOut(NumbersOut):
    """The numbers of one span of time."""

    start: Moment


class AnalyticsOut(Output):
    """Numbers over time, and by channel."""

    total: NumbersOut
    by_channel: dict[str, NumbersOut] = Field(description="By the channel's id")
    points: list[PointOut]
    step_seconds: int | None


class PercentilesOut(Output):
    """Within how many microseconds shares of the messages were done."""

    messages: int
    within: dict[str, int] = Field(description="Percent of the messages: microseconds")


class LatencyOut(Output):
    """How long messages took, by span; null where nothing is known of it."""

    total: PercentilesOut | None = Field(
        description="From the scheduled moment to the provider's answer"
    )
    waiting: PercentilesOut | None = Field(description="Of that, until the request began")
    request: PercentilesOut | None = Field(description="Of that, the network and the provider")
    delivery: PercentilesOut | None = Field(
        description="From the answer to the receipt “delivered”, by the provider's clock"
    )
    read_at: Moment | None = Field(
        description="When the records were read, if messages were sent or delivered since; "
        "null: the numbers are of all of them"
    )


class CauseOut(Output):
    """One reason of errors, or of being left out."""

    reason_id: Id
    text: str
    code: str
    attempts: int
    recipients: int


class CausesOut(Output):
    """Why attempts failed, and why recipients were skipped."""

    errors: list[CauseOut]
    left_out: list[CauseOut]


class ActivityOut(Output):
    """Something that happened to a broadcast, or an attempt."""

    at: Moment
    kind: str
    actor: str
    detail: dict[str, Any]
    record_id: Id | None


class RequiredOut(Output):
    """A consent that a broadcast requires."""

    name: str
    consent_id: Id | None
    given: int


class PermissionsOut(Output):
    """The consents of a broadcast, in numbers."""

    required: list[RequiredOut]
    recipients: int | None
    left_out: int
    estimated: bool


class StepOut(Output):
    """One thing that happened, or that is so now."""

    at: Moment | None
    what: str
    text: str
    about: Literal["later", "person", "message", "channel", "unknown"] | None = Field(
        description="What the error of an attempt is about"
    )
    advice: str | None = Field(description="What to do about it")


class WayOut(Output):
    """What happened at one address."""

    chat_number: Id
    channel_id: Id
    delivery_id: Id | None
    verdict: str
    steps: list[StepOut]


class WhyOut(Output):
    """Why a contact got a broadcast, or did not."""

    ways: list[WayOut]
    run_ids: list[Id]


class ConcernOut(Output):
    """Something that needs attention."""

    kind: str
    text: str
    broadcast_id: Id | None
    channel_id: Id | None
    code_pool_id: Id | None
    webhook_id: Id | None = Field(description="Of the webhook endpoint")
    count: int | None


class ConcernsOut(Output):
    """What needs attention, the most urgent first."""

    items: list[ConcernOut]


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/reconcile", ReconciliationOut, Rules(_READ))
def reconcile_broadcast(request: ApiRequest, broadcast_id: Id) -> ReconciliationOut:
    """Count everyone of a broadcast in two ways, and compare"""
    return ReconciliationOut(**reconcile(find(broadcast_id).pk).document())


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/analytics", AnalyticsOut, Rules(_READ))
def get_broadcast_analytics(
    request: ApiRequest,
    broadcast_id: Id,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    time_zone: Annotated[str, Query("", max_length=64)] = "",
) -> AnalyticsOut:
    """Show the numbers of a broadcast over time"""
    zone = _zone(time_zone)
    return _analytics(over_time.of_broadcast(find(broadcast_id).pk, zone, since, until))


@operation(AREA, "GET", "/analytics", AnalyticsOut, Rules(_READ))
def get_analytics(
    request: ApiRequest,
    range: Annotated[Range, Query("7d")] = "7d",  # noqa: A002 - as it is called everywhere
    time_zone: Annotated[str, Query("", max_length=64)] = "",
) -> AnalyticsOut:
    """Show the numbers of everything that was sent, over time"""
    return _analytics(over_time.of_all(spans.latest(range, _zone(time_zone), clock.now())))


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/latency", LatencyOut, Rules(_READ))
def get_latency(request: ApiRequest, broadcast_id: Id) -> LatencyOut:
    """Show how long the messages of a broadcast took"""
    took = latency_of(find(broadcast_id).pk)
    spans = {span: _percentiles(took.spans.get(span)) for span in SPANS}
    return LatencyOut(**spans, read_at=took.at)


def _percentiles(percentiles: Percentiles | None) -> PercentilesOut | None:
    if percentiles is None:
        return None
    within = {str(share): microseconds for share, microseconds in percentiles.within.items()}
    return PercentilesOut(messages=percentiles.messages, within=within)


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/errors", CausesOut, Rules(_READ))
def list_causes(request: ApiRequest, broadcast_id: Id) -> CausesOut:
    """List why attempts failed and why recipients were left out, the most frequent first"""
    number = find(broadcast_id).pk
    errors, skipped = (
        [
            CauseOut(
                reason_id=cause.id,
                text=cause.text,
                code=cause.code,
                attempts=cause.errors,
                recipients=cause.people,
            )
            for cause in listed
        ]
        for listed in (causes(number), left_out(number))
    )
    return CausesOut(errors=errors, left_out=skipped)


@operation(
    AREA, "GET", "/broadcasts/{broadcast_id}/activity", Page[ActivityOut],
    Rules(_READ, paged=True),
)  # fmt: skip
def list_activity(
    request: ApiRequest,
    broadcast_id: Id,
    group: Annotated[str, Query("", max_length=20, description=f"Of {', '.join(GROUPS)}")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[ActivityOut]:
    """List what happened to a broadcast, newest first"""
    if group and group not in GROUPS:
        raise wrong_field("group", f"Use one of: {', '.join(GROUPS)}.", "query")
    span = Span(group, since, until)
    page = activity(find(broadcast_id).pk, span, cursor or None, limit)
    items = [
        ActivityOut(
            at=line.at,
            kind=line.kind,
            actor=line.actor,
            detail=dict(line.detail or {}),
            record_id=line.record.id if line.record else None,
        )
        for line in page.rows
    ]
    return Page(items=items, next=page.next_cursor)


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/consents", PermissionsOut, Rules(_READ))
def get_permissions(request: ApiRequest, broadcast_id: Id) -> PermissionsOut:
    """Show the consents that a broadcast requires, in numbers"""
    numbers = permissions(find(broadcast_id))
    return PermissionsOut(
        required=[
            RequiredOut(
                name=each.name,
                consent_id=each.consent.pk if each.consent else None,
                given=each.given,
            )
            for each in numbers.required
        ],
        recipients=numbers.people,
        left_out=numbers.left_out,
        estimated=numbers.about,
    )


@operation(AREA, "GET", "/broadcasts/{broadcast_id}/why", WhyOut, Rules(_READ))
def explain_recipient(
    request: ApiRequest, broadcast_id: Id, contact_id: Annotated[Id, Query(...)]
) -> WhyOut:
    """Explain why a contact got a broadcast, or did not"""
    contact = chosen(Contact.objects.all(), contact_id, "contact_id", "query")
    assert contact is not None
    answer = why(find(broadcast_id), contact)
    return WhyOut(
        ways=[
            WayOut(
                chat_number=way.address.pk,
                channel_id=way.address.channel_id,
                delivery_id=way.delivery.delivery_id if way.delivery else None,
                verdict=way.verdict,
                steps=[_step(step) for step in way.steps],
            )
            for way in answer.ways
        ],
        run_ids=[run.pk for run in answer.runs],
    )


def _step(step: Step) -> StepOut:
    explained = step.explained
    return StepOut(
        at=step.at,
        what=step.what,
        text=step.text,
        about=explained.about.value if explained else None,
        advice=explained.advice if explained else None,
    )


@operation(AREA, "GET", "/concerns", ConcernsOut, Rules(_READ))
def list_concerns(request: ApiRequest) -> ConcernsOut:
    """List what needs attention"""
    return ConcernsOut(
        items=[
            ConcernOut(
                kind=concern.kind,
                text=concern.text,
                broadcast_id=concern.broadcast.pk if concern.broadcast else None,
                channel_id=concern.channel.pk if concern.channel else None,
                code_pool_id=concern.pool.pk if concern.pool else None,
                webhook_id=concern.endpoint.pk if concern.endpoint else None,
                count=concern.count,
            )
            for concern in concerns(clock.now())
        ]
    )


def _zone(name: str) -> Any:
    try:
        return clock.zone(name or settings.CLARION.time_zone)
    except ValueError as error:
        raise wrong_field("time_zone", str(error), "query") from None


def _analytics(numbers: OverTime | None) -> AnalyticsOut:
    nothing = NumbersOut(sent=0, delivered=None, read=None, failed=0, recovered=0)
    if numbers is None:
        return AnalyticsOut(total=nothing, by_channel={}, points=[], step_seconds=None)
    points = [
        PointOut(start=_utc(start), **_numbers(each, numbers))
        for start, each in zip(numbers.spans.starts, numbers.numbers, strict=True)
    ]
    return AnalyticsOut(
        total=NumbersOut(**_numbers(numbers.total, numbers)),
        by_channel={
            str(series.channel.pk): NumbersOut(**_numbers(series.total, series))
            for series in numbers.channels
        },
        points=points,
        step_seconds=int(numbers.spans.step.total_seconds()),
    )


def _numbers(numbers: Any, of: Any) -> dict[str, Any]:
    return {name: value if of.knows(name) else None for name, value in numbers._asdict().items()}


def _utc(moment: datetime) -> datetime:
    return clock.from_us(clock.to_us(moment))
