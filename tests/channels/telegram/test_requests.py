"""Pictures, files and buttons as the Bot API takes them."""

import json
from typing import Any

import pytest

from channels.telegram.fixtures import TOKEN, make
from clarion.channels.contract import Outgoing, Unsendable
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest
from clarion_simulator import multipart

PNG = b"\x89PNG\r\n\x1a\n-picture-"
URL = "https://pictures.example/anna.png"


def request(text: str = "Hello", **parts: Any) -> HttpRequest:
    return make().request(Outgoing("abc-17", 3, "42", text, "Spring", **parts))


def called(text: str = "Hello", **parts: Any) -> tuple[str, dict[str, Any]]:
    """The method and the parameters of a call in JSON."""
    http_request = request(text, **parts)
    assert dict(http_request.headers) == {"Content-Type": "application/json"}
    prefix = f"https://api.telegram.org/bot{TOKEN}/"
    assert http_request.url.startswith(prefix)
    return http_request.url.removeprefix(prefix), json.loads(http_request.body)


def uploaded(http_request: HttpRequest) -> tuple[dict[str, str], dict[str, multipart.File]]:
    kind = dict(http_request.headers)["Content-Type"]
    assert kind.startswith("multipart/form-data; boundary=")
    return multipart.read(kind.encode(), http_request.body)


def test_b2_a_picture_with_an_address_is_fetched_by_telegram() -> None:
    method, fields = called("1 < 2 & ü", media=Media("image", URL))
    assert method == "sendPhoto"
    assert fields == {"chat_id": "42", "photo": URL, "caption": "1 < 2 & ü"}


def test_a_picture_without_a_text_has_no_caption() -> None:
    assert called("", media=Media("image", URL)) == ("sendPhoto", {"chat_id": "42", "photo": URL})


def test_b2_an_upload_goes_along_as_a_form() -> None:
    name, data = "Preisliste für Anna.ods", b"\x00\r\n--\xff"
    media = Media("file", "", name, "application/x-ods", data)
    http_request = request("Hello", media=media, buttons=(Button("reply", "Yes", "y"),))
    assert http_request.url.endswith("/sendDocument")
    assert http_request.timeout > 15
    texts, files = uploaded(http_request)
    assert texts["chat_id"] == "42"
    assert texts["caption"] == "Hello"
    assert json.loads(texts["reply_markup"]) == {
        "inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]
    }
    assert files == {"document": multipart.File(name, "application/x-ods", data)}


@pytest.mark.parametrize(("format_", "mode"), [("chat_html", "HTML"), ("markdownv2", "MarkdownV2")])
def test_formatted_texts_name_their_markup(format_: str, mode: str) -> None:
    assert called("x", format=format_)[1] == {"chat_id": "42", "parse_mode": mode, "text": "x"}
    caption = called("x", format=format_, media=Media("image", URL))[1]
    assert caption == {"chat_id": "42", "parse_mode": mode, "photo": URL, "caption": "x"}


def test_markup_does_not_count_in_a_caption() -> None:
    text = f"<b>{'x' * 1_022}😀</b>"
    media = Media("image", URL)
    assert called(text, format="chat_html", media=media)[1]["caption"] == text
    with pytest.raises(Unsendable, match=r"longer than the 1,024 characters"):
        request(f"{text}x", format="chat_html", media=media)


@pytest.mark.parametrize(
    ("kind", "method", "field"),
    [("image", "sendPhoto", "photo"), ("file", "sendDocument", "document")],
)
def test_a_file_that_telegram_keeps_is_sent_by_its_id(kind: Any, method: str, field: str) -> None:
    media = Media(kind, URL, "a.png", data=bytes(60_000_000), kept_id="AgACAgIAAxk")
    assert called("Hi", media=media) == (
        method, {"chat_id": "42", field: "AgACAgIAAxk", "caption": "Hi"}
    )  # fmt: skip


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
    http_request = request(media=media)
    assert (dict(http_request.headers)["Content-Type"] == "application/json") is fetched
    if not fetched:
        assert [file.data for file in uploaded(http_request)[1].values()] == [media.data]


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
