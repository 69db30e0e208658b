"""What comes back by e-mail: it counts for the message that it is about, and for nobody else."""

import pytest

from channels.email.fixtures import CASE, answer
from clarion.channels.abilities import Fetched
from clarion.channels.contract import Outgoing
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.chats.models import Message
from clarion.contacts.models import Address, AddressReport, Suppression
from clarion.engine import fetching, inbox, unproven
from clarion.engine.models import Callback, DropCount
from clarion.records import message_ids
from clarion.records.models import Delivery, Record
from clarion.transport.messages import SmtpRequest
from clarion_simulator.bounces import FAILURES, complaint, postfix
from support import factory

pytestmark = pytest.mark.django_db
ANNA, BEN = "anna@example.org", "ben@example.org"


@pytest.fixture
def channel() -> Channel:
    """An e-mail channel with a mailbox for bounces."""
    return factory.channel("post", "email", **CASE.settings)


def sent(channel: Channel, to: str, state: str = "sent") -> tuple[Delivery, SmtpRequest]:
    """A delivery, and its message."""
    address = factory.address(channel, to)
    delivery = factory.delivery(factory.broadcast(), address, state)
    factory.record(delivery)
    name = message_ids.message_id(delivery.broadcast.key, delivery.pk)
    request = adapter(channel).request(Outgoing(name, delivery.broadcast_id, to, "Hello"))
    assert isinstance(request, SmtpRequest)
    return delivery, request


def arrives(channel: Channel, raw: bytes) -> None:
    """Fetch and apply an e-mail."""
    turn = fetching.take(channel.pk)
    assert turn is not None
    assert fetching.keep(turn, Fetched((raw,), "1:1")) is not None
    fetching.give_back(turn, "", 0)
    while inbox.apply_waiting():
        pass


def bounce(of: SmtpRequest, to: str, kind: str = "bounce") -> bytes:
    """What a mail server sends back."""
    return f"Delivered-To: {of.sender}\r\n".encode() + postfix(FAILURES[kind], to, of.message, 1)


def without_code(raw: bytes, of: SmtpRequest) -> bytes:
    """The same from a server that repeats no header but the Message-ID."""
    local = of.sender.partition("@")[0].encode()
    return raw.replace(local, b"bounces").replace(b"X-Clarion-Message:", b"X-Other:")


def drops() -> list[str]:
    """Why something was dropped."""
    return list(DropCount.objects.values_list("reason", flat=True))


def state_of(value: str) -> str:
    """What state an address is in."""
    return Address.objects.get(value=value).state


def test_a_hard_bounce_fails_the_message_and_suppresses_the_address(channel: Channel) -> None:
    delivery, message = sent(channel, ANNA)
    arrives(channel, bounce(message, ANNA))
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert Record.objects.get(delivery=delivery).status == "error"
    assert state_of(ANNA) == "unreachable"
    assert set(Suppression.objects.values_list("value", "reason")) == {(ANNA, "bounced")}
    assert not Callback.objects.exists()
    assert drops() == []


def test_it_is_suppressed_under_the_address_that_it_was_sent_to(channel: Channel) -> None:
    """A mailbox that forwards is reported with the address behind it."""
    _, message = sent(channel, ANNA)
    sent(channel, BEN)
    arrives(channel, bounce(message, BEN))
    assert (state_of(ANNA), state_of(BEN)) == ("unreachable", "active")


def test_a_soft_bounce_suppresses_nobody(channel: Channel) -> None:
    delivery, message = sent(channel, ANNA)
    arrives(channel, bounce(message, ANNA, "delayed"))
    delivery.refresh_from_db()
    assert delivery.state == "sent"
    arrives(channel, bounce(message, ANNA, "failed"))
    delivery.refresh_from_db()
    assert delivery.state == "failed"
    assert state_of(ANNA) == "active"
    assert not Suppression.objects.exists()


def test_the_same_e_mail_twice_changes_nothing(channel: Channel) -> None:
    _, message = sent(channel, ANNA)
    raw = bounce(message, ANNA)
    arrives(channel, raw)
    arrives(channel, raw)
    assert AddressReport.objects.count() == 1


def test_a_complaint_opts_out(channel: Channel) -> None:
    delivery, message = sent(channel, ANNA)
    arrives(channel, complaint("redacted", message.sender, message.message, 1))
    delivery.refresh_from_db()
    assert (delivery.state, state_of(ANNA)) == ("sent", "opted_out")
    assert set(Suppression.objects.values_list("value", "reason")) == {(ANNA, "complained")}


def test_without_a_code_the_message_must_have_been_sent_to_the_address(channel: Channel) -> None:
    delivery, message = sent(channel, ANNA)
    sent(channel, BEN)
    arrives(channel, without_code(bounce(message, BEN), message).replace(ANNA.encode(), b"x@y.z"))
    delivery.refresh_from_db()
    assert (delivery.state, state_of(ANNA), state_of(BEN)) == ("sent", "active", "active")
    assert drops() == [unproven.OF_OTHERS.reason]

    arrives(channel, without_code(bounce(message, ANNA), message))
    assert (state_of(ANNA), state_of(BEN)) == ("unreachable", "active")


def test_without_a_code_a_message_that_was_not_sent_yet_can_not_come_back(
    channel: Channel,
) -> None:
    _, message = sent(channel, ANNA, "queued")
    arrives(channel, without_code(bounce(message, ANNA), message))
    assert state_of(ANNA) == "active"
    assert drops() == [unproven.OF_OTHERS.reason]


def test_a_message_of_another_channel_is_none_of_this_one(channel: Channel) -> None:
    other = factory.channel("other", "email", **CASE.settings)
    _, message = sent(other, ANNA)
    arrives(channel, bounce(message, ANNA))
    assert state_of(ANNA) == "active"
    assert drops() == [unproven.UNKNOWN.reason]


def test_an_answer_of_its_recipient_is_in_the_chat_and_one_of_others_is_not(
    channel: Channel,
) -> None:
    delivery, _ = sent(channel, ANNA)
    name = message_ids.message_id(delivery.broadcast.key, delivery.pk)
    arrives(channel, answer("Thank you!", of=f"<{name}@example.org>"))
    arrives(channel, answer("Buy this", sender=BEN, of=f"<{name}@example.org>"))
    assert list(Message.objects.values_list("text", flat=True)) == ["Thank you!"]
    assert drops() == [unproven.OF_OTHERS.reason]
    assert not Address.objects.filter(value=BEN).exists()

    arrives(channel, answer("STOP", of=f"<{name}@example.org>"))
    assert state_of(ANNA) == "opted_out"
