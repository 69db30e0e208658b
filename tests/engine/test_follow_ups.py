"""Requests that callbacks ask for: sent until they are answered, whatever ends meanwhile."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from clarion.channels.contract import HookRequest, Reply, Request
from clarion.channels.registry import adapter
from clarion.engine import callbacks, follow_ups, inbox
from clarion.engine.callbacks import Verified
from clarion.engine.models import Callback, DropCount
from clarion.kit import clock, db
from clarion.transport.errors import NotSent
from clarion.transport.messages import HttpReply, HttpRequest
from support import factory

pytestmark = pytest.mark.django_db
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ses-events"


def asked() -> Callback:
    """A callback that asks for the confirmation of its subscription, stored as hooks store it."""
    channel = factory.channel(
        kind="ses", access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key="a" * 40,
        region="eu-central-1", topic_arn=TOPIC, sender="news@example.org",
    )  # fmt: skip
    body = {"Type": "SubscriptionConfirmation", "TopicArn": TOPIC, "Token": "t-1"}
    hook = HookRequest({}, "", json.dumps(body).encode(), clock.now())
    lane = inbox.lane_of(adapter(channel), hook)
    assert lane == Callback.Lane.FOLLOW_UP
    callbacks.store([Verified(channel.pk, hook, lane)])
    return Callback.objects.get()


@pytest.mark.parametrize(
    ("status", "left"), [(200, 0), (204, 0), (400, 1), (503, 1), (None, 1)], ids=str
)
async def test_an_answer_of_2xx_is_the_end_of_it(status: int | None, left: int) -> None:
    done: list[int] = []
    due = follow_ups.Asked(17, HttpRequest("GET", "https://sns.example/"))

    async def run(work: Callable[..., Any], *args: Any) -> Any:
        if work is follow_ups.take_due:
            return [due]
        assert work is callbacks.delete
        done.extend(*args)
        return None

    async def send(request: Request) -> Reply:
        assert request is due.request
        if status is None:
            raise NotSent("The server can't be reached.")
        return HttpReply(status, {}, b"")

    await follow_ups.FollowUps(run, send).send_due()
    assert len(done) == 1 - left


def test_the_inbox_leaves_it_alone() -> None:
    asked()
    assert inbox.apply_waiting() == 0
    assert Callback.objects.count() == 1


def test_a_kind_without_follow_ups_has_none() -> None:
    channel = factory.channel()
    hook = HookRequest({}, "", b'{"Type": "SubscriptionConfirmation"}', clock.now())
    assert inbox.lane_of(adapter(channel), hook) != Callback.Lane.FOLLOW_UP


def test_it_is_taken_by_one_worker_at_a_time_and_again_when_that_one_ends() -> None:
    callback = asked()
    at = db.now_us()
    (first,) = follow_ups.take_due(at)
    assert isinstance(first.request, HttpRequest)
    assert first.request.url.startswith("https://sns.eu-central-1.amazonaws.com/?Action=Confirm")
    assert follow_ups.take_due(at) == []
    later = at + follow_ups.FIRST_WAIT
    assert [each.callback for each in follow_ups.take_due(later)] == [callback.pk]
    assert follow_ups.take_due(later + follow_ups.FIRST_WAIT) == []  # the wait has doubled


def test_one_that_nobody_accepts_is_given_up_and_can_be_looked_up() -> None:
    asked()
    assert follow_ups.take_due(db.now_us() + follow_ups.PATIENCE + clock.SECOND) == []
    callback = Callback.objects.get()
    assert (callback.state, callback.error) == ("dropped", follow_ups.GIVEN_UP)
    assert DropCount.objects.get().reason == follow_ups.GIVEN_UP


def test_settings_that_can_not_be_read_are_said() -> None:
    callback = asked()
    factory.sealed(callback.channel)
    assert follow_ups.take_due() == []
    assert Callback.objects.get().error == follow_ups.UNREADABLE
