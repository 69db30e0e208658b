"""Telegram: pictures, files and buttons out, pressed buttons in."""

import json
from typing import Any

import pytest

from channels.fixtures import NOW
from channels.telegram.fixtures import CASE, PRESSED, TOKEN, update
from clarion.channels.contract import Event, Inbound, OptOut, Outgoing, Unsendable
from clarion.channels.telegram.config import TelegramConfig
from clarion.channels.telegram.kind import TelegramKind
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest
from clarion_simulator import multipart

PNG = b"\x89PNG\r\n\x1a\n-picture-"
URL = "https://pictures.example/anna.png"


def make() -> TelegramKind:
    return TelegramKind(TelegramConfig.model_validate(CASE.settings))


def request(text: str = "Hello", **parts: Any) -> HttpRequest:
    return make().request(Outgoing("abc-17", 3, "42", text, "Spring", **parts))


def called(text: str = "Hello", **parts: Any) -> tuple[str, dict[str, Any]]:
    """The method and the parameters of a call in JSON."""
    found = request(text, **parts)
    assert dict(found.headers) == {"Content-Type": "application/json"}
    prefix = f"https://api.telegram.org/bot{TOKEN}/"
    assert found.url.startswith(prefix)
    return found.url.removeprefix(prefix), json.loads(found.body)


def uploaded(found: HttpRequest) -> tuple[dict[str, str], dict[str, multipart.File]]:
    kind = dict(found.headers)["Content-Type"]
    assert kind.startswith("multipart/form-data; boundary=")
    return multipart.read(kind.encode(), found.body)


def pressed(**changes: Any) -> list[Event]:
    query = {**PRESSED["callback_query"], **changes}  # type: ignore[dict-item]
    return list(make().events(update({"update_id": 2, "callback_query": query})))


def test_b2_a_picture_with_an_address_is_fetched_by_telegram() -> None:
    method, fields = called("1 < 2 & ü", media=Media("image", URL))
    assert method == "sendPhoto"
    assert fields == {"chat_id": "42", "photo": URL, "caption": "1 < 2 & ü"}


def test_a_picture_without_a_text_has_no_caption() -> None:
    assert called("", media=Media("image", URL)) == ("sendPhoto", {"chat_id": "42", "photo": URL})


def test_b2_an_upload_goes_along_as_a_form() -> None:
    name, data = "Preisliste für Anna.ods", b"\x00\r\n--\xff"
    media = Media("file", "", name, "application/x-ods", data)
    found = request("Hello", media=media, buttons=(Button("reply", "Yes", "y"),))
    assert found.url.endswith("/sendDocument")
    assert found.timeout > 15
    texts, files = uploaded(found)
    assert texts["chat_id"] == "42"
    assert texts["caption"] == "Hello"
    assert json.loads(texts["reply_markup"]) == {
        "inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]
    }
    assert files == {"document": multipart.File(name, "application/x-ods", data)}


@pytest.mark.parametrize(
    ("media", "fetched"),
    [
        (Media("image", URL, data=PNG), True),
        (Media("image", URL, data=PNG + bytes(5_000_000)), False),
        (Media("image", "", data=PNG), False),
        (Media("file", URL, content_type="application/pdf", data=b"%PDF"), True),
        (Media("file", URL, content_type="application/x-ods", data=b"ods"), False),
        (Media("file", URL, content_type="application/x-ods"), True),
        (Media("file", URL, content_type="application/x-ods", data=b""), True),
    ],
)
def test_what_telegram_can_fetch_is_not_uploaded(media: Media, fetched: bool) -> None:
    found = request(media=media)
    assert (dict(found.headers)["Content-Type"] == "application/json") is fetched
    if not fetched:
        assert [file.data for file in uploaded(found)[1].values()] == [media.data]


@pytest.mark.parametrize(("kind", "most"), [("image", 10_000_000), ("file", 50_000_000)])
def test_what_is_too_large_to_upload_is_refused_before_it_leaves(kind: Any, most: int) -> None:
    request(media=Media(kind, data=bytes(most)))
    with pytest.raises(Unsendable, match=f"at most {most // 1_000_000} MB"):
        request(media=Media(kind, data=bytes(most + 1)))


@pytest.mark.parametrize("text", ["x" * 1024, "😀" * 512])
def test_a_caption_may_have_1024_characters_counted_as_telegram_does(text: str) -> None:
    assert called(text, media=Media("image", URL))[1]["caption"] == text
    with pytest.raises(Unsendable, match=r"longer than the 1,024 characters that Telegram accepts"):
        request(text + "x", media=Media("image", URL))


def test_b2_buttons_stand_one_below_the_other() -> None:
    buttons = (
        Button("link", "Look", "https://shop.example/?a=1&b=ü"),
        Button("reply", "Yes", "yes-7"),
        Button("reply", "No", ""),
    )
    method, fields = called(buttons=buttons)
    assert method == "sendMessage"
    assert fields == {
        "chat_id": "42",
        "text": "Hello",
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "Look", "url": "https://shop.example/?a=1&b=ü"}],
                [{"text": "Yes", "callback_data": "yes-7"}],
                [{"text": "No", "callback_data": "No"}],
            ]
        },
    }


def test_a_button_sends_back_64_bytes_at_most() -> None:
    called(buttons=(Button("reply", "Yes", "ü" * 32),))
    with pytest.raises(Unsendable, match="64 bytes"):
        request(buttons=(Button("reply", "Yes", "ü" * 32 + "x"),))
    with pytest.raises(Unsendable, match="64 bytes"):
        request(buttons=(Button("reply", "x" * 65, ""),))


def test_half_a_character_does_not_stop_a_message() -> None:
    assert called("x\ud800y", buttons=(Button("reply", "\ud800!", "y"),))[1]["text"] == "x?y"
    texts, _ = uploaded(request("x\ud800y", media=Media("image", data=PNG)))
    assert texts["caption"] == "x?y"


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
    assert pressed(**changes) == []
