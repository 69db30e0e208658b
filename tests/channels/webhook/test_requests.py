"""What a webhook message carries beside its text."""

import base64
import json
from typing import Any

import pytest

from clarion.channels.contract import Outgoing, Template, Unsendable
from clarion.channels.webhook.config import WebhookConfig
from clarion.channels.webhook.kind import WebhookKind
from clarion.kit.parts import Button, Media

URL = "https://pictures.example/anna.png"


def raw(text: str = "Hello", **parts: Any) -> bytes:
    kind = WebhookKind(WebhookConfig(url="https://receiver.example/messages"))
    return kind.request(Outgoing("abc-17", 3, "anna", text, **parts)).body


def body(text: str = "Hello", **parts: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(raw(text, **parts))
    return document


def test_a_text_alone_is_byte_for_byte_what_it_was() -> None:
    assert raw("Hello ü") == '{"id":"abc-17","broadcast":3,"to":"anna","text":"Hello ü"}'.encode()
    assert raw(title="Spring", name="Anna") == (
        b'{"id":"abc-17","broadcast":3,"to":"anna","text":"Hello","title":"Spring","name":"Anna"}'
    )


def test_b2_a_picture_goes_by_its_address() -> None:
    media = Media("image", URL, "anna.png", "image/png", b"bytes that can be fetched")
    assert body(media=media)["media"] == {
        "kind": "image",
        "url": URL,
        "name": "anna.png",
        "content_type": "image/png",
    }


def test_b2_the_bytes_of_an_upload_go_along_where_there_is_no_address() -> None:
    data = bytes(range(256))
    media = body(media=Media("file", "", "p.pdf", "application/pdf", data))["media"]
    assert base64.b64decode(media.pop("data"), validate=True) == data
    assert media == {"kind": "file", "name": "p.pdf", "content_type": "application/pdf"}


def test_b2_buttons() -> None:
    buttons = (
        Button("link", "Look", "https://shop.example/"),
        Button("reply", "Yes “ü”", "yes-7"),
        Button("reply", "No", ""),
    )
    assert body(buttons=buttons)["buttons"] == [
        {"kind": "link", "label": "Look", "value": "https://shop.example/"},
        {"kind": "reply", "label": "Yes “ü”", "value": "yes-7"},
        {"kind": "reply", "label": "No", "value": "No"},
    ]


def test_b4_a_template() -> None:
    document = body("", template=Template("spring", "de_AT", ("Anna", '"10" %')), title="Spring")
    assert document == {
        "id": "abc-17",
        "broadcast": 3,
        "to": "anna",
        "text": "",
        "title": "Spring",
        "template": {"name": "spring", "language": "de_AT", "variables": ["Anna", '"10" %']},
    }


def test_more_than_a_text_may_take_longer() -> None:
    kind = WebhookKind(WebhookConfig(url="https://receiver.example/messages"))
    alone = kind.request(Outgoing("abc-17", 3, "anna", "Hello"))
    large = kind.request(Outgoing("abc-17", 3, "anna", "Hello", media=Media("file", data=b"x")))
    assert alone.timeout < large.timeout


def test_half_a_character_does_not_stop_a_message() -> None:
    document = body("x\ud800", buttons=(Button("reply", "y\ud800", "z"),))
    assert (document["text"], document["buttons"][0]["label"]) == ("x?", "y?")


def test_a_hundred_buttons_are_enough() -> None:
    button = Button("reply", "Yes", "y")
    assert len(body(buttons=(button,) * 100)["buttons"]) == 100
    with pytest.raises(Unsendable, match="at most 100 buttons"):
        raw(buttons=(button,) * 101)
