"""G4: incoming messages create contacts, addresses and chats."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError
from pytest_django.fixtures import Settings

from clarion import config
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.singles import plain
from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.chats.inbound import receive
from clarion.chats.models import Chat, Message
from clarion.contacts.addresses import mark
from clarion.contacts.models import Address, Contact
from clarion.contacts.suppressions.entries import add
from clarion.engine import snapshot
from clarion.engine.render import MessageStep, next_step
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


@pytest.mark.parametrize(
    ("text", "is_answered"),
    [
        ("HELP", True), ("Hilfe bitte!", True), ("/help", True), ("Ayuda por favor", True),
        ("help me with my order", False), ("helpful", False), ("", False), ("STOP", False),
    ],
)  # fmt: skip
def test_help_is_answered(settings: Settings, text: str, is_answered: bool) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"help_text": "Shop {{ x }}. STOP ends."})
    receive(factory.channel(), said(text))
    singles = Broadcast.objects.filter(type="single")
    assert singles.exists() is is_answered
    if is_answered:
        [claimed] = factory.settle_all(Channel.objects.get())
        step = next_step(claimed, snapshot.job(claimed.broadcast), kind_class("webhook").limits)
        assert isinstance(step, MessageStep)
        assert step.outgoing.text == "Shop {{ x }}. STOP ends."


@pytest.mark.parametrize(
    ("language", "answer"),
    [("de", "Hallo"), ("DE-at", "Hallo"), ("pt-BR", "Oi"), ("pt_BR", "Oi"), ("pt", "Hello"),
     ("fr", "Hello")],
)  # fmt: skip
def test_help_is_answered_in_the_language_of_the_contact(
    settings: Settings, language: str, answer: str
) -> None:
    texts = config.Settings(help_texts={"de": "Hallo", "pt-BR": "Oi"}).help_texts
    changes = {"help_text": "Hello", "help_texts": texts}
    settings.CLARION = settings.CLARION.model_copy(update=changes)
    address = factory.address(factory.channel(), "42")
    address.contact.language = language
    address.contact.save()
    receive(address.channel, said("HELP"))
    assert plain(Broadcast.objects.get().text) == answer


def test_texts_of_help_need_a_language_and_words() -> None:
    for wrong, sentence in (({"!": "x"}, "not a language code"), ({"de": " "}, "1 to 4,000")):
        with pytest.raises(ValidationError, match=sentence):
            config.Settings(help_texts=wrong)


def test_help_is_answered_once_a_day_also_to_who_opted_out(settings: Settings) -> None:
    channel = factory.channel()
    receive(channel, said("HELP", "0"))
    assert not Broadcast.objects.exists()  # no text is set
    settings.CLARION = settings.CLARION.model_copy(update={"help_text": "Call us."})
    mark(Address.objects.get().pk, "opted_out", clock.now())
    for number in "123":
        receive(channel, said("HELP", number))
    assert Broadcast.objects.count() == 1
    assert Address.objects.get().state == "opted_out"
    Broadcast.objects.update(created_at=clock.now() - timedelta(days=2))
    receive(channel, said("HELP", "4"))
    assert Broadcast.objects.count() == 2


def test_help_that_the_provider_has_answered_is_not_answered_again(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"help_text": "Call us."})
    receive(factory.channel(), replace(said("HELP"), answered=True))
    assert Message.objects.get().text == "HELP"
    assert not Broadcast.objects.exists()


def test_help_from_a_suppressed_address_leaves_a_note(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"help_text": "Call us."})
    add("42", kind="webhook", reason="blocked", by=factory.BY)
    receive(factory.channel(), said("HELP"))
    assert not Broadcast.objects.exists()
    note = Message.objects.get(inbound=False)
    assert note.text.startswith("Help was asked for by a word. The address is on the suppression")
