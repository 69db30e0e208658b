"""G4: incoming messages create contacts, addresses and chats."""

from datetime import timedelta

import pytest

from clarion.channels.contract import Inbound
from clarion.chats.inbound import receive
from clarion.chats.models import Chat, Message
from clarion.contacts.addresses import mark
from clarion.contacts.models import Address, Contact
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def said(text: str = "Hi", number: str = "1", minutes: float = 1) -> Inbound:
    at = clock.now() + timedelta(minutes=minutes)
    return Inbound("42", number, text, at, name="Anna", language="de")


def test_a_stranger_becomes_a_contact_with_an_address_and_a_chat() -> None:
    channel = factory.channel()

    receive(channel, said())

    contact = Contact.objects.get()
    assert (contact.name, contact.language) == ("Anna", "de")
    address = Address.objects.get()
    assert (address.value, address.contact, address.channel) == ("42", contact, channel)
    assert Chat.objects.get().address == address
    assert Message.objects.get().text == "Hi"


def test_the_same_message_twice_is_kept_once() -> None:
    channel = factory.channel()
    assert receive(channel, said()) is not None
    assert receive(channel, said()) is None
    assert receive(channel, said(number="2")) is not None
    assert Contact.objects.count() == 1
    assert Message.objects.count() == 2


def test_messages_out_of_order_leave_the_latest_moment() -> None:
    channel = factory.channel()
    late, early = said(number="2", minutes=5), said(number="1", minutes=1)
    receive(channel, late)
    receive(channel, early)
    assert Chat.objects.get().last_message_at == late.at


@pytest.mark.parametrize(("before", "after"), [("blocked", "active"), ("opted_out", "opted_out")])
def test_who_writes_can_be_reached_but_an_opt_out_stands(before: str, after: str) -> None:
    channel = factory.channel()
    receive(channel, said())
    mark(Address.objects.get().pk, before, clock.now())

    receive(channel, said(number="2"))

    assert Address.objects.get().state == after


def test_nasty_texts_are_kept() -> None:
    receive(factory.channel(), said(text="a\x00b" + "x" * 50_000))
    assert Message.objects.get().text.startswith("ab")
