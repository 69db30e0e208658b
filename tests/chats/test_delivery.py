"""Chats with a real engine and the simulated provider: held, released, closed, replied."""

import pytest
from django.test import Client

from clarion.accounts.models import Agent
from clarion.broadcasts import launch, singles
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.chats.inbound import receive
from clarion.chats.models import Chat, Message
from clarion.contacts import addresses
from clarion.contacts.models import Address
from clarion.content.stories import create_story
from clarion.kit import clock
from clarion.records.models import Record
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(processes: Processes) -> Provider:
    return Provider(processes)


@pytest.fixture
def shop(provider: Provider) -> Channel:
    return factory.channel("Shop", url=f"{provider.url}/hook/sink")


@pytest.fixture
def person(shop: Channel) -> Address:
    """One of five people on the channel."""
    return factory.people(shop, 5)[0]


@pytest.fixture
def ada(person: Address) -> Agent:
    """The agent who has the chat with that person open."""
    return factory.agent()


@pytest.fixture
def browser(ada: Agent, person: Address) -> Client:
    client = Client()
    client.force_login(ada)
    assert client.post(f"/chats/{person.pk}/take").status_code == 302
    return client


def start(channel: Channel, *, end_open_chats: bool = False) -> Broadcast:
    draft = factory.draft([channel])
    Broadcast.objects.filter(pk=draft.pk).update(end_open_chats=end_open_chats)
    draft.refresh_from_db()
    return launch.start(draft, by=factory.BY, undo_seconds=0)


def test_g2_held_until_the_chat_is_closed_then_delivered(
    browser: Client, person: Address, provider: Provider, engine: None
) -> None:
    broadcast = start(person.channel)
    eventually(lambda: factory.states(broadcast) == {"held": 1, "sent": 4}, timeout=60)
    assert person.value not in provider.accepted()

    browser.post(f"/chats/{person.pk}/close")
    wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"sent": 5}
    assert provider.accepted()[person.value] == 1
    assert reconcile(broadcast.pk).ok
    kinds = [one.kind for one in browser.get(f"/chats/{person.pk}/").context["lines"]]
    assert kinds == ["note", "note", "broadcast"]


def test_g2_released_by_hand_it_is_delivered_and_the_chat_stays_open(
    browser: Client, person: Address, provider: Provider, engine: None
) -> None:
    broadcast = start(person.channel)
    eventually(lambda: factory.states(broadcast) == {"held": 1, "sent": 4}, timeout=60)

    browser.post(f"/chats/{person.pk}/release")
    wait_completed(broadcast, 60)

    assert provider.accepted()[person.value] == 1
    assert Chat.objects.get().state == "open"


def test_g1_end_open_chats_closes_says_so_and_delivers(
    browser: Client, person: Address, provider: Provider, engine: None
) -> None:
    waiting = start(person.channel)
    eventually(lambda: factory.states(waiting) == {"held": 1, "sent": 4}, timeout=60)

    broadcast = start(person.channel, end_open_chats=True)
    wait_completed(broadcast, 60)
    wait_completed(waiting, 60)

    assert factory.states(broadcast) == {"sent": 5}
    assert factory.states(waiting) == {"sent": 5}
    assert provider.accepted()[person.value] == 2
    chat = Chat.objects.get()
    assert (chat.state, chat.agent) == ("closed", None)
    assert Message.objects.filter(chat=chat, text=f"Closed by broadcast {broadcast.pk}.").exists()
    assert reconcile(broadcast.pk).ok
    assert reconcile(waiting.pk).ok


def test_g3_a_reply_reaches_the_person_as_it_was_written(
    browser: Client, person: Address, provider: Provider, engine: None
) -> None:
    browser.post(f"/chats/{person.pk}/reply", {"text": "Take {{ exit }} 3"})
    eventually(lambda: Record.objects.filter(content="Take {{ exit }} 3").exists(), timeout=60)

    assert provider.accepted() == {person.value: 1}
    single = Broadcast.objects.get()
    wait_completed(single, 60)
    last = browser.get(f"/chats/{person.pk}/").context["lines"][-1]
    assert (last.kind, last.text, last.state) == ("reply", "Take {{ exit }} 3", "sent")


def test_g3_a_reply_reaches_somebody_who_opted_out(
    browser: Client, person: Address, provider: Provider, engine: None
) -> None:
    addresses.mark(person.pk, "opted_out", clock.now())
    browser.post(
        f"/chats/{person.pk}/reply", {"text": "You are off the list.", "to_opted_out": "1"}
    )
    wait_completed(Broadcast.objects.get(), 60)
    assert provider.accepted() == {person.value: 1}


def test_g4_a_pressed_button_is_answered_with_its_story(
    shop: Channel, person: Address, provider: Provider, engine: None
) -> None:
    hours = create_story(
        name="Hours", blocks=[{"kind": "text", "text": "Nine to five."}], by=factory.BY
    )
    receive(shop, Inbound(person.value, "b1", "Hours?", clock.now(), button=f"story:{hours.pk}"))
    wait_completed(Broadcast.objects.get(), 60)

    assert Record.objects.get().content == "Nine to five."
    assert provider.accepted() == {person.value: 1}


def test_b5_a_test_send_arrives_personalised(
    shop: Channel, person: Address, provider: Provider, engine: None
) -> None:
    draft = factory.draft([shop], text="Hello {{ contact.name }}")
    single = singles.send_test(draft, person, by=factory.BY)
    wait_completed(single, 60)

    assert provider.accepted() == {person.value: 1}
    assert Record.objects.get().content == "Hello Person 0"
