"""The secret URLs of broadcasts: what programs get when they call them."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.broadcasts import calls, control
from clarion.broadcasts.models import Broadcast, Firing
from clarion.channels.models import Channel
from clarion.engine import fire, lifecycle
from clarion.kit import clock
from clarion.records.models import Delivery, DeliveryProgress
from support import factory

pytestmark = pytest.mark.django_db
EVENT = {"on": "event", "event": "bought"}


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel()
    factory.people(channel, 3)
    return channel


@pytest.fixture
def broadcast(channel: Channel) -> Broadcast:
    return live(channel)


def live(channel: Channel, **fields: Any) -> Broadcast:
    usual = {"type": "external", "text": "{{ data.item | default('it') }}"}
    return factory.live([channel], **(usual | fields))


def post(where: Broadcast | str, body: Any, key: str | None = None) -> Any:
    """Call a URL as a program does: no cookie, no CSRF token."""
    return Client(enforce_csrf_checks=True).post(
        where if isinstance(where, str) else calls.path(where),
        body if isinstance(body, bytes) else json.dumps(body).encode(),
        content_type="application/json",
        headers={} if key is None else {"Idempotency-Key": key},
    )


def test_c5_a_call_launches_a_run_with_its_data(broadcast: Broadcast) -> None:
    body = {"platform": "webhook", "users": ["u0", "u2", "nobody"], "data": {"item": "tea"}}
    answered = post(broadcast, body)
    assert answered.status_code == 202
    run = broadcast.runs.get()
    assert answered.json() == {
        "broadcast": run.pk, "known": 2, "unknown": ["nobody"], "unknown_count": 1, "will_get": 2,
        "skipped": {},
    }  # fmt: skip
    assert answered["Cache-Control"].startswith("max-age=0")
    lifecycle.start_due()
    factory.expand(run)
    assert run.data == {"item": "tea"}
    assert factory.states(run) == {"queued": 2}


def test_c5_nobody_learns_whether_a_broadcast_exists(broadcast: Broadcast) -> None:
    path = calls.path(broadcast)
    draft = factory.draft([broadcast.channels.get()])
    answers = [
        post(wrong, {"users": "everyone"})
        for wrong in (
            path[:-1], f"{path}x", f"/hooks/external/{draft.pk}/none", "/hooks/external/99999/none",
            f"/hooks/external/{10**30}/none", path.replace("external", "events"),
            f"/hooks/external/{broadcast.pk}/%00", f"/hooks/external/{broadcast.pk}/é",
        )
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {
        b'{"error": "There is nothing at this address. Check the URL."}'
    }
    assert not broadcast.runs.exists()


def test_c5_the_old_url_ends_with_a_new_secret(broadcast: Broadcast) -> None:
    old = calls.path(broadcast)
    calls.rotate(broadcast, by=factory.BY)
    assert post(old, {"users": ["u0"]}).status_code == 404
    assert post(broadcast, {"users": ["u0"]}).status_code == 202


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "The body is not valid JSON in UTF-8. Correct it."),
        (b"{", "The body is not valid JSON in UTF-8. Correct it."),
        (b"\xff\xfe{\x00}\x00", "The body is not valid JSON in UTF-8. Correct it."),
        (b"[" * 100_000, "The body is not valid JSON in UTF-8. Correct it."),
        (b"1" * 5_000, "The body is not valid JSON in UTF-8. Correct it."),
        (b"[]", 'The body must be a JSON object, such as {"users": ["4711"]}.'),
        (b'{"users": ["u0"], "data": {"a": 1e999}}', "“data” has a value that can't be stored."),
        (b'{"users": ["u0"], "data": {"a": NaN}}', "“data” has a value that can't be stored."),
        (b'{"users": ["u0"], "data": {"a": "\\u0000"}}', "“data” has a NUL character"),
        (b'{"users": ["u0"], "platform": "fax"}', "Give “platform” as one of: webhook."),
        (b"{}", "Give “users” as a list of user ids"),
    ],
)
def test_c5_a_wrong_body_is_refused(broadcast: Broadcast, body: bytes, says: str) -> None:
    answered = post(broadcast, body)
    assert answered.status_code == 400
    assert says in answered.json()["error"]
    assert not broadcast.runs.exists()


def test_c5_bodies_to_one_megabyte(broadcast: Broadcast) -> None:
    users = ["u0", *(f"{n:08}" for n in range(80_000))]
    body = json.dumps({"users": users}).encode()
    body += b" " * (1_048_576 - len(body))
    answered = post(broadcast, body)
    assert answered.status_code == 202
    assert answered.json()["unknown_count"] == 80_000
    refused = post(broadcast, body + b" ")
    assert refused.status_code == 413
    assert refused.json() == {"error": "A call may be 1 MB at most. Send several."}


def test_only_post(broadcast: Broadcast) -> None:
    assert Client().get(calls.path(broadcast)).status_code == 405


def test_c5_a_repeated_call_does_nothing_twice(broadcast: Broadcast) -> None:
    body = {"users": ["u0"]}
    first = post(broadcast, body, "k-1")
    again = post(broadcast, body, "k-1")
    assert (again.status_code, again.json()) == (202, first.json())
    assert broadcast.runs.count() == 1
    other = post(broadcast, {"users": ["u1"]}, "k-1")
    assert other.status_code == 422
    assert other.json()["error"].startswith("This Idempotency-Key came with another body.")


@pytest.mark.django_db(transaction=True)
def test_c5_two_at_the_same_time_are_one(broadcast: Broadcast) -> None:
    def call(_: int) -> Any:
        with closing(connection):
            answered = post(broadcast, {"users": ["u0"]}, "k")
            return answered.status_code, answered.json()["broadcast"]

    with ThreadPoolExecutor(5) as threads:
        answers = set(threads.map(call, range(5)))
    assert answers == {(202, broadcast.runs.get().pk)}


def test_c5_too_many_calls_are_told_when_to_come_back(
    broadcast: Broadcast, settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"external_per_minute": 2})
    for _ in range(2):
        assert post(broadcast, {"users": ["u0"]}).status_code == 202
    refused = post(broadcast, {"users": ["u0"]})
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused.json()["error"].startswith("Too many calls. Try again in ")


def test_c5_a_paused_one_says_so(broadcast: Broadcast, caplog: pytest.LogCaptureFixture) -> None:
    control.pause(broadcast, by=factory.BY)
    refused = post(broadcast, {"users": ["u0"]})
    assert refused.status_code == 409
    assert broadcast.secret["token"] not in caplog.text
    assert refused.json() == {"error": "This broadcast is paused. Resume it first."}
    control.resume(broadcast, by=factory.BY)
    assert post(broadcast, {"users": ["u0"]}).status_code == 202
    control.stop(broadcast, by=factory.BY)
    assert post(broadcast, {"users": ["u0"]}).status_code == 409


def test_c4_an_event_by_its_url_becomes_a_delivery_with_its_data(channel: Channel) -> None:
    trigger = live(channel, type="trigger", trigger=EVENT)
    answered = post(trigger, {"user": "u1", "data": {"item": "tea"}}, "k")
    assert answered.status_code == 202
    assert answered.json() == {
        "broadcast": trigger.pk, "known": 1, "unknown": [], "unknown_count": 0, "fired": 1,
        "skipped": {},
    }  # fmt: skip
    assert post(trigger, {"user": "u1", "data": {"item": "tea"}}, "k").json() == answered.json()
    assert fire.fire_due() == 0

    Firing.objects.update(due_at=clock.now() - timedelta(seconds=1))  # a minute has passed
    assert fire.fire_due() == 1
    assert fire.fire_due() == 0
    delivery = Delivery.objects.get(broadcast=trigger)
    assert (delivery.address.value, delivery.state) == ("u1", "queued")
    assert DeliveryProgress.objects.get(delivery=delivery).data == {"item": "tea"}
    assert Firing.objects.get().state == "sent"


def test_c4_an_event_waits_while_its_trigger_is_paused(channel: Channel) -> None:
    trigger = live(channel, type="trigger", trigger=EVENT)
    control.pause(trigger, by=factory.BY)
    assert post(trigger, {"users": ["u0", "u1"]}).json()["fired"] == 2
    Firing.objects.update(due_at=clock.now() - timedelta(seconds=1))
    assert fire.fire_due() == 0
    control.resume(trigger, by=factory.BY)
    assert fire.fire_due() == 2
    control.stop(trigger, by=factory.BY)
    assert post(trigger, {"users": ["u2"]}).status_code == 409


def test_c4_a_trigger_on_a_tag_has_no_url(channel: Channel) -> None:
    trigger = live(channel, type="trigger", trigger={"on": "tag", "tag": "vip"})
    assert calls.path(trigger) == ""
    assert post(f"/hooks/events/{trigger.pk}/none", {"user": "u0"}).status_code == 404
