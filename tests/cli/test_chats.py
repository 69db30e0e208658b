"""``clarion chats``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Inbound
from clarion.chats.inbound import receive
from clarion.chats.models import Chat
from clarion.contacts.models import Address
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
Ok = Callable[..., str]
Json = Callable[..., Any]
ADA = "ada@clarion.example"


@pytest.fixture
def ada(db: None) -> Agent:
    return factory.agent()


@pytest.fixture
def number(people: str) -> str:
    """The chat number of Ann, who has written."""
    ann = Address.objects.get(value="1")
    receive(ann.channel, Inbound("1", "m1", "Where is it?", clock.now()))
    return str(ann.pk)


def test_no_chat_yet(db: None, ok: Ok, ok_json: Json) -> None:
    assert ok("chats", "list") == "There are no chats yet.\n"
    assert ok_json("chats", "list") == []
    assert ok("chats", "list", "--state", "open") == "No chats match.\n"


def test_g3_the_list_and_its_filters(number: str, ada: Agent, ok: Ok, ok_json: Json) -> None:
    lines = ok("chats", "list").splitlines()
    assert lines[1].split()[:4] == [number, "Ann", "news", "bot"]
    (chat,) = ok_json("chats", "list", "--channel", "news", "--search", "ann", "--state", "bot")
    assert (chat["number"], chat["text"], chat["held"], chat["ours"]) == (
        int(number), "Where is it?", 0, False,
    )  # fmt: skip
    assert ok_json("chats", "list", "--agent", ADA) == []
    ok("chats", "take", number, "--agent", ADA)
    assert len(ok_json("chats", "list", "--agent", ADA.upper())) == 1


def test_g3_take_reply_close(number: str, ada: Agent, ok: Ok, ok_json: Json) -> None:
    assert ok("chats", "take", number, "--agent", ADA) == f"Chat {number} is open with Ada.\n"
    said = ok("chats", "reply", number, "--agent", ADA, "--text", "It left {{ today }}")
    assert "The reply is queued." in said
    assert ok_json("chats", "close", number)["state"] == "closed"

    shown = ok_json("chats", "show", number)

    assert [line["kind"] for line in shown["messages"]] == ["them", "note", "reply", "note"]
    assert shown["messages"][2]["text"] == "It left {{ today }}"
    assert shown["messages"][2]["state"] == "queued"
    lines = ok("chats", "show", number).splitlines()
    assert any(line.endswith("they: Where is it?") for line in lines)
    assert any(line.endswith("Ada: It left {{ today }}  [queued]") for line in lines)
    assert any("Closed by command line." in line for line in lines)


def test_g2_what_is_held_is_shown_and_leaves_with_the_chat(
    number: str, ada: Agent, ok: Ok, ok_json: Json
) -> None:
    ok("chats", "take", number, "--agent", ADA)
    broadcast = factory.sending([Address.objects.get(pk=number).channel], text="Hello")
    assert factory.states(broadcast) == {"held": 1, "queued": 2}
    assert ok_json("chats", "show", number)["held"][0]["broadcast"] == broadcast.pk
    assert f"broadcast {broadcast.pk}" in ok("chats", "show", number)
    assert ok_json("chats", "list")[0]["held"] == 1

    assert ok("chats", "close", number) == f"Chat {number} is closed.\n"

    assert factory.states(broadcast) == {"queued": 3}


def test_the_list_is_bounded(people: str, clarion: Callable[..., Any]) -> None:
    Chat.objects.bulk_create(Chat(address=address) for address in Address.objects.all())
    result = clarion("chats", "list", "--limit", "2")
    assert len(result.stdout.splitlines()) == 3
    assert "Only the first 2 are shown." in result.stderr


def test_what_the_state_does_not_allow(
    number: str, ada: Agent, ok: Ok, refused: Callable[..., str]
) -> None:
    reply = ("chats", "reply", number, "--agent", ADA, "--text", "Hi")
    assert "Take it over first" in refused(*reply)
    assert refused("chats", "close", number) == "This chat is not open."
    ok("chats", "take", number, "--agent", ADA)
    assert refused(*reply[:-1], " ") == "Write a reply first."
    factory.agent(name="Bob")
    taken = refused("chats", "take", number, "--agent", "bob@clarion.example")
    assert "open with Ada" in taken
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize(
    "command",
    [["show"], ["take", "--agent", ADA], ["close"], ["reply", "--agent", ADA, "--text", "Hi"]],
)
@pytest.mark.parametrize("number", ["4711", str(2**63)])
def test_an_unknown_number(
    ada: Agent, refused: Callable[..., str], command: list[str], number: str
) -> None:
    said = refused("chats", *command, number)
    assert said == f"There is no chat with the number {number}."


def test_an_agent_who_is_none_or_only_looks(
    number: str, refused: Callable[..., str], ok_json: Json
) -> None:
    assert "There is no agent with the name or e-mail address x@y.example." in refused(
        "chats", "take", number, "--agent", "x@y.example"
    )
    factory.agent("viewer", "Vera")
    said = refused("chats", "take", number, "--agent", "vera@clarion.example")
    assert "a viewer may not" in said
    assert ok_json("chats", "list", "--agent", "vera@clarion.example") == []


def test_an_unknown_state_is_wrong_usage(db: None, misused: Callable[..., str]) -> None:
    assert "'new' is not one of 'bot', 'open', 'closed'." in misused(
        "chats", "list", "--state", "new"
    )
