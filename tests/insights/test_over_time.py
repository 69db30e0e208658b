"""Charts say what the rows say."""

from datetime import UTC, timedelta

import pytest

from clarion.channels.models import Channel
from clarion.insights import over_time, spans
from clarion.kit import clock
from clarion.records import measures
from clarion.records.measures import Numbers
from clarion.records.models import Delivery, Receipt
from clarion.records.states import COMPLETED
from support import factory

pytestmark = pytest.mark.django_db
NOW = clock.from_us(factory.START)


def report(channel: Channel) -> None:
    """A receipt has arrived on the channel."""
    Receipt.objects.create(
        channel=channel, delivery_id=1, external_id="x", status="delivered", at=NOW, received_at=NOW
    )


def test_the_numbers_of_a_broadcast_are_those_of_its_rows() -> None:
    shop, mail = factory.channel("Shop"), factory.channel("Mail")
    broadcast, other = factory.broadcast(), factory.broadcast()
    states = ["sent", "delivered", "read", "failed", "queued", "in_doubt", "read", "failed"]
    for number, state in enumerate(states):
        channel = mail if number % 4 == 3 else shop
        factory.delivery(broadcast, factory.address(channel, f"u{number}"), state)
        factory.delivery(other, factory.address(channel, f"o{number}"), "sent")
    report(shop)
    measures.fold()

    shown = over_time.of_broadcast(broadcast.pk, UTC)

    assert shown is not None
    rows = Delivery.objects.filter(broadcast=broadcast)
    assert shown.total.sent == rows.filter(state__in=COMPLETED).count() == 4
    assert shown.total == Numbers(sent=4, delivered=3, read=2, failed=2)
    assert [one.channel.name for one in shown.channels] == ["Shop", "Mail"]
    assert shown.channels[1].total == Numbers(failed=2)
    assert shown.column("delivered") == [3]
    assert over_time.of_broadcast(factory.broadcast().pk, UTC) is None


def test_what_no_channel_reports_is_unknown() -> None:
    mail = factory.channel()
    broadcast = factory.broadcast()
    factory.delivery(broadcast, factory.address(mail, "u1"), "sent")
    week = spans.latest("7d", UTC, NOW)

    shown = over_time.of_all(week)

    assert shown.column("sent") == [0, 0, 0, 0, 0, 0, 1]
    assert shown.column("delivered") == shown.column("read") == [None] * 7
    assert (shown.knows("failed"), shown.knows("read")) == (True, False)
    report(mail)
    assert over_time.of_all(week).column("delivered") == [0] * 7


def test_without_anything_there_are_zeros() -> None:
    day = spans.latest("24h", UTC, NOW)

    shown = over_time.of_all(day)

    assert shown.column("sent") == [0] * 24
    assert (shown.total, shown.channels, shown.reports) == (Numbers(), [], frozenset())


def test_the_time_before_is_added_up_by_channel() -> None:
    shop = factory.channel()
    factory.delivery(factory.broadcast(), factory.address(shop, "u1"), "failed")
    quarter = clock.from_us(factory.START - factory.START % measures.QUARTER)

    hour = (quarter, quarter + timedelta(hours=1))

    assert over_time.between(*hour) == Numbers(failed=1)
    assert over_time.by_channel(*hour) == {shop.pk: Numbers(failed=1)}
    assert over_time.between(hour[1], hour[1] + timedelta(hours=1)) == Numbers()
