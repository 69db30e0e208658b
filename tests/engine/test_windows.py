"""A message whose window closes while it waits is skipped with a plain reason, not sent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Reply, Request
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine import reap, snapshot, windows
from clarion.engine.attempt import attempt
from clarion.engine.claim import Claimed, claim
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from support import factory

pytestmark = pytest.mark.django_db
TEMPLATE = {
    "data_type": "template",
    "template": {"name": "spring", "language": "en", "variables": []},
}
ACCEPTED = b'{"messages": [{"id": "wamid.1"}]}'


@pytest.fixture
def channel() -> Channel:
    return factory.channel("wa", "whatsapp", phone_number_id="1", token="EAA", app_secret="s")


def claimed_late(channel: Channel, **fields: Any) -> tuple[Broadcast, Claimed]:
    """A message that waited until the window of its person had closed."""
    factory.address(channel, "49151", "Ada")
    broadcast = factory.sending([channel], **fields)
    Address.objects.update(wrote_at=clock.now() - timedelta(hours=25))
    taken = windows.attach(claim(channel.pk, reap.register(), 10))
    return broadcast, taken.messages[0]


def attempted(broadcast: Broadcast, claimed: Claimed) -> tuple[Settlement, list[Request]]:
    sent: list[Request] = []

    async def send(request: Request) -> Reply:
        sent.append(request)
        return HttpReply(200, {}, ACCEPTED)

    facts = snapshot.take().channels[broadcast.channels.get().pk]
    job = snapshot.job(broadcast.pk)
    settlement, _ = asyncio.run(attempt(claimed, facts, job, send, Alone()))
    return settlement, sent


def test_a_message_that_waited_too_long_is_skipped(channel: Channel) -> None:
    settlement, sent = attempted(*claimed_late(channel))
    assert (settlement.state, settlement.code, sent) == ("skipped", "outside_window", [])
    assert settlement.reason.startswith("More than 24 hours have passed")
    assert not settlement.attempted


def test_one_that_may_have_been_sent_stays_in_doubt(channel: Channel) -> None:
    broadcast, claimed = claimed_late(channel)
    settlement, sent = attempted(broadcast, replace(claimed, maybe_sent=True))
    assert (settlement.state, sent) == ("in_doubt", [])


def test_templates_are_sent_at_any_time(channel: Channel) -> None:
    settlement, sent = attempted(*claimed_late(channel, **TEMPLATE))
    assert (settlement.state, len(sent)) == ("sent", 1)


def test_within_the_window_it_is_sent(channel: Channel) -> None:
    broadcast, claimed = claimed_late(channel)
    in_time = replace(claimed, window_end=clock.now_us() + clock.SECOND)
    assert attempted(broadcast, in_time)[0].state == "sent"


def test_the_worker_knows_which_channels_have_a_window(channel: Channel) -> None:
    hook = factory.channel("hook")
    factory.people(hook, 1)
    factory.sending([channel, hook])
    known = snapshot.take()
    assert [facts.has_window for facts in known.channels.values()] == [
        pk == channel.pk for pk in known.channels
    ]
    update_channel(channel, only_written=False, by=factory.BY)
    assert not snapshot.take(known).channels[channel.pk].has_window
