"""Features from the command line to what people receive, with an engine and a receiver."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast, Firing
from clarion.contacts.models import Address
from clarion.engine import fire
from clarion.kit import clock
from support import factory
from support.listener import Answer, Heard, Listener
from support.waiting import eventually

pytestmark = pytest.mark.django_db
Json = Callable[..., Any]
Text = Callable[..., str]


@pytest.fixture
def reached(receiver: Listener, ok: Text, tmp_path: Path) -> str:
    """A channel to the receiver, with 1 Ann in Bonn, 2 Bo in Rome, and 3 without a name."""
    settings = ("--set", f"url={receiver.url}/hook", "--set", "allow_private=true")
    ok("channel", "add", "live", "--kind", "webhook", *settings)
    path = tmp_path / "people.csv"
    path.write_text("id,name,city\n1,Ann,Bonn\n2,Bo,Rome\n3,,Oslo\n", encoding="utf-8")
    ok("contacts", "import", str(path), "--channel", "live")
    return "live"


@pytest.fixture
def finished(ok_json: Json) -> Callable[[int], dict[str, Any]]:
    """Wait until a broadcast is completed and return what ``broadcasts show`` says then."""

    def wait(number: int) -> dict[str, Any]:
        def shown() -> dict[str, Any] | None:
            document: dict[str, Any] = ok_json("broadcasts", "show", str(number))
            return document if document["state"] == "completed" else None

        return eventually(shown, timeout=120, what=f"broadcast {number} is completed") or {}

    return wait


def heard_by(receiver: Listener) -> dict[str, list[str]]:
    """The texts that each person was sent, in the order they came."""
    got: dict[str, list[str]] = {}
    for heard in receiver.heard:
        if heard.path == "/hook":
            got.setdefault(heard.body["to"], []).append(heard.body["text"])
    return got


def to_all(channel: str, *options: str) -> tuple[str, ...]:
    return ("send", "--channel", channel, "--all", "--undo", "0", *options)


def test_b1_everyone_gets_a_message_of_their_own(
    engine: None, reached: str, receiver: Listener, ok_json: Json, refused: Text, finished: Json
) -> None:
    unknown = refused(*to_all(reached, "--text", "Hello {{ contact.nam }}"))
    assert "contact.nam" in unknown
    assert not Broadcast.objects.exists()

    words = 'Hello {{ contact.name | default("friend") }} in {{ contact.city }}'
    number = ok_json(*to_all(reached, "--text", words))["id"]

    assert finished(number)["sent"] == 3
    assert heard_by(receiver) == {
        "1": ["Hello Ann in Bonn"], "2": ["Hello Bo in Rome"], "3": ["Hello friend in Oslo"],
    }  # fmt: skip


def answers(heard: Heard) -> tuple[int, Any]:
    """A story's webhook that has nothing for 1, one message for 2, and two for 3."""
    if heard.path != "/ask":
        return 200, {}
    many = int(heard.body["to"]) - 1
    return 200, {"responses": [f"Offer {n}" for n in range(many)], "memory": {}}


def test_b3_a_story_has_several_messages_or_none_for_a_person(
    engine: None,
    reached: str,
    receiver: Listener,
    ok: Text,
    ok_json: Json,
    finished: Json,
    tmp_path: Path,
) -> None:
    receiver.answer = answers
    story = {
        "name": "Offers",
        "blocks": [{"kind": "webhook", "url": f"{receiver.url}/ask", "allow_private": True}],
    }
    path = tmp_path / "story.json"
    path.write_text(json.dumps(story))
    ok("stories", "import", str(path))
    number = ok_json(*to_all(reached, "--story", "Offers"))["id"]

    shown = finished(number)

    assert (shown["sent"], shown["failed"]) == (3, 0)
    assert heard_by(receiver) == {"2": ["Offer 0"], "3": ["Offer 0", "Offer 1"]}
    records = ok_json("records", "--broadcast", str(number))
    told = {one["user"]: (one["status"], one["error"], one["responses"]) for one in records}
    assert told == {"1": ("completed", "", 0), "2": ("completed", "", 1), "3": ("completed", "", 2)}


def test_c1_it_leaves_a_minute_after_send_and_can_be_deleted_until_then(
    people: str, ok: Text, ok_json: Json
) -> None:
    before = clock.now()
    number = ok_json("send", "--channel", people, "--all", "--text", "Hello")["id"]
    scheduled = Broadcast.objects.get(pk=number).scheduled_at
    assert scheduled
    assert 60 <= (scheduled - before).total_seconds() < 3600
    assert ok_json("broadcasts", "show", str(number))["state"] == "scheduled"
    ok("broadcasts", "delete", str(number))
    assert not Broadcast.objects.filter(pk=number, deleted_at=None).exists()


@pytest.mark.parametrize(("again", "fired"), [((), 1), (("--again",), 2)])
def test_c4_once_per_person_and_only_when_its_conditions_hold(
    people: str, ok: Text, ok_json: Json, again: tuple[str, ...], fired: int
) -> None:
    number = ok_json(
        "send", "--channel", people, "--all", "--text", "Thanks for {{ data.item }}",
        "--on-event", "paid", "--delay", "1m", "--only-if", "city=Bonn", *again,
    )["id"]  # fmt: skip
    on = ("--channel", people, "--data", '{"item": "tea"}', "--user")
    assert ok_json("event", "paid", *on, "1")["fired"] == 1
    assert ok_json("event", "paid", *on, "1")["fired"] == fired - 1
    assert ok_json("event", "paid", *on, "2")["fired"] == 1
    assert fire.fire_due() == 0

    Firing.objects.update(due_at=clock.now())  # the minute has passed
    while fire.fire_due():
        pass

    (listed,) = ok_json("triggers", "list")
    assert (listed["waiting"], listed["sent"], listed["dropped"]) == (0, fired, 1)
    assert ok_json("broadcasts", "show", str(number))["queued"] == fired


def accepts(*users: str) -> Answer:
    """A receiver that takes messages to these people only."""
    return lambda heard: (200 if heard.body["to"] in users else 400, {})


def test_f3_a_restart_of_a_restart_reaches_nobody_twice(
    engine: None, reached: str, receiver: Listener, ok_json: Json, finished: Json
) -> None:
    receiver.answer = accepts("1")
    first = ok_json(*to_all(reached, "--text", "Hello"))["id"]
    assert finished(first)["failed"] == 2
    receiver.answer = accepts("2")
    second = ok_json("broadcasts", "restart", str(first), "--undo", "0")["id"]
    assert (finished(second)["sent"], finished(second)["failed"]) == (1, 1)
    receiver.answer = accepts("1", "2", "3")
    third = ok_json("broadcasts", "restart", str(second), "--undo", "0")["id"]
    assert (finished(third)["sent"], finished(third)["failed"]) == (1, 0)

    got = {user: len(texts) for user, texts in heard_by(receiver).items()}
    assert got == {"1": 1, "2": 2, "3": 3}  # the last of each is the one that was taken


def test_g1_end_open_chats_closes_them_says_so_and_everyone_gets_it(
    engine: None, reached: str, receiver: Listener, ok: Text, ok_json: Json, finished: Json
) -> None:
    ada: Agent = factory.agent()
    chat = str(Address.objects.get(value="1").pk)
    ok("chats", "take", chat, "--agent", ada.email)

    sent = ok_json(*to_all(reached, "--text", "Hello", "--end-open-chats"))["id"]

    assert finished(sent)["sent"] == 3
    assert heard_by(receiver).keys() == {"1", "2", "3"}
    shown = ok_json("chats", "show", chat)
    assert shown["state"] == "closed"
    assert f"Closed by broadcast {sent}." in [line["text"] for line in shown["messages"]]
