"""What happens becomes events, each once, with what a program needs to know of it."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Inbound
from clarion.chats.inbound import receive
from clarion.clicks.links import count_opens, number_links
from clarion.clicks.models import OPENED
from clarion.clicks.scanners import HEAD
from clarion.clicks.store import Visit, store
from clarion.consents.models import Change, Consent
from clarion.contacts import addresses
from clarion.contacts.models import AddressChange
from clarion.kit import clock
from clarion.records.models import Receipt
from clarion.webhooks.sources import SOURCES, newest_ids
from support import factory

pytestmark = pytest.mark.django_db


def read(source: str) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of each event of a source."""
    events = SOURCES[source].read(0, newest_ids()[source])
    assert len({event.id for _, event in events}) == len(events)
    return [(event.type, dict(event.data)) for _, event in events]


def test_attempts_are_sent_to_be_repeated_failed_or_in_doubt() -> None:
    channel = factory.channel("Shop")
    sent, twice, refused, unknown = factory.people(channel, 4)
    of = factory.broadcast("Spring")
    why = factory.reason("The receiver answered 500.", "500")
    rows = {
        sent: factory.delivery(of, sent, "sent", external_id="x1"),
        twice: factory.delivery(of, twice, "failed"),
        refused: factory.delivery(of, refused, "failed"),
        unknown: factory.delivery(of, unknown, "in_doubt"),
    }
    factory.record(rows[sent])
    factory.record(rows[twice], because=why)
    factory.record(rows[twice], because=why, attempt=2)
    factory.record(rows[refused], because=why)
    factory.record(rows[unknown], because=why)

    events = read("attempts")
    assert [name for name, _ in events] == [
        "delivery.sent",
        "delivery.attempt_failed",
        "delivery.failed",
        "delivery.failed",
        "delivery.in_doubt",
    ]
    assert events[0][1] == {
        "delivery_id": rows[sent].pk,
        "broadcast_id": of.pk,
        "channel_id": channel.pk,
        "chat": sent.pk,
        "contact_id": sent.contact_id,
        "user_id": "u0",
        "attempt": 1,
        "external_id": "x1",
    }
    assert events[2][1]["attempt"] == 2
    assert events[2][1]["reason"] == "The receiver answered 500."
    assert events[2][1]["code"] == "500"


def test_receipts_are_delivered_read_and_failed() -> None:
    channel = factory.channel("Shop")
    (address,) = factory.people(channel, 1)
    delivery = factory.delivery(
        factory.broadcast(), address, "failed", reason=factory.reason("Gone.", "131026")
    )
    moment = clock.from_us(factory.START)
    for status in ("sent", "delivered", "read", "failed"):
        Receipt.objects.create(
            channel=channel, delivery=delivery, external_id="x", status=status, at=moment,
            received_at=moment,
        )  # fmt: skip
    events = read("receipts")
    assert [name for name, _ in events] == [
        "delivery.delivered", "delivery.read", "delivery.failed",
    ]  # fmt: skip
    assert events[2][1]["code"] == "131026"


def test_clicks_of_people_are_events_and_those_of_scanners_are_not() -> None:
    channel = factory.channel("Shop")
    of = factory.broadcast("Spring")
    delivery = factory.delivery(of, factory.people(channel, 1)[0])
    link = number_links(of.pk, ["https://shop.example/"])["https://shop.example/"]
    store([Visit(delivery.pk, link, factory.START + 60_000_000, "")])
    store([Visit(delivery.pk, link, factory.START + 90_000_000, HEAD)])
    ((name, data),) = read("clicks")
    assert (name, data["url"], data["user_id"]) == ("link.clicked", "https://shop.example/", "u0")
    count_opens(of.pk)
    store([Visit(delivery.pk, OPENED, factory.START + 95_000_000, "")])
    (name, data) = read("clicks")[-1]
    assert (name, data["user_id"]) == ("email.opened", "u0")
    assert "url" not in data


def test_what_contacts_write_is_an_event_and_what_agents_write_is_not() -> None:
    channel = factory.channel("Shop")
    message = receive(
        channel, Inbound(sender="anna", text="Hello", external_id="m1", at=clock.now())
    )
    assert message is not None
    message.chat.messages.create(inbound=False, text="Hi")
    ((name, data),) = read("messages")
    assert (name, data["text"], data["chat"]) == ("message.received", "Hello", message.chat_id)


def test_each_change_of_an_address_is_kept_and_an_event() -> None:
    (address,) = factory.people(factory.channel("Shop"), 1)
    now = clock.now()
    assert addresses.mark(address.pk, "opted_out", now)
    assert not addresses.mark(address.pk, "opted_out", now)
    assert addresses.mark(address.pk, "active", now + timedelta(seconds=1))
    assert addresses.mark(address.pk, "blocked", now + timedelta(seconds=2))
    assert addresses.heard_from(address.pk, now + timedelta(seconds=3))
    assert not addresses.heard_from(address.pk, now + timedelta(seconds=4))
    assert AddressChange.objects.count() == 4
    events = read("address_states")
    assert [name for name, _ in events] == [
        "address.opted_out", "address.opted_in", "address.unreachable", "address.opted_in",
    ]  # fmt: skip
    assert events[2][1]["state"] == "blocked"


def test_consents_are_given_and_withdrawn() -> None:
    (address,) = factory.people(factory.channel("Shop"), 1)
    news = Consent.objects.create(name="News")
    for given in (True, False):
        Change.objects.create(consent=news, contact=address.contact, given=given, how="form")
    events = read("consents")
    assert [name for name, _ in events] == ["consent.given", "consent.withdrawn"]
    assert events[0][1] == {
        "contact_id": address.contact_id, "consent_id": news.pk, "consent": "News", "how": "form",
    }  # fmt: skip


def test_the_states_of_a_broadcast_are_events() -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    control.pause(broadcast, by=factory.BY)
    control.resume(Broadcast.objects.get(), by=factory.BY)
    control.stop(Broadcast.objects.get(), by=factory.BY)
    events = read("broadcasts")
    assert [name for name, _ in events] == [
        "broadcast.started", "broadcast.paused", "broadcast.resumed", "broadcast.stopped",
    ]  # fmt: skip
    assert events[0][1]["title"] == "Spring"
    assert "reason" in events[1][1]
