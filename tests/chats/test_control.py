"""Taking over and closing, one by one and all at once."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from clarion.accounts.models import Agent, AuditEntry
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Inbound
from clarion.chats import control, signals
from clarion.chats.control import ChatError
from clarion.chats.inbound import receive
from clarion.chats.models import Chat, Message
from clarion.contacts.models import Address
from clarion.kit import clock
from clarion.records.deliveries import hold
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Address]:
    return factory.people(factory.channel(), 4)


def notes(address: Address) -> list[str]:
    messages = Message.objects.filter(chat=address.pk, inbound=False).order_by("pk")
    return list(messages.values_list("text", flat=True))


def test_take_over_and_close_are_told_in_the_chat(people: list[Address]) -> None:
    ada = factory.agent()
    chat = control.take_over(people[0].pk, by=ada)
    assert (chat.state, chat.agent) == ("open", ada)

    chat = control.close(people[0].pk, by=ada)

    assert (chat.state, chat.agent) == ("closed", None)
    assert notes(people[0]) == ["Ada took this chat over.", "Closed by Ada."]


def test_taking_over_what_one_has_changes_nothing(people: list[Address]) -> None:
    ada = factory.agent()
    control.take_over(people[0].pk, by=ada)
    control.take_over(people[0].pk, by=ada)
    assert len(notes(people[0])) == 1


def test_nobody_takes_it_from_another_agent(people: list[Address]) -> None:
    control.take_over(people[0].pk, by=factory.agent())
    bob = factory.agent(name="Bob")
    with pytest.raises(ChatError, match="open with Ada"):
        control.take_over(people[0].pk, by=bob)
    Agent.objects.filter(name="Ada").delete()
    assert control.take_over(people[0].pk, by=bob).agent == bob


@pytest.mark.parametrize("number", [0, -1, 4_711, 2**63, 2**80])
def test_an_unknown_number(db: None, number: int) -> None:
    with pytest.raises(ChatError, match=f"no chat with the number {number}"):
        control.take_over(number, by=factory.agent())


def test_only_an_open_chat_is_closed(people: list[Address]) -> None:
    with pytest.raises(ChatError, match="not open"):
        control.close(people[0].pk, by=factory.BY)
    assert not AuditEntry.objects.filter(action="chat.close").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_agents_at_once_one_gets_it(people: list[Address]) -> None:
    agents = [factory.agent(name=name) for name in ("Ada", "Bob")]
    ready = threading.Barrier(2)
    lost: list[str] = []

    def take(agent: Agent) -> None:
        ready.wait(60)
        try:
            control.take_over(people[0].pk, by=agent)
        except ChatError as error:
            lost.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(lost) == 1
    assert str(Chat.objects.get().agent) in lost[0]
    assert len(notes(people[0])) == 1


def test_who_writes_in_a_closed_chat_is_with_the_bot_again(people: list[Address]) -> None:
    ada = factory.agent()
    person = people[0]
    control.take_over(person.pk, by=ada)

    def say(number: str) -> str:
        receive(person.channel, Inbound(person.value, number, "Hi", clock.now()))
        return str(Chat.objects.get(pk=person.pk).state)

    assert say("1") == "open"
    control.close(person.pk, by=ada)
    assert say("1") == "closed", "the same message twice says nothing new"
    assert say("2") == "bot"


@pytest.fixture
def closed() -> Iterator[list[list[int]]]:
    """What the signal said."""
    heard: list[list[int]] = []

    def hear(address_ids: list[int], **_: object) -> None:
        heard.append(sorted(address_ids))

    signals.closed.connect(hear)
    yield heard
    signals.closed.disconnect(hear)


def test_g1_close_all_closes_what_is_open_and_says_why(
    people: list[Address], closed: list[list[int]]
) -> None:
    ada = factory.agent()
    for person in people[:2]:
        control.take_over(person.pk, by=ada)

    count = control.close_all([person.pk for person in people[1:]], 12)

    assert count == 1
    assert closed == [[people[1].pk]]
    assert Chat.objects.get(pk=people[0].pk).state == "open"
    chat = Chat.objects.get(pk=people[1].pk)
    assert (chat.state, chat.agent) == ("closed", None)
    assert notes(people[1])[-1] == "Closed by broadcast 12."
    note = Message.objects.get(text="Closed by broadcast 12.")
    assert note.payload == {}
    audited = AuditEntry.objects.get(action="chat.close_all")
    assert (audited.subject, audited.detail) == ("broadcast 12", {"chats": 1})
    assert control.close_all([person.pk for person in people[1:]], 12) == 0
    assert control.close_all([], 12) == 0
    assert AuditEntry.objects.filter(action="chat.close_all").count() == 1


def test_g2_close_all_releases_what_others_held(people: list[Address]) -> None:
    waiting = factory.sending([people[0].channel])
    for person in people[:3]:
        control.take_over(person.pk, by=_agent())
    assert factory.states(waiting) == {"held": 3, "queued": 1}

    control.close_all([person.pk for person in people], 99)

    assert factory.states(waiting) == {"queued": 4}
    assert reconcile(waiting.pk).ok


def _agent() -> Agent:
    return Agent.objects.first() or factory.agent()


def test_close_all_takes_many_at_once(
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    people = factory.people(factory.channel(), 3_000)
    ada = factory.agent()
    Chat.objects.bulk_create(Chat(address=person, state="open", agent=ada) for person in people)
    waiting = factory.sending([people[0].channel])
    with django_assert_max_num_queries(12):
        assert control.close_all([person.pk for person in people], 1) == 3_000
    assert factory.states(waiting) == {"queued": 3_000}
    assert Message.objects.filter(inbound=False).count() == 3_000
    assert reconcile(waiting.pk).ok


def test_leftovers_are_released(people: list[Address]) -> None:
    waiting = factory.sending([people[0].channel])
    for person in people[:2]:
        control.take_over(person.pk, by=_agent())
    Chat.objects.filter(pk=people[0].pk).update(state="closed")
    assert hold.release_leftover().total() == 1
    held = Delivery.objects.get(state="held")
    assert held.address_id == people[1].pk
    assert not hold.release_leftover()
    assert reconcile(waiting.pk).ok
