"""What is to be posted to an endpoint next, and what follows from each reply.

An endpoint is served by one worker at a time, which holds a lease. A request is repeated until it
is accepted, for a day; if a worker ends between the reply and the note of it, its receiver gets the
request twice, with the same `webhook-id`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from clarion.kit import clock, db, standard_webhooks
from clarion.kit.db.tailing import last_settled
from clarion.kit.vault import SealedError
from clarion.transport.messages import HttpRequest
from clarion.webhooks.endpoints import disable, new_token, secrets_of
from clarion.webhooks.events import MOST_EVENTS, TEST, Event, body_of
from clarion.webhooks.models import Cursor, Endpoint, EndpointRequest
from clarion.webhooks.sources import SOURCES, newest_ids

# Seconds before each repetition; the last one for all that follow. They add up to a day.
DELAYS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800)
GIVEN_UP_AFTER: Final = timedelta(hours=24)
DISABLED_AFTER: Final = timedelta(days=3)  # without one accepted request
MOST_RETRY_AFTER: Final = 3_600  # seconds that a receiver may ask for
KEPT_FOR: Final = timedelta(days=30)  # the log
TIMEOUT: Final = 15.0  # seconds for a reply
LEASE: Final = 60  # seconds: longer than a round of requests side by side
AT_ONCE: Final = 10  # requests side by side to an endpoint that accepts them
MOST_WAITING: Final = 100  # requests; while there are as many, no further rows are read
_ROWS: Final = 1_000  # of a source that are read at once


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is due, as it is sent."""

    id: int
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Round:
    """Requests to send side by side; ``is_last``: nothing is left to do for now."""

    requests: list[Prepared]
    is_last: bool


@dataclass(slots=True)
class Lease:
    """That one worker serves an endpoint. Renewed with each round."""

    endpoint_id: int
    until: int  # µs: as written in the endpoint's row, so that nobody else's lease is touched

    def row(self) -> QuerySet[Endpoint]:
        """The endpoint, as long as nobody else has taken it over."""
        return Endpoint.objects.filter(pk=self.endpoint_id, lease_until=clock.from_us(self.until))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended; ``status`` is None where there was no reply."""

    id: int
    status: int | None
    words: str
    milliseconds: int
    retry_after: int = 0  # seconds, 0 where the receiver asked for nothing

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status <= 299


def endpoints_to_serve() -> list[int]:
    """The endpoints that no worker has and for which something is due, or may be."""
    now = clock.from_us(db.now_us())
    free = Endpoint.objects.filter(lease_until__lt=now)
    if not free.exists():
        return []
    newest = newest_ids()
    behind = Q()
    for source, position in newest.items():
        behind |= Q(source=source, position__lt=position)
    active = Endpoint.State.ACTIVE
    late = Cursor.objects.filter(behind, endpoint__state=active).values_list("endpoint", flat=True)
    due = EndpointRequest.objects.filter(
        Q(endpoint__state=active) | Q(source=""), state="waiting", due_at__lte=now
    ).values_list("endpoint", flat=True)
    keys = {*late.distinct(), *due.distinct()}
    return list(free.filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))


def take(endpoint_id: int) -> Lease | None:
    """Take the lease of an endpoint; None if somebody else has it."""
    now = db.now_us()
    lease = Lease(endpoint_id, _lease_from(now))
    free = Endpoint.objects.filter(pk=endpoint_id, lease_until__lt=clock.from_us(now))
    return lease if free.update(lease_until=lease.until) else None


def give_back(lease: Lease) -> None:
    """Let any worker serve the endpoint from now on, unless another one has taken it over."""
    lease.row().update(lease_until=clock.from_us(0))


def next_round(lease: Lease) -> Round:
    """What to post to an endpoint now: requests for new events are added first.

    The lease is renewed. If it has run out and somebody else has the endpoint, nothing is left.
    """
    now = db.now_us()
    until = _lease_from(now)
    if not lease.row().update(lease_until=until):
        return Round([], is_last=True)
    lease.until = until
    endpoint = Endpoint.objects.filter(pk=lease.endpoint_id).first()
    if endpoint is None:
        return Round([], is_last=True)
    waiting = EndpointRequest.objects.filter(endpoint=endpoint, state="waiting")
    is_behind = False
    if endpoint.state != Endpoint.State.ACTIVE:
        waiting = waiting.filter(source="")
    elif waiting[:MOST_WAITING].count() < MOST_WAITING:
        is_behind = _add_requests(endpoint)
    # One that failed just now is tried with one request, until it accepts one again.
    room = 1 if endpoint.failing_since else AT_ONCE
    due = waiting.filter(due_at__lte=clock.from_us(db.now_us())).order_by("due_at", "pk")[:room]
    requests = list(due)
    try:
        prepared = list(_prepared(endpoint, requests, now))
    except SealedError as error:
        disable(endpoint, str(error))
        waiting.filter(source="").update(state="failed", outcome=str(error))
        return Round([], is_last=True)
    return Round(prepared, is_last=not requests and not is_behind)


def settle(endpoint_id: int, outcomes: Sequence[Outcome]) -> None:
    """Note how requests ended, when they are repeated, and what it says of their endpoint."""
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
        if endpoint is None:
            return
        now = clock.from_us(db.now_us())
        for outcome in outcomes:
            request = EndpointRequest.objects.filter(pk=outcome.id, state="waiting").first()
            if request is not None:
                _settle_one(request, outcome)
        if any(outcome.is_accepted for outcome in outcomes):
            if endpoint.failing_since:
                _catch_up(endpoint, endpoint.failing_since, now)
            endpoint.failing_since = None
        elif outcomes:
            endpoint.failing_since = endpoint.failing_since or now
        endpoint.save(update_fields=["failing_since"])
        if any(outcome.status == 410 for outcome in outcomes):
            # Standard Webhooks: "410 Gone … the endpoint should be disabled".
            disable(endpoint, "The receiver answered 410: it wants no more events.")
        elif endpoint.failing_since and now - endpoint.failing_since >= DISABLED_AFTER:
            disable(endpoint, f"No request was accepted for three days. {outcomes[-1].words}")


def forget_old() -> None:
    """Delete lines of the log that are older than 30 days, some at a time."""
    old = EndpointRequest.objects.filter(created_at__lt=clock.now() - KEPT_FOR)
    old = old.exclude(state=EndpointRequest.State.WAITING)
    EndpointRequest.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_ROWS])).delete()


def events_of(request: EndpointRequest) -> list[Event]:
    """The events of a request, without those that were deleted since."""
    if not request.source:
        now = clock.to_us(request.created_at)
        data = {"message": "This is a test event from Clarion."}
        return [Event(f"test-{request.pk}-{now}", TEST, now, data)]
    wanted = set(request.endpoint.event_types)
    rows = SOURCES[request.source].read(request.after_id, request.last_id)
    return [event for _, event in rows if event.type in wanted]


def _catch_up(endpoint: Endpoint, failing_since: datetime, now: datetime) -> None:
    """It accepts requests again: post what waits, and what was given up while it accepted none.

    In less than a day nothing is given up for that reason, only what it always refuses.
    """
    requests = EndpointRequest.objects.filter(endpoint=endpoint)
    if now - failing_since >= GIVEN_UP_AFTER:
        requests.filter(state="failed", attempted_at__gte=failing_since).update(
            state="waiting", due_at=now, begun_at=now, attempts=0
        )
    requests.filter(state="waiting", due_at__gt=now).update(due_at=now)


def _add_requests(endpoint: Endpoint) -> bool:
    """Add requests for what happened since; return whether there was anything to read."""
    is_behind = False
    for cursor in Cursor.objects.filter(endpoint=endpoint):
        source = SOURCES[cursor.source]
        last = last_settled(source.rows, cursor.position, _ROWS)
        if last == cursor.position:
            continue
        is_behind = True
        wanted = set(endpoint.event_types)
        keys = [key for key, event in source.read(cursor.position, last) if event.type in wanted]
        with db.write():
            rows = Cursor.objects.filter(pk=cursor.pk, position=cursor.position)
            if rows.update(position=last):  # else it was resumed from now on, or deleted
                EndpointRequest.objects.bulk_create(_cut(cursor, keys))
    return is_behind


def _cut(cursor: Cursor, keys: Sequence[int]) -> Iterator[EndpointRequest]:
    after = cursor.position
    for begin in range(0, len(keys), MOST_EVENTS):
        chunk = keys[begin : begin + MOST_EVENTS]
        yield EndpointRequest(
            endpoint_id=cursor.endpoint_id,
            token=new_token(),
            source=cursor.source,
            after_id=after,
            last_id=chunk[-1],
            events=len(chunk),
        )
        after = chunk[-1]


def _prepared(endpoint: Endpoint, due: Sequence[EndpointRequest], now: int) -> Iterator[Prepared]:
    keys = [standard_webhooks.key_of(secret) for secret in secrets_of(endpoint, now)]
    seconds = now // clock.SECOND
    for request in due:
        request.endpoint = endpoint
        events = events_of(request)
        if not events:
            EndpointRequest.objects.filter(pk=request.pk).update(
                state="accepted", outcome="Not sent: none of its events is left."
            )
            continue
        body = body_of(events, now)
        signatures = [standard_webhooks.sign(key, request.token, seconds, body) for key in keys]
        headers = (
            ("Content-Type", "application/json"),
            ("webhook-id", request.token),
            ("webhook-timestamp", str(seconds)),
            ("webhook-signature", " ".join(signatures)),
        )
        yield Prepared(
            request.pk,
            HttpRequest("POST", endpoint.url, headers, body, TIMEOUT, endpoint.allow_private),
        )


def _settle_one(request: EndpointRequest, outcome: Outcome) -> None:
    now = clock.now()
    if outcome.is_accepted:
        request.state = EndpointRequest.State.ACCEPTED
    elif now - request.begun_at >= GIVEN_UP_AFTER:
        request.state = EndpointRequest.State.FAILED
    else:
        delay = DELAYS[min(request.attempts, len(DELAYS) - 1)]
        delay = max(delay, min(outcome.retry_after, MOST_RETRY_AFTER))
        request.due_at = now + timedelta(seconds=delay)
    request.attempts += 1
    request.attempted_at = now
    request.status, request.outcome = outcome.status, outcome.words[:300]
    request.duration = outcome.milliseconds
    request.save()


def _lease_from(now: int) -> int:
    return now + LEASE * clock.SECOND
