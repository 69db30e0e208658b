"""What updates report: messages, people who block the bot or come back."""

from typing import Any

import pytest

from channels.fixtures import NOW
from channels.telegram.fixtures import make, update
from clarion.channels.contract import (
    Event,
    Inbound,
    OptOut,
)


def events(update_fields: dict[str, Any]) -> list[Event]:
    return list(make().events(update({"update_id": 9, **update_fields})))


def written(**fields: Any) -> dict[str, Any]:
    person = {"id": 42, "is_bot": False, "first_name": "Anna"}
    message = {"message_id": 7, "from": person, "chat": {"id": 42, "type": "private"}}
    return {"message": {**message, "date": int(NOW.timestamp()), **fields}}


def test_a_message_of_a_person() -> None:
    person = {"id": 42, "first_name": "Anna", "last_name": "Berg", "language_code": "pt-br"}
    assert events(written(text="Hi", **{"from": person})) == [
        Inbound("42", "7", "Hi", NOW, "Anna Berg", "pt-br")
    ]


def test_a_photo_counts_with_its_caption() -> None:
    (event,) = events(written(photo=[{"file_id": "x"}], caption="look"))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == ("look", {"media": "photo"})


def test_a_sticker_has_no_text_but_is_not_lost() -> None:
    (event,) = events(written(sticker={}))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == ("", {"media": "sticker"})


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("/start", "active"),
        ("/start spring", "active"),
        ("START", "active"),
        ("/stop", "opted_out"),
        ("Stop", "opted_out"),
        ("unsubscribe", "opted_out"),
    ],
)
def test_keywords(text: str, state: str) -> None:
    message, wish = events(written(text=text))
    assert isinstance(message, Inbound)
    assert wish == OptOut("42", state, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("kicked", "blocked"),
        ("left", "blocked"),
        ("member", "reachable"),
        ("administrator", "reachable"),
    ],
)
def test_a_person_blocks_the_bot_and_comes_back(status: str, state: str) -> None:
    change = {
        "chat": {"id": 42, "type": "private"},
        "date": int(NOW.timestamp()) - 1,
        "new_chat_member": {"status": status},
    }
    (event,) = events({"my_chat_member": change})
    assert isinstance(event, OptOut)
    assert (event.sender, event.state) == ("42", state)


@pytest.mark.parametrize(
    "fields",
    [
        {"edited_message": written(text="x")["message"]},
        {"channel_post": written(text="x")["message"]},
        {"callback_query": {"id": "1"}},
        written(text="x", chat={"id": -5, "type": "supergroup"}),
        written(text="x", chat={"id": True, "type": "private"}),
        written(text="x", message_id=None),
        {"my_chat_member": {"chat": {"id": 42}, "new_chat_member": {"status": "restricted"}}},
        {"my_chat_member": {"chat": {}, "new_chat_member": {"status": "kicked"}}},
        {},
    ],
)
def test_everything_else_tells_nothing(fields: dict[str, Any]) -> None:
    assert events(fields) == []


@pytest.mark.parametrize("date", [None, "x", 10**30, -(10**30), True, 1.5])
def test_a_strange_date_is_the_moment_it_came(date: object) -> None:
    (event,) = events(written(text="Hi", date=date))
    assert event.at == NOW
