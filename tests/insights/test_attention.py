"""What needs attention is found, and nothing else."""

from datetime import timedelta

import pytest

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.codes.pools import Rules, create
from clarion.insights.attention import concerns
from clarion.kit import clock
from clarion.records import measures
from clarion.records.models import Receipt
from support import factory

pytestmark = pytest.mark.django_db
NOW = clock.from_us(factory.START)
HOUR = 60 * measures.MINUTE


def kinds() -> list[str]:
    return [one.kind for one in concerns(NOW)]


@pytest.fixture
def shop() -> Channel:
    """A channel that has been checked."""
    channel = factory.channel("Shop")
    Channel.objects.filter(pk=channel.pk).update(checked_at=NOW, check_failed=False)
    return channel


def count(channel: Channel, ago: int, after: str = "sent", number: int = 30) -> None:
    """So many deliveries moved so many microseconds ago."""
    at = factory.START - ago
    before = {"delivered": "sent"}.get(after, "sending")
    change = measures.Change(
        9, channel.pk, before, after, at, at, was_recovered=False, is_recovered=False
    )
    measures.note({change: number})


def test_nothing_wrong_needs_no_attention(shop: Channel) -> None:
    count(shop, HOUR)

    assert kinds() == []


def test_channels_that_are_paused_or_not_checked(shop: Channel) -> None:
    pause_channel(shop, reason="The token is wrong.", by="engine")
    factory.channel("New")

    first, second = concerns(NOW)

    assert (first.kind, second.kind) == ("channel", "channel")
    assert second.text.startswith("Channel Shop is paused. The token is wrong.")
    assert first.channel
    assert first.channel.name == "New"


def test_missed_and_those_that_paused_by_themselves(shop: Channel) -> None:
    factory.people(shop, 1)
    missed, paused, by_hand = (factory.sending([shop], title=name) for name in "abc")
    Broadcast.objects.filter(pk=missed.pk).update(state="missed")
    control.pause(paused, by="engine", reason="The text can't be made.")
    control.pause(by_hand, by=factory.agent())

    shown = {(one.kind, one.broadcast.title) for one in concerns(NOW) if one.broadcast}

    assert {("missed", "a"), ("paused", "b")} <= shown


@pytest.mark.parametrize(
    ("failed", "sent", "spike"),
    [(20, 80, True), (19, 0, False), (20, 81, False), (500, 0, True)],
)
def test_many_errors_in_the_last_hour(
    shop: Channel, failed: int, sent: int, *, spike: bool
) -> None:
    count(shop, HOUR // 2, "failed", failed)
    count(shop, HOUR // 2, "sent", sent)
    count(shop, 3 * HOUR, "failed", 5_000)  # long ago

    assert kinds() == (["errors"] if spike else [])


def test_receipts_that_stopped(shop: Channel) -> None:
    Receipt.objects.create(
        channel=shop, delivery_id=1, external_id="x", status="delivered", at=NOW, received_at=NOW
    )
    count(shop, 20 * HOUR)
    count(shop, 20 * HOUR, "delivered")
    assert kinds() == []  # nothing was sent that could be reported

    count(shop, HOUR)
    assert kinds() == ["receipts"]

    count(shop, HOUR // 4, "delivered", 1)
    assert kinds() == []


def test_a_channel_that_never_reported_is_silent_as_ever(shop: Channel) -> None:
    count(shop, 20 * HOUR)
    count(shop, HOUR)

    assert kinds() == []


def test_people_in_doubt_and_held_until_they_have_been_seen(shop: Channel) -> None:
    few, many, old = (factory.broadcast(title) for title in ("few", "many", "old"))
    for number in range(3):
        address = factory.address(shop, f"u{number}")
        factory.delivery(many, address, "in_doubt")
        factory.delivery(old, address, "in_doubt")
    factory.delivery(few, address, "in_doubt")
    factory.delivery(few, factory.address(shop, "h"), "held")
    Broadcast.objects.filter(pk=old.pk).update(finished_at=NOW - timedelta(days=8))

    shown = [(one.kind, one.broadcast.title, one.count) for one in concerns(NOW) if one.broadcast]

    assert shown == [("in_doubt", "many", 3), ("in_doubt", "few", 1), ("held", "few", 1)]
    assert concerns(NOW)[1].text == "1 message may or may not have been sent."


def test_pools_that_run_low() -> None:
    create(Rules(name="Spring codes", pattern="SPRING-####", low_at=10), by=factory.BY)
    create(Rules(name="Unwatched", pattern="SUMMER-####"), by=factory.BY)

    (low,) = concerns(NOW)

    assert low.text == "Only 0 unused codes are left in the pool Spring codes."
    assert (low.kind, low.count) == ("codes", 0)
