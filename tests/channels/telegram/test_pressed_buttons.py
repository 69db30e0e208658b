"""What updates report of pressed buttons."""

from typing import Any

import pytest

from channels.fixtures import NOW
from channels.telegram.fixtures import PRESSED, make, update
from clarion.channels.contract import Event, Ignored, Inbound, OptOut


def pressed(**changes: Any) -> list[Event]:
    query = {**PRESSED["callback_query"], **changes}  # type: ignore[dict-item]
    return list(make().events(update({"update_id": 2, "callback_query": query})))


def test_g4_a_pressed_button_is_a_message_with_the_buttons_label() -> None:
    assert pressed() == [
        Inbound("42", "button 180388626433452", "Yes, please", NOW, "Anna", "de", "yes-7")
    ]


def test_two_presses_of_one_button_are_two_messages() -> None:
    first, second = pressed() + pressed(id="180388626433453")
    assert isinstance(first, Inbound)
    assert isinstance(second, Inbound)
    assert first.external_id != second.external_id


@pytest.mark.parametrize(
    "markup",
    [
        None,
        [],
        {"inline_keyboard": None},
        {"inline_keyboard": [None, [None, {"callback_data": "yes-7"}]]},
        {"inline_keyboard": [[{"text": 3, "callback_data": "yes-7"}]]},
        {"inline_keyboard": [[{"text": "Other", "callback_data": "other"}]]},
    ],
)
def test_under_an_old_message_the_label_is_unknown_but_the_value_is_not(markup: object) -> None:
    message = {"message_id": 78, "chat": {"id": 42, "type": "private"}, "reply_markup": markup}
    (event,) = pressed(message=message)
    assert isinstance(event, Inbound)
    assert (event.text, event.button) == ("", "yes-7")


@pytest.mark.parametrize(
    ("value", "state"), [("STOP", "opted_out"), ("start", "active"), ("story:7", None)]
)
def test_the_value_of_a_button_can_be_a_word_that_opts_out(value: str, state: str | None) -> None:
    wishes = pressed(data=value)[1:]
    assert wishes == ([OptOut("42", state, NOW)] if state else [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"data": None},
        {"data": ""},
        {"data": 7},
        {"id": None},
        {"id": "x" * 101},
        {"message": None},
        {"message": {"chat": {"id": -5, "type": "supergroup"}}},
        {"message": {"chat": {"type": "private"}}},
    ],
)
def test_presses_that_are_nobodys_tell_nothing(changes: dict[str, Any]) -> None:
    assert [event for event in pressed(**changes) if not isinstance(event, Ignored)] == []
