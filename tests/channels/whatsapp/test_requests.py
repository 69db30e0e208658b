"""Messages in the form that the Cloud API takes them."""

import json
from typing import Any

import pytest

from channels.whatsapp.fixtures import (
    PHONE_NUMBER_ID,
    TOKEN,
    make,
)
from clarion.channels.contract import (
    Outgoing,
    Template,
    Unsendable,
)
from clarion.channels.whatsapp.config import OFFICIAL
from clarion.kit.parts import Button, Media

ANNA = "16505551234"
PICTURE = Media("image", "https://clarion.example/media/t/spring.png", "spring.png", "image/png")
LINK = Button("link", "See it", "https://clarion.example/spring")
YES, NO = Button("reply", "Yes", "yes"), Button("reply", "No", "story:7")


def sent(to: str = ANNA, text: str = "", **more: Any) -> dict[str, Any]:
    """What stands in the request besides what stands in every one."""
    body = json.loads(make().request(Outgoing("abc-17", 3, to, text, **more)).body)
    assert body.pop("messaging_product") == "whatsapp"
    assert body.pop("recipient_type") == "individual"
    assert body.pop("biz_opaque_callback_data") == "abc-17"
    return dict(body)


def test_a_text() -> None:
    request = make().request(Outgoing("abc-17", 3, ANNA, "1 < 2 & *bold*\n“ü” 😀"))
    assert (request.method, request.url) == ("POST", f"{OFFICIAL}/{PHONE_NUMBER_ID}/messages")
    assert dict(request.headers)["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": ANNA,
        "type": "text",
        "text": {"body": "1 < 2 & *bold*\n“ü” 😀"},
        "biz_opaque_callback_data": "abc-17",
    }
    assert not request.allow_private
    assert (
        make(api_root="http://10.0.0.5/v26.0/", allow_private=True)
        .request(Outgoing("a", 3, ANNA, "x"))
        .url.startswith(f"http://10.0.0.5/v26.0/{PHONE_NUMBER_ID}/")
    )


def test_b4_a_template_with_its_variables_in_order() -> None:
    template = Template("spring_sale", "pt_BR", ("Anna", "20 %"))
    assert sent(text="what the record shows", template=template) == {
        "to": ANNA,
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "pt_BR"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Anna"},
                        {"type": "text", "text": "20 %"},
                    ],
                }
            ],
        },
    }


def test_b4_a_template_without_variables_has_no_components() -> None:
    assert sent(template=Template("hello", "en"))["template"] == {
        "name": "hello",
        "language": {"code": "en"},
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "Variable 2 of the template is empty"),
        (" ", "Variable 2 of the template is empty"),
        ("a\nb", "line break"),
        ("a\tb", "line break"),
        ("a     b", "line break"),
    ],
)
def test_b4_a_variable_that_whatsapp_takes_from_nobody(value: str, words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(template=Template("hello", "en", ("Anna", value)))


def test_pictures_and_files_go_by_their_address() -> None:
    assert sent(text="Spring!", media=PICTURE) == {
        "to": ANNA,
        "type": "image",
        "image": {"link": PICTURE.url, "caption": "Spring!"},
    }
    file = Media("file", "https://clarion.example/media/t/p.pdf", "prices.pdf", "application/pdf")
    assert sent(media=file)["document"] == {"link": file.url, "filename": "prices.pdf"}
    gif = Media("file", "https://clarion.example/x", "x.gif", "image/gif")
    assert sent(media=gif)["type"] == "document"


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (Media("image", "", "a.png", "image/png"), "CLARION_PUBLIC_URL"),
        (Media("image", "", "a.png", "image/png", bytes(5_242_881)), "up to 5 MB"),
        (Media("image", "https://x.example/a.gif", "a.gif", "image/gif"), "JPEG and PNG"),
        (Media("image", "https://x.example/a.webp", "", "image/webp"), "JPEG and PNG"),
    ],
)
def test_media_that_whatsapp_can_not_fetch(media: Media, words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(media=media)
    with pytest.raises(Unsendable, match=words):
        sent(text="Look", media=media, buttons=(YES,))


def test_reply_buttons() -> None:
    assert sent(text="Coming?", buttons=(YES, NO, Button("reply", "Later", ""))) == {
        "to": ANNA,
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "Coming?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                    {"type": "reply", "reply": {"id": "story:7", "title": "No"}},
                    {"type": "reply", "reply": {"id": "Later", "title": "Later"}},
                ]
            },
        },
    }


def test_a_link_button_below_a_picture() -> None:
    assert sent(text="Spring!", media=PICTURE, buttons=(LINK,))["interactive"] == {
        "type": "cta_url",
        "header": {"type": "image", "image": {"link": PICTURE.url}},
        "body": {"text": "Spring!"},
        "action": {
            "name": "cta_url",
            "parameters": {"display_text": "See it", "url": "https://clarion.example/spring"},
        },
    }


@pytest.mark.parametrize(
    ("text", "buttons", "words"),
    [
        ("", (YES,), "requires a text above"),
        ("x" * 1025, (YES,), "1,024"),
        ("x", (YES,) * 4, "at most 3"),
        ("x", (LINK, LINK), "either one link button"),
        ("x", (LINK, YES), "either one link button"),
        ("x", (Button("reply", "x" * 21, "v"),), "20 characters"),
        ("x", (Button("link", "x" * 21, "https://x.example"),), "20 characters"),
        ("x", (Button("reply", " ", "v"),), "no label"),
        ("x", (Button("reply", "ok", "v" * 257),), "256"),
    ],
)
def test_buttons_that_whatsapp_has_no_place_for(
    text: str, buttons: tuple[Button, ...], words: str
) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(text=text, buttons=buttons)


def test_texts_that_are_too_long_or_empty() -> None:
    assert sent(text="x" * 4096)["text"] == {"body": "x" * 4096}
    with pytest.raises(Unsendable, match="4,096"):
        sent(text="x" * 4097)
    with pytest.raises(Unsendable, match="1,024"):
        sent(text="x" * 1025, media=PICTURE)
    with pytest.raises(Unsendable, match="empty"):
        sent(text=" \n")


@pytest.mark.parametrize("user_id", ["US.13491208655302741918", "US.ENT.11815799212886844830"])
def test_who_keeps_the_number_to_themselves_is_reached_by_the_scoped_id(user_id: str) -> None:
    body = sent(to=user_id, text="x")
    assert body["recipient"] == user_id
    assert "to" not in body


def test_variables_of_a_template_go_where_its_list_says() -> None:
    places = ("header:image", "body", "body", "button:0:url", "button:1:copy_code")
    values = ("https://x.example/a.png", "Anna", "10 %", "spring", "SPRING10")
    template = Template("new", "en", values, places)
    components = sent(template=template)["template"]["components"]
    assert components == [
        {"type": "header", "parameters": [
            {"type": "image", "image": {"link": "https://x.example/a.png"}}
        ]},
        {"type": "body", "parameters": [
            {"type": "text", "text": "Anna"}, {"type": "text", "text": "10 %"}
        ]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [
            {"type": "text", "text": "spring"}
        ]},
        {"type": "button", "sub_type": "copy_code", "index": "1", "parameters": [
            {"type": "coupon_code", "coupon_code": "SPRING10"}
        ]},
    ]  # fmt: skip
    header = Template("new", "en", ("Spring",), ("header",))
    (component,) = sent(template=header)["template"]["components"]
    assert component == {"type": "header", "parameters": [{"type": "text", "text": "Spring"}]}


@pytest.mark.parametrize(
    ("values", "places", "words"),
    [
        (("picture.png",), ("header:image",), "needs the URL of a picture"),
        (("a",), ("body", "body"), "has 2 variables, and 1 are filled in"),
    ],
)
def test_a_template_with_wrong_values_is_refused(
    values: tuple[str, ...], places: tuple[str, ...], words: str
) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(template=Template("new", "en", values, places))


def test_named_variables_are_sent_with_their_names() -> None:
    template = Template(
        "spring", "en", ("Sale", "Anna", "7"), ("header=title", "body=first_name", "button:0:url")
    )
    components = sent(template=template)["template"]["components"]
    assert components == [
        {
            "type": "header",
            "parameters": [{"type": "text", "text": "Sale", "parameter_name": "title"}],
        },
        {
            "type": "body",
            "parameters": [{"type": "text", "text": "Anna", "parameter_name": "first_name"}],
        },
        {
            "type": "button", "sub_type": "url", "index": "0",
            "parameters": [{"type": "text", "text": "7"}],
        },
    ]  # fmt: skip


def test_a_file_without_a_url_is_sent_by_the_id_of_its_upload() -> None:
    file = Media("file", "", "a.pdf", "application/pdf", b"%PDF", kept_id="4490709327384033")
    assert sent(media=file)["document"] == {"id": "4490709327384033", "filename": "a.pdf"}
    request = make().upload(file)
    assert request is not None
    assert request.url.endswith(f"/{PHONE_NUMBER_ID}/media")
    assert b'name="messaging_product"\r\n\r\nwhatsapp' in request.body
    assert ("Authorization", f"Bearer {TOKEN}") in request.headers
    assert make().upload(PICTURE) is None  # which WhatsApp can fetch
