"""What a story's webhook may answer, and what is refused."""

import json

import pytest

from clarion.content.answers import parse_answer
from clarion.content.errors import ContentError
from clarion.content.messages import Message, message_from
from clarion.kit.parts import Button, Media


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b'{"responses": []}', b'{"memory": {}}'])
def test_a_webhook_may_answer_nothing(body: bytes) -> None:
    answer = parse_answer(body)
    assert (answer.responses, answer.memory, answer.attributes) == ([], {}, {})


def test_what_a_webhook_may_answer() -> None:
    answer = parse_answer(
        json.dumps(
            {
                "responses": [
                    "Hello {{ not a variable }}",
                    {"kind": "image", "url": "https://a.example/x.png", "caption": "c"},
                    {"kind": "file", "url": "https://a.example/x.pdf", "name": "Menu.pdf"},
                    {"kind": "buttons", "text": "t", "buttons": [
                        {"kind": "story", "label": "s", "value": 12},
                        {"kind": "reply", "label": "yes"}]},
                ],
                "memory": {"points": 7, "list": [1, {"a": None}]},
                "attributes": {"points": 7, "city": None},
            }
        ).encode()
    )  # fmt: skip
    first, image, file, buttons = map(message_from, answer.responses)
    assert first == Message("Hello {{ not a variable }}")
    assert image == Message("c", Media("image", "https://a.example/x.png", "", ""))
    assert file == Message("", Media("file", "https://a.example/x.pdf", "Menu.pdf", ""))
    assert buttons.buttons == (Button("reply", "s", "story:12"), Button("reply", "yes", "yes"))
    assert answer.memory == {"points": 7, "list": [1, {"a": None}]}
    assert answer.attributes == {"points": 7, "city": None}
    assert json.loads(json.dumps(answer.responses)) == answer.responses


def test_the_format_of_an_answer_is_kept_and_its_markup_checked() -> None:
    formatted = {"kind": "text", "text": "<b>Hi</b>", "format": "chat_html"}
    picture = {"kind": "image", "url": "https://a.example/x.png", "caption": "*c*",
               "format": "markdownv2"}  # fmt: skip
    text, image = map(message_from, parse_answer(said_by(formatted, picture)).responses)
    assert text == Message("<b>Hi</b>", format="chat_html")
    assert (image.text, image.format) == ("*c*", "markdownv2")
    with pytest.raises(ContentError, match=r"^Response 1 of the webhook: Line 1, character 1: <b>"):
        parse_answer(said_by({**formatted, "text": "<b>Hi"}))


def said_by(*responses: object) -> bytes:
    return json.dumps({"responses": list(responses)}).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>502", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"memory": {"a": NaN}}', "is no JSON"),
        (b"[]", "no JSON object"),
        (b'"hello"', "no JSON object"),
        (b'{"response": []}', "has a field “response”"),
        (b'{"responses": {}}', "no list"),
        (b'{"responses": null}', "no list"),
        (said_by(*["a"] * 21), "answered 21 messages: 20 are allowed"),
        (b'{"memory": []}', "“memory” that is no object"),
        (b'{"attributes": null}', "“attributes” that is no object"),
        (b'{"attributes": {"a": "\\u0000"}}', "webhook's attributes contains a NUL"),
        (b'{"memory": {"a": 1e999}}', "no database"),
        (b'{"memory": {"a": "\\ud800"}}', "no database"),
        (b'{"memory": {"a\\u0000": 1}}', "NUL"),
        (b'{"memory": {"a": [{"b": "\\u0000"}]}}', "NUL"),
        (json.dumps({"memory": {"a": "x" * 65_536}}).encode(), "larger than 64 KiB"),
        (b'{"responses": ["%s"]}' % (b"x" * 262_144), "larger than 256 KiB"),
        (said_by("x" * 65_537), "Response 1 of the webhook: The text is longer than 64 KiB"),
        (said_by("a", " "), "Response 2 of the webhook: The text is empty"),
        (said_by(7), "Response 1 of the webhook: A block must be an object"),
        (said_by({"text": "a"}), "Name one of them"),
        (said_by({"kind": "text", "text": "a", "x": 1}), "no field “x”"),
        (said_by({"kind": "webhook", "url": "https://a.example"}), "another webhook"),
        (said_by({"kind": "image", "media": "a" * 12}), "can't name an upload"),
        (said_by({"kind": "image", "url": "file:///etc/passwd"}), "must begin with https://"),
        (said_by({"kind": "buttons", "text": "a", "buttons": []}), "Add one"),
        (said_by({"kind": "buttons", "text": "a", "buttons": [
            {"kind": "link", "label": "a", "value": "javascript:x"}]}), "The address"),
        (said_by({"kind": "buttons", "text": "a", "buttons": [
            {"kind": "reply", "label": " "}]}), "no words"),
        (said_by({"kind": "buttons", "text": "a", "buttons": [
            {"kind": "story", "label": "a", "value": "x"}]}), "Choose the story"),
    ],
)  # fmt: skip
def test_an_answer_that_is_refused_is_refused_in_one_sentence(body: bytes, said: str) -> None:
    with pytest.raises(ContentError) as raised:
        parse_answer(body)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200
