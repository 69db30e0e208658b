"""A retry key ends after 24 hours: what may have been sent is not repeated any more."""

import asyncio
from datetime import timedelta

import pytest

from channels.line.fixtures import CASE
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Request
from clarion.channels.models import Channel
from clarion.engine import reap, snapshot
from clarion.engine.attempt import attempt
from clarion.engine.claim import claim
from clarion.engine.repeats import Repeats, first_attempt
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.models import Delivery, Record
from clarion.transport.errors import MaybeSent
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from support import factory

pytestmark = pytest.mark.django_db
LONG = timedelta(hours=25)


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel(kind="line", backoff=0.0, **CASE.settings)
    factory.address(channel, CASE.message.to, "Anna")
    return channel


def deliver(channel: Channel, reply: HttpReply | None) -> list[Request]:
    """Attempt the delivery, answered so or never; return the requests that left."""
    requests: list[Request] = []

    async def answered(request: Request) -> HttpReply:
        requests.append(request)
        if reply is None:
            raise MaybeSent("The connection broke.")
        return reply

    worker, host = reap.register(), Alone()
    [claimed] = claim(channel.pk, worker, 1).messages
    first = first_attempt(claimed.address, claimed.delivery)  # here, where the test's rows are seen

    async def run(work: object, *args: int) -> int | None:
        assert (work, args) == (first_attempt, (claimed.address, claimed.delivery))
        return first

    host.repeats = Repeats(run)
    facts = snapshot.take().channels[channel.pk]
    job = snapshot.job(claimed.broadcast)
    settlement, _ = asyncio.run(attempt(claimed, facts, job, answered, host))
    settle(worker, [settlement])
    return requests


def pass_time(broadcast: Broadcast, *, record: timedelta | None = LONG) -> None:
    Broadcast.objects.filter(pk=broadcast.pk).update(scheduled_at=clock.now() - LONG * 2)
    snapshot.forget_jobs()
    if record is not None:
        Record.objects.update(recorded_at=clock.now() - record)
    else:
        Record.objects.all().delete()


def test_a_request_without_an_answer_is_repeated_with_its_key(channel: Channel) -> None:
    factory.sending([channel])
    [first] = deliver(channel, None)
    assert Delivery.objects.get().state == "queued"
    [second] = deliver(channel, CASE.accepted)
    assert first == second
    assert Delivery.objects.get().state == "sent"


@pytest.mark.parametrize("record", [LONG, None])  # none: the worker ended
def test_after_24_hours_it_is_in_doubt(channel: Channel, record: timedelta | None) -> None:
    broadcast = factory.sending([channel])
    deliver(channel, None)
    pass_time(broadcast, record=record)
    assert deliver(channel, CASE.accepted) == []
    delivery = Delivery.objects.get()
    assert delivery.state == "in_doubt"
    assert delivery.reason is not None
    assert "would no longer recognise it as a repeat" in delivery.reason.text


def test_what_was_tried_lately_is_repeated_in_an_old_broadcast(channel: Channel) -> None:
    broadcast = factory.sending([channel])
    deliver(channel, None)
    pass_time(broadcast, record=timedelta(hours=1))
    assert len(deliver(channel, CASE.accepted)) == 1


def test_what_was_never_sent_is_sent_however_late(channel: Channel) -> None:
    broadcast = factory.sending([channel])
    pass_time(broadcast)
    assert len(deliver(channel, CASE.accepted)) == 1
