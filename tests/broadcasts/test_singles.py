"""Singles: one person, at once."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import drafts, people, singles
from clarion.broadcasts.errors import OptedOut, SingleError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.contract import Inbound
from clarion.chats import control
from clarion.chats.control import ChatError
from clarion.chats.inbound import receive
from clarion.chats.models import Message
from clarion.contacts import addresses
from clarion.contacts.models import Address
from clarion.content.models import Story
from clarion.content.rendering import compile_text
from clarion.content.stories import archive_story, create_story, save_story
from clarion.engine import lifecycle
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
TEXT = {"kind": "text", "text": "Welcome"}


@pytest.fixture
def person() -> Address:
    return factory.people(factory.channel(), 1)[0]


def story() -> Story:
    story = create_story(name="Welcome", blocks=[TEXT], by=factory.BY)
    save_story(story, blocks=[TEXT | {"text": "Better"}], by=factory.BY, number=1)
    return story


def press(address: Address, value: str, number: str = "1") -> None:
    """Tell that they pressed a button, as the inbox does."""
    receive(
        address.channel, Inbound(address.value, number, "Tell me more", clock.now(), button=value)
    )


def test_a_single_is_written_as_already_expanded(person: Address) -> None:
    single = singles.send_single(person, by=factory.BY, text="Hi {{ contact.name }}", title="T")

    assert (single.type, single.state, single.total) == ("single", "sending", 1)
    assert single.end_open_chats
    assert single.priority > 1
    assert list(single.channels.all()) == [person.channel]
    assert factory.states(single) == {"queued": 1}
    assert reconcile(single.pk).ok
    assert not lifecycle.expand_next()
    assert list(singles.of_address(person.pk)) == [single]


@pytest.mark.parametrize("state", ["blocked", "deactivated", "unreachable"])
def test_nobody_out_of_reach_is_sent_to(person: Address, state: str) -> None:
    addresses.mark(person.pk, state, clock.now())
    with pytest.raises(SingleError):
        singles.send_single(person, by=factory.BY, text="Hi")
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize("text", ["", "  \n", "{{ contact.name", "{% for %}"])
def test_what_can_not_be_sent_is_said_at_once(person: Address, text: str) -> None:
    with pytest.raises(SingleError):
        singles.send_single(person, by=factory.BY, text=text)
    assert not Broadcast.objects.exists()


def test_a_story_is_fixed_at_its_newest_version(person: Address) -> None:
    single = singles.send_single(person, by=factory.BY, story=story())
    assert single.story_version is not None
    assert single.story_version.number == 2


@pytest.mark.parametrize(
    "words",
    ["Hi", "{{ contact.name }}", "{% if %}{# x #}", "{{{{{%", "a { b } {{", '"{{"', "{{ '}}' }}"],
)
def test_a_reply_arrives_exactly_as_it_was_written(person: Address, words: str) -> None:
    agent = factory.agent()
    control.take_over(person.pk, by=agent)

    single = singles.reply(person.pk, words, by=agent)

    assert compile_text(single.text).render({}) == words
    assert singles.plain(single.text) == words
    assert single.agent == agent
    assert AuditEntry.objects.filter(action="chat.reply", agent=agent).exists()


def test_only_the_agent_of_an_open_chat_replies(person: Address) -> None:
    ada, bob = factory.agent(), factory.agent(name="Bob")
    with pytest.raises(ChatError, match="Take it over first"):
        singles.reply(person.pk, "Hi", by=ada)
    control.take_over(person.pk, by=ada)
    with pytest.raises(ChatError):
        singles.reply(person.pk, "Hi", by=bob)
    control.close(person.pk, by=ada)
    with pytest.raises(ChatError):
        singles.reply(person.pk, "Hi", by=ada)
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize("words", ["", " \x00 \r\n", "x" * 4_097])
def test_an_empty_or_endless_reply_is_refused(person: Address, words: str) -> None:
    agent = factory.agent()
    control.take_over(person.pk, by=agent)
    with pytest.raises(SingleError):
        singles.reply(person.pk, words, by=agent)


def test_a_reply_is_neither_held_nor_silenced_by_an_opt_out(person: Address) -> None:
    agent = factory.agent()
    control.take_over(person.pk, by=agent)
    addresses.mark(person.pk, "opted_out", clock.now())

    single = singles.reply(person.pk, "You are off the list.", by=agent, to_opted_out=True)
    control.close(person.pk, by=agent)
    control.take_over(person.pk, by=agent)
    people.skip_stopped_address(person.pk, "opted_out", clock.now())

    assert factory.states(single) == {"queued": 1}


def test_a_reply_to_who_opted_out_and_wrote_nothing_since_is_asked_for_twice(
    person: Address,
) -> None:
    agent = factory.agent()
    control.take_over(person.pk, by=agent)
    stopped = clock.now() - timedelta(hours=1)
    receive(person.channel, Inbound(person.value, "m1", "STOP", stopped))
    addresses.mark(person.pk, "opted_out", stopped)
    with pytest.raises(OptedOut, match="written nothing since"):
        singles.reply(person.pk, "Bye", by=agent)
    assert not Broadcast.objects.exists()
    receive(person.channel, Inbound(person.value, "m2", "One more question", clock.now()))
    singles.reply(person.pk, "Yes?", by=agent)
    assert Broadcast.objects.count() == 1


def test_who_blocks_us_before_the_reply_leaves_is_skipped(person: Address) -> None:
    single = singles.send_single(person, by=factory.BY, text="Hi")
    addresses.mark(person.pk, "blocked", clock.now())
    assert factory.states(single) == {"skipped": 1}


def test_b5_a_test_send_takes_what_the_draft_says(person: Address) -> None:
    draft = drafts.create_draft(by=factory.BY, title="Spring", text="Hello {{ contact.name }}")

    single = singles.send_test(draft, person, by=factory.BY)

    assert (single.title, single.text) == ("Spring", "Hello {{ contact.name }}")
    draft.refresh_from_db()
    assert draft.state == "draft"
    addresses.mark(person.pk, "opted_out", clock.now())
    person.refresh_from_db()
    with pytest.raises(SingleError, match="opted out"):
        singles.send_test(draft, person, by=factory.BY)


def test_b5_a_test_send_of_nothing_is_refused(person: Address) -> None:
    draft = drafts.create_draft(by=factory.BY)
    with pytest.raises(SingleError, match="Write a text"):
        singles.send_test(draft, person, by=factory.BY)
    Broadcast.objects.filter(pk=draft.pk).update(data_type="story")
    draft.refresh_from_db()
    with pytest.raises(SingleError, match="Choose a story"):
        singles.send_test(draft, person, by=factory.BY)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": "Hi {{ contact.nmae }}"}, "No contact has “contact.nmae”"),
        ({"text": "Hi {{ contact.name"}, "is not closed"),
        ({"data_type": "template", "template": {}}, "Write the name of the template"),
    ],
)
def test_b5_a_test_send_says_what_is_wrong_with_the_draft(
    person: Address, fields: dict[str, Any], sentence: str
) -> None:
    draft = drafts.create_draft(by=factory.BY, text="Hi")
    Broadcast.objects.filter(pk=draft.pk).update(**fields)
    draft.refresh_from_db()
    with pytest.raises(SingleError, match=sentence):
        singles.send_test(draft, person, by=factory.BY)
    assert Broadcast.objects.count() == 1


def test_a_pressed_button_sends_its_story_once_at_a_time(person: Address) -> None:
    wanted = story()

    press(person, f"story:{wanted.pk}", "1")
    press(person, f"story:{wanted.pk}", "1")
    press(person, f"story:{wanted.pk}", "2")

    single = Broadcast.objects.get()
    assert (single.type, single.story) == ("single", wanted)
    assert Message.objects.filter(inbound=True).count() == 2
    assert Message.objects.filter(payload__button=f"story:{wanted.pk}").count() == 2
    Delivery.objects.update(state="sent")
    press(person, f"story:{wanted.pk}", "3")
    assert Broadcast.objects.count() == 2


@pytest.mark.parametrize(
    "value", ["story:999", "story:" + "9" * 30, "story:x", "story:", "yes", "story:-1"]
)
def test_a_button_without_a_story_is_only_a_message(person: Address, value: str) -> None:
    press(person, value)
    assert not Broadcast.objects.exists()
    assert Message.objects.get(inbound=True).text == "Tell me more"


def test_the_button_of_a_deleted_story_is_told_in_the_chat(person: Address) -> None:
    gone = story()
    archive_story(gone, by=factory.BY)
    press(person, f"story:{gone.pk}")
    assert not Broadcast.objects.exists()
    assert "“Welcome”" in Message.objects.get(inbound=False).text


def test_the_newest_single_of_each(person: Address) -> None:
    singles.send_single(person, by=factory.BY, text="One")
    two = singles.send_single(person, by=factory.BY, text="Two")
    assert singles.latest([person.pk, 999]) == {person.pk: two}
