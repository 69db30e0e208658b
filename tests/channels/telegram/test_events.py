"""What updates report: messages, people who block the bot or come back."""

import json
from typing import Any

import pytest

from channels.fixtures import NOW
from channels.telegram.fixtures import make, update
from clarion.channels.contract import (
    Event,
    HookRequest,
    Ignored,
    Inbound,
    OptOut,
)
from clarion.channels.telegram.events import events_of


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
        {"edited_message": {"message_id": 3}},
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
def test_everything_else_is_ignored_and_says_so(fields: dict[str, Any]) -> None:
    assert [type(event) for event in events(fields)] == [Ignored]


def test_an_unknown_kind_of_update_is_named() -> None:
    (event,) = events({"channel_post": written(text="x")["message"]})
    assert event == Ignored("An update of the kind “channel_post” is not used.")


def test_an_edited_message_is_a_line_of_its_own_and_may_opt_out() -> None:
    edited = written(text="STOP")["message"] | {"edit_date": int(NOW.timestamp()) - 1}
    inbound, wish = events({"edited_message": edited})
    assert isinstance(inbound, Inbound)
    assert (inbound.text, inbound.payload) == ("STOP", {"media": "edited message"})
    assert inbound.external_id != events({"message": edited})[0].external_id  # type: ignore[union-attr]
    assert isinstance(wish, OptOut)


PLACE = {"latitude": 40.07, "longitude": -2.13}


@pytest.mark.parametrize(
    ("fields", "text", "media"),
    [
        (
            {"contact": {"phone_number": "0788531373", "first_name": "Adolf", "last_name": "Taxi"}},
            "Contact: Adolf Taxi, 0788531373",
            "contact",
        ),
        ({"contact": {"phone_number": "", "first_name": "Stop"}}, "Contact: Stop", "contact"),
        ({"location": PLACE}, "Location: 40.07, -2.13", "location"),
        (
            {
                "location": PLACE,
                "venue": {"location": PLACE, "title": "Cuenca", "address": "Rua 1"},
            },
            "Place: Cuenca, Rua 1, 40.07, -2.13",
            "venue",
        ),
        ({"document": {"file_id": "d"}, "animation": {"file_id": "a"}}, "", "animation"),
        ({"document": {"file_id": "d"}, "caption": "look"}, "look", "document"),
        (
            {"web_app_data": {"button_text": "Register", "data": '{"a":1}'}},
            'Mini app: Register, {"a":1}',
            "web app data",
        ),
        (
            {"users_shared": {"request_id": 1, "users": [{"user_id": 7}, {"user_id": 8}]}},
            "Shared users: 7, 8",
            "users shared",
        ),
        ({"chat_shared": {"request_id": 1, "chat_id": -5}}, "Shared chat: -5", "chat shared"),
        (
            {
                "successful_payment": {
                    "currency": "EUR",
                    "total_amount": 1450,
                    "invoice_payload": "o",
                }
            },
            "Payment: 1450 EUR (smallest unit), o",
            "successful payment",
        ),
        ({"poll": {"question": "Tea?"}}, "Poll: Tea?", "poll"),
        ({"story": {"id": 1}}, "", "story"),
        ({"something_new": {}}, "", "another kind of message"),
        ({"contact": "nonsense"}, "Contact", "contact"),
    ],
)
def test_every_message_says_what_came(fields: dict[str, Any], text: str, media: str) -> None:
    (event,) = events(written(**fields))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == (text, {"media": media})


def test_a_lone_surrogate_costs_nothing_but_itself() -> None:
    body = json.dumps({"update_id": 7, **written(text="Hi \ud83d there")}).encode()
    hook = HookRequest({}, "", body, NOW)
    (event,) = events_of(hook)
    assert isinstance(event, Inbound)
    assert event.text == "Hi ? there"


@pytest.mark.parametrize("chat", ["bla", "", 0, 2**70])
def test_what_is_no_chat_makes_no_contact(chat: object) -> None:
    (event,) = events(written(text="x", chat={"id": chat, "type": "private"}))
    assert isinstance(event, Ignored)


@pytest.mark.parametrize("date", [None, "x", 10**30, -(10**30), True, 1.5])
def test_a_strange_date_is_the_moment_it_came(date: object) -> None:
    (event,) = events(written(text="Hi", date=date))
    assert event.at == NOW
