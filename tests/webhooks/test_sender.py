"""Events are posted: signed, repeated until they are accepted, and none is lost."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import control
from clarion.engine.process import ThreadedWorker
from clarion.kit import clock, db
from clarion.records.models import Record
from clarion.webhooks import endpoints, log, queue
from clarion.webhooks.models import Cursor, Endpoint, EndpointRequest
from clarion.webhooks.sources import newest_ids
from crash.rehearsal import wait_completed
from support import factory
from support.listener import Listener
from support.waiting import eventually
from webhooks.conftest import Receiver, is_signed

pytestmark = pytest.mark.django_db(transaction=True)


def taken(endpoint: Endpoint) -> queue.Lease:
    """The lease of an endpoint that nobody has."""
    lease = queue.take(endpoint.pk)
    assert lease is not None
    return lease


def round_of(endpoint: Endpoint) -> queue.Round:
    """One round of a worker that ends with it."""
    lease = taken(endpoint)
    round_ = queue.next_round(lease)
    queue.give_back(lease)
    return round_


def test_a_broadcast_is_told_from_its_beginning_to_its_end(receiver: Receiver) -> None:
    with Listener() as sink:
        channel = factory.channel(url=f"{sink.url}/hook")
        factory.people(channel, 250)
        endpoint = receiver.endpoint()
        with ThreadedWorker():
            broadcast = factory.sending([channel])
            wait_completed(broadcast, 60)
            eventually(lambda: len(receiver.events) == 252, 60)

    assert receiver.types == [
        "broadcast.completed", "broadcast.started", *["delivery.sent"] * 250,
    ]  # fmt: skip
    assert len({event["id"] for event in receiver.events}) == 252
    assert all(len(heard.body["data"]["events"]) <= 100 for heard in receiver.requests)
    secret = Endpoint.objects.get().secret["current"]
    assert all(is_signed(heard, secret) for heard in receiver.requests)
    eventually(lambda: not EndpointRequest.objects.exclude(state="accepted").exists(), 60)
    assert endpoint.requests.count() == len(receiver.requests)
    assert len({heard.headers["webhook-id"] for heard in receiver.requests}) == len(
        receiver.requests
    )


def test_only_the_chosen_events_are_posted(receiver: Receiver) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    receiver.endpoint("broadcast.started")
    with ThreadedWorker():
        broadcast = factory.sending([channel])
        eventually(lambda: receiver.types == ["broadcast.started"], 60)
        control.stop(broadcast, by=factory.BY)
        newest = newest_ids()["broadcasts"]
        eventually(lambda: Cursor.objects.get(source="broadcasts").position >= newest, 60)
    assert receiver.types == ["broadcast.started"]


def test_what_is_refused_is_repeated_until_it_is_accepted(receiver: Receiver) -> None:
    receiver.status = 500
    endpoint = receiver.endpoint("delivery.sent")
    delivery = factory.delivery(factory.broadcast(), factory.people(factory.channel(), 1)[0])
    factory.record(delivery)
    with ThreadedWorker():
        eventually(lambda: EndpointRequest.objects.filter(attempts=1).exists(), 60)
        request = endpoint.requests.get()
        assert (request.state, request.status) == ("waiting", 500)
        assert request.outcome == "The receiver answered 500."
        assert request.due_at > clock.now() - timedelta(minutes=1)
        receiver.status = 204
        EndpointRequest.objects.update(due_at=clock.now())
        eventually(lambda: endpoint.requests.get().state == "accepted", 60)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == request.token
    assert first.body["data"] == second.body["data"]
    assert endpoint.requests.get().attempts == 2
    assert Endpoint.objects.get().failing_since is None


def test_a_test_event_is_posted_to_a_paused_endpoint_too(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    endpoints.pause_endpoint(endpoint, by=factory.BY)
    delivery = factory.delivery(factory.broadcast(), factory.people(factory.channel(), 1)[0])
    factory.record(delivery)
    endpoints.send_test(endpoint, by=factory.BY)
    with ThreadedWorker():
        eventually(lambda: receiver.types == ["test"], 60)
        eventually(lambda: endpoint.requests.get().state == "accepted", 60)
        endpoints.resume_endpoint(Endpoint.objects.get(), by=factory.BY)
        eventually(lambda: receiver.types == ["delivery.sent", "test"], 60)


def record_some(count: int) -> None:
    broadcast, channel = factory.broadcast(), factory.channel()
    for address in factory.people(channel, count):
        factory.record(factory.delivery(broadcast, address))


def settled(request: EndpointRequest, status: int | None, retry_after: int = 0) -> EndpointRequest:
    words = f"The receiver answered {status}." if status else "No connection to the server."
    outcome = queue.Outcome(request.pk, status, words, 12, retry_after)
    queue.settle(request.endpoint_id, [outcome])
    request.refresh_from_db()
    return request


def test_an_endpoint_that_fails_is_tried_with_one_request_and_then_gets_all(
    receiver: Receiver,
) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(350)
    assert len(round_of(endpoint).requests) == 4
    for request in endpoint.requests.order_by("pk"):
        settled(request, None)
    assert round_of(endpoint).is_last
    EndpointRequest.objects.update(due_at=clock.now())
    (prepared,) = round_of(endpoint).requests
    settled(EndpointRequest.objects.get(pk=prepared.id), 200)
    assert len(round_of(endpoint).requests) == 3


def test_requests_are_repeated_for_a_day(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    round_of(endpoint)
    request = endpoint.requests.get()
    for delay in queue.DELAYS:
        before = clock.now()
        settled(request, 503)
        assert (
            timedelta(0)
            <= request.due_at - before - timedelta(seconds=delay)
            < timedelta(minutes=1)
        )
    begun = clock.now() - queue.GIVEN_UP_AFTER
    EndpointRequest.objects.update(begun_at=begun)
    request.refresh_from_db()
    assert settled(request, 503).state == "failed"
    assert round_of(endpoint).is_last

    assert log.repeat_failed(endpoint, by=factory.BY) == 1
    (prepared,) = round_of(endpoint).requests
    assert ("webhook-id", request.token) in prepared.request.headers
    assert settled(request, 503).state == "waiting"


def test_a_receiver_may_ask_for_more_time_up_to_an_hour(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    round_of(endpoint)
    request, now = endpoint.requests.get(), clock.now()
    assert settled(request, 429, 600).due_at >= now + timedelta(seconds=600)
    later = settled(request, 429, 999_999).due_at
    assert timedelta(0) <= later - now - timedelta(seconds=3_600) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "failing", "reason"),
    [
        (410, timedelta(0), "The receiver answered 410: it wants no more events."),
        (
            500,
            timedelta(days=3, seconds=1),
            "No request was accepted for three days. The receiver answered 500.",
        ),
    ],
)
def test_an_endpoint_that_fails_for_long_is_disabled(
    receiver: Receiver, status: int, failing: timedelta, reason: str
) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    round_of(endpoint)
    if failing:
        Endpoint.objects.update(failing_since=clock.now() - failing)
    settled(endpoint.requests.get(), status)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.state_reason) == ("disabled", reason)
    assert AuditEntry.objects.filter(action="webhook.disable").count() == 1
    EndpointRequest.objects.update(due_at=clock.now())
    assert round_of(endpoint).is_last
    assert queue.endpoints_to_serve() == []

    endpoints.resume_endpoint(endpoint, by=factory.BY)
    assert queue.endpoints_to_serve() == [endpoint.pk]
    assert len(round_of(endpoint).requests) == 1


def test_resuming_posts_what_was_given_up_while_the_endpoint_failed(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    round_of(endpoint)
    request = endpoint.requests.get()
    settled(request, 500)
    EndpointRequest.objects.update(begun_at=clock.now() - queue.GIVEN_UP_AFTER)
    request.refresh_from_db()
    assert settled(request, 500).state == "failed"
    endpoints.disable(endpoint, "No request was accepted for three days.")

    endpoints.resume_endpoint(endpoint, by=factory.BY)
    (prepared,) = round_of(endpoint).requests
    assert prepared.id == request.pk


def test_resuming_can_skip_what_happened_meanwhile(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(3)
    round_of(endpoint)
    endpoints.pause_endpoint(endpoint, by=factory.BY)
    assert round_of(endpoint).is_last
    endpoints.resume_endpoint(Endpoint.objects.get(), skip=True, by=factory.BY)
    assert round_of(endpoint).is_last
    assert endpoint.requests.get().state == "failed"


def test_the_log_of_an_endpoint_that_accepts_nothing_is_bounded(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_WAITING", 2)
    endpoint = receiver.endpoint("delivery.sent")
    record_some(150)
    round_of(endpoint)
    record_some_more = factory.broadcast("More")
    for address in factory.people(factory.channel("Other"), 150):
        factory.record(factory.delivery(record_some_more, address))
    round_of(endpoint)
    assert endpoint.requests.count() == 2
    endpoint.requests.update(state="accepted")
    round_of(endpoint)
    assert sum(request.events for request in endpoint.requests.all()) == 300


def test_two_workers_do_not_serve_one_endpoint(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    lease = taken(endpoint)
    assert queue.take(endpoint.pk) is None
    record_some(1)
    assert queue.endpoints_to_serve() == []
    queue.give_back(lease)
    assert queue.endpoints_to_serve() == [endpoint.pk]


def test_a_worker_whose_lease_ran_out_leaves_the_endpoint_to_the_next_one(
    receiver: Receiver,
) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    slow = taken(endpoint)
    Endpoint.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    other = taken(endpoint)

    assert queue.next_round(slow).requests == []
    queue.give_back(slow)
    assert queue.take(endpoint.pk) is None
    assert len(queue.next_round(other).requests) == 1


def test_events_of_a_deleted_broadcast_are_not_posted_again(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(1)
    round_of(endpoint)
    Record.objects.all().delete()
    assert round_of(endpoint).requests == []
    assert endpoint.requests.get().outcome == "Not sent: none of its events is left."


def test_lines_of_the_log_are_deleted_after_a_month(receiver: Receiver) -> None:
    endpoint = receiver.endpoint()
    old = endpoints.send_test(endpoint, by=factory.BY)
    new = endpoints.send_test(endpoint, by=factory.BY)
    EndpointRequest.objects.filter(pk=old.pk).update(
        created_at=clock.now() - queue.KEPT_FOR - timedelta(seconds=1)
    )
    queue.forget_old()
    assert endpoint.requests.count() == 2  # it waits still
    EndpointRequest.objects.update(state="accepted")
    queue.forget_old()
    assert list(endpoint.requests.values_list("pk", flat=True)) == [new.pk]


def test_an_endpoint_whose_secret_can_not_be_opened_is_disabled_until_it_has_another(
    receiver: Receiver,
) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    lost = Fernet(Fernet.generate_key()).encrypt(b"{}").decode()
    db.execute("UPDATE webhooks_endpoint SET secret = %s", [lost])
    record_some(1)
    test = endpoints.send_test(endpoint, by=factory.BY)

    assert round_of(endpoint).is_last
    endpoint = Endpoint.objects.get()
    assert endpoint.state == "disabled"
    assert "CLARION_SECRET_KEY" in endpoint.state_reason
    test.refresh_from_db()
    assert test.state == "failed"

    endpoints.rotate_secret(endpoint, by=factory.BY)
    endpoints.resume_endpoint(endpoint, by=factory.BY)
    assert len(round_of(endpoint).requests) == 1


def test_what_was_given_up_in_a_long_outage_is_posted_when_it_ends(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(150)
    round_of(endpoint)
    first, second = endpoint.requests.order_by("pk")
    long_ago = clock.now() - queue.GIVEN_UP_AFTER - timedelta(minutes=1)
    EndpointRequest.objects.update(begun_at=long_ago)
    Endpoint.objects.update(failing_since=long_ago)
    first.refresh_from_db()
    assert settled(first, None).state == "failed"
    settled(second, 200)
    first.refresh_from_db()
    assert first.state == "waiting"
    assert len(round_of(endpoint).requests) == 1


def test_what_is_always_refused_is_given_up_for_good(receiver: Receiver) -> None:
    endpoint = receiver.endpoint("delivery.sent")
    record_some(150)
    round_of(endpoint)
    first, second = endpoint.requests.order_by("pk")
    EndpointRequest.objects.filter(pk=first.pk).update(
        begun_at=clock.now() - queue.GIVEN_UP_AFTER - timedelta(minutes=1)
    )
    first.refresh_from_db()
    assert settled(first, 400).state == "failed"
    settled(second, 200)
    first.refresh_from_db()
    assert first.state == "failed"
    EndpointRequest.objects.filter(pk=second.pk).update(state="failed", outcome=endpoints.SKIPPED)
    assert log.repeat_failed(endpoint, by=factory.BY) == 1
