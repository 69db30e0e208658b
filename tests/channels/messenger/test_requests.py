"""Messages of both kinds with direct messages, in the form of the Send API.

The fields are those of the request reference of Meta (…/messenger-platform/reference/send-api,
…/send-messages/template/{button,generic}, …/quick-replies); the types that nyaruka/courier
(handlers/meta/messenger/api.go) sends have the same names.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from channels.direct import PERSON
from channels.instagram.fixtures import make as make_instagram
from channels.messenger.fixtures import make as make_messenger
from clarion.channels.contract import Outgoing, Template, Unsendable
from clarion.kit.parts import Button, Media

TEXT = Outgoing("abc-17", 3, PERSON, "Hello Anna")
PICTURE = Media("image", "https://shop.example/a.png", "a.png", "image/png")
FILE = Media("file", "https://shop.example/a.pdf", "a.pdf", "application/pdf")
LINK = Button("link", "Look", "https://shop.example/")
YES = Button("reply", "Yes", "yes-7")
EACH = pytest.mark.parametrize("make", [make_messenger, make_instagram])


def body(make: Any = make_messenger, **parts: Any) -> dict[str, Any]:
    request = make().request(replace(TEXT, **parts))
    assert (request.method, request.url.rpartition("/v")[2]) == ("POST", "26.0/me/messages")
    assert dict(request.headers)["Authorization"].startswith("Bearer EAA")
    whole: dict[str, Any] = json.loads(request.body)
    # A message with a tag is for replies of people: a broadcast must never be one.
    assert set(whole) == {"recipient", "messaging_type", "message"}
    assert (whole["recipient"], whole["messaging_type"]) == ({"id": PERSON}, "UPDATE")
    return dict(whole["message"])


def refusal(make: Any = make_messenger, **parts: Any) -> str:
    with pytest.raises(Unsendable) as error:
        make().request(replace(TEXT, **parts))
    return str(error.value)


@EACH
def test_a_text(make: Any) -> None:
    assert body(make) == {"text": "Hello Anna"}


@EACH
def test_a_picture_alone_is_an_attachment_and_one_with_a_text_is_a_card(make: Any) -> None:
    alone = {"attachment": {"type": "image", "payload": {"url": PICTURE.url}}}
    assert body(make, media=PICTURE, text="") == alone
    card = {"title": "Hello Anna", "image_url": PICTURE.url}
    payload = {"template_type": "generic", "elements": [card]}
    assert body(make, media=PICTURE)["attachment"] == {"type": "template", "payload": payload}
    assert "80 characters" in refusal(make, media=PICTURE, text="x" * 81)
    assert "Send this one as a file" in refusal(
        make, media=replace(PICTURE, content_type="image/webp")
    )


@EACH
def test_a_file_has_no_text_and_no_buttons(make: Any) -> None:
    alone = {"attachment": {"type": "file", "payload": {"url": FILE.url}}}
    assert body(make, media=FILE, text="") == alone
    assert "without text" in refusal(make, media=FILE)
    assert "below a file" in refusal(make, media=FILE, text="", buttons=(YES,))


@EACH
def test_buttons_below_a_text_stay(make: Any) -> None:
    buttons = [
        {"type": "web_url", "title": "Look", "url": "https://shop.example/"},
        {"type": "postback", "title": "Yes", "payload": "yes-7"},
    ]
    payload = {"template_type": "button", "text": "Hello Anna", "buttons": buttons}
    attachment = {"type": "template", "payload": payload}
    assert body(make, buttons=(LINK, YES)) == {"attachment": attachment}
    card = body(make, media=PICTURE, buttons=(LINK,))["attachment"]["payload"]["elements"][0]
    assert card["buttons"] == buttons[:1]


@EACH
def test_many_replies_or_replies_below_a_long_text_are_quick_replies(make: Any) -> None:
    replies = [{"content_type": "text", "title": "Yes", "payload": "yes-7"}]
    assert body(make, buttons=(YES,) * 13) == {"text": "Hello Anna", "quick_replies": replies * 13}
    assert body(make, buttons=(YES,), text="x" * 641)["quick_replies"] == replies
    assert "at most 13" in refusal(make, buttons=(YES,) * 14)


@EACH
def test_what_buttons_cannot_be(make: Any) -> None:
    assert "at most 3 buttons" in refusal(make, buttons=(LINK, YES, YES, YES))
    assert "at most 3 buttons" in refusal(make, media=PICTURE, buttons=(YES,) * 4)
    assert "640 characters" in refusal(make, buttons=(LINK,), text="x" * 641)
    assert "20 characters" in refusal(make, buttons=(replace(YES, label="x" * 21),))
    assert "1,000 characters" in refusal(make, buttons=(replace(YES, value="x" * 1001),))
    assert "requires a text" in refusal(make, media=PICTURE, text="", buttons=(YES,))


def test_a_text_of_2_000_characters_or_1_000_bytes() -> None:
    assert body(make_messenger, text="ü" * 2_000)
    assert "2,000 characters that Messenger" in refusal(make_messenger, text="ü" * 2_001)
    assert body(make_instagram, text="ü" * 500)
    assert "1,000 bytes that Instagram" in refusal(make_instagram, text="ü" * 501)


@EACH
def test_an_empty_text_and_a_template_are_refused(make: Any) -> None:
    assert refusal(make, text=" \n") == "The text is empty."
    assert "has no templates" in refusal(make, template=Template("spring", "en"))
    assert "CLARION_PUBLIC_URL" in refusal(make, media=replace(PICTURE, url="", data=b"x"), text="")
