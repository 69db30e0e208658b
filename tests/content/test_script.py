"""Stories made ready: rendering, webhooks and their answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from clarion.content.answers import parse_answer
from clarion.content.errors import ContentError
from clarion.content.messages import Message, message_from, shown_all
from clarion.content.script import MessageStep, Script, WebhookStep, compile_script
from clarion.kit import standard_webhooks
from clarion.kit.parts import Button, Media

ANN = {"id": "1", "name": "Ann", "city": "Bonn"}
CAT = Media("image", "https://clarion.example/media/t/cat.png", "cat.png", "image/png", b"png")


def load(token: str) -> Media:
    if token != "a" * 12:
        raise ContentError("There is no such upload. Upload it again.")
    return CAT


def compiled(*blocks: dict[str, Any]) -> Script:
    return compile_script(blocks, load=load)


def only(*blocks: dict[str, Any]) -> MessageStep:
    (step,) = compiled(*blocks).steps
    assert isinstance(step, MessageStep)
    return step


def webhook(**fields: Any) -> WebhookStep:
    (step,) = compiled({"kind": "webhook", "url": "https://example.org/in", **fields}).steps
    assert isinstance(step, WebhookStep)
    return step


def test_a_text_is_one_message() -> None:
    script = compiled({"kind": "text", "text": "Hello {{ contact.name }}"})
    (step,) = script.steps
    assert isinstance(step, MessageStep)
    assert step.render(ANN) == Message("Hello Ann")
    assert step.render(ANN).shown() == "Hello Ann"
    assert script.variables() == {"contact.name"}


def test_what_is_wrong_with_a_text_names_its_line() -> None:
    with pytest.raises(ContentError, match=r"^Block 1: Line 1: \{\{ is not closed"):
        compiled({"kind": "text", "text": "{{ contact.name"})
    step = only({"kind": "text", "text": "{{ contact.town }}"})
    with pytest.raises(ContentError, match=r"^Block 1: Line 1: there is no variable contact.town"):
        step.render(ANN)


def test_data_and_memory_are_variables() -> None:
    step = only({"kind": "text", "text": "{{ data.code }} {{ memory.points }} {{ data.items }}"})
    rendered = step.render(ANN, data={"code": "X1", "items": "three"}, memory={"points": 7})
    assert rendered.text == "X1 7 three"
    with pytest.raises(ContentError, match=r"Block 1: Line 1: there is no variable memory\.points"):
        step.render(ANN, data={"code": "X1", "items": "three"}, memory={})
    with pytest.raises(ContentError, match=r"Did you mean data\.code\?"):
        only({"kind": "text", "text": "{{ data.cod }}"}).render(ANN, data={"code": 1}, memory={})


def test_an_image_at_an_address_that_differs() -> None:
    step = only({"kind": "image", "url": "https://img.example/{{ contact.city }}/a%20b.jpg?x=1",
                 "caption": "For {{ contact.name }}"})  # fmt: skip
    url = "https://img.example/Bonn/a%20b.jpg?x=1"
    assert step.render(ANN) == Message("For Ann", Media("image", url, "a b.jpg", "image/jpeg"))
    assert step.render(ANN).shown() == f"[image: {url}]\nFor Ann"


@pytest.mark.parametrize("city", ["javascript:alert(1)", "x y", "", "//evil.example"])
def test_an_address_that_is_none_for_this_person(city: str) -> None:
    step = only({"kind": "image", "url": "{{ contact.city }}"})
    with pytest.raises(ContentError, match=r"^Block 1: The address "):
        step.render({"city": city})


def test_an_upload_brings_its_bytes() -> None:
    step = only({"kind": "image", "media": "a" * 12, "caption": "Miau"})
    assert step.render(ANN) == Message("Miau", CAT)
    file = only({"kind": "file", "media": "a" * 12, "name": "Cat of the day.png"}).render(ANN)
    assert file.media == Media("file", CAT.url, "Cat of the day.png", "image/png", b"png")
    assert "b'png'" not in file.shown()


def test_an_upload_that_is_gone() -> None:
    with pytest.raises(ContentError, match="Block 2: There is no such upload"):
        compiled({"kind": "text", "text": "a"}, {"kind": "image", "media": "b" * 12})


def test_buttons() -> None:
    step = only(
        {
            "kind": "buttons",
            "text": "Dear {{ contact.name }}",
            "buttons": [
                {"kind": "link", "label": "Shop", "value": "https://s.example/?u={{ contact.id }}"},
                {"kind": "reply", "label": "Yes, {{ contact.name }}"},
                {"kind": "reply", "label": "No", "value": "no"},
                {"kind": "story", "label": "More", "value": "7"},
            ],
        }
    )
    message = step.render(ANN)
    assert message.buttons == (
        Button("link", "Shop", "https://s.example/?u=1"),
        Button("reply", "Yes, Ann", "Yes, Ann"),
        Button("reply", "No", "no"),
        Button("reply", "More", "story:7"),
    )
    assert message.shown() == (
        "Dear Ann\n[Shop → https://s.example/?u=1]\n[Yes, Ann]\n[No]\n[More]"
    )
    assert message_from(json.loads(json.dumps(_written(message)))) == message


def _written(message: Message) -> dict[str, Any]:
    (written,) = parse_answer(
        json.dumps(
            {
                "responses": [
                    {
                        "kind": "buttons",
                        "text": message.text,
                        "buttons": [
                            {"kind": b.kind, "label": b.label, "value": b.value}
                            for b in message.buttons
                        ],
                    }
                ]
            }
        ).encode()
    ).responses
    return written


@pytest.mark.parametrize(
    ("button", "said"),
    [
        ({"kind": "reply", "label": "{{ contact.name }}", "value": "x"}, "has no words"),
        ({"kind": "link", "label": "a", "value": "{{ contact.name }}"}, "The address"),
    ],
)
def test_a_button_that_is_none_for_this_person(button: dict[str, str], said: str) -> None:
    step = only({"kind": "buttons", "text": "a", "buttons": [button]})
    with pytest.raises(ContentError, match=f"^Block 1: .*{said}"):
        step.render({"name": " "})


def test_unknown_variables_are_found_everywhere() -> None:
    script = compiled(
        {"kind": "text", "text": "{{ contact.name }} {{ data.x }} {{ memory.early }}"},
        {"kind": "image", "url": "https://a.example/{{ contact.face }}", "caption": "{{ data }}"},
        {"kind": "webhook", "url": "https://example.org/in"},
        {"kind": "buttons", "text": "{{ memory.late }}", "buttons": [
            {"kind": "link", "label": "{{ contact.word }}", "value": "https://{{ contact.host }}"},
            {"kind": "reply", "label": "{{ d.x }}", "value": '{{ contact.v | default("v") }}'}]},
    )  # fmt: skip
    assert script.unknown({"contact.name"}) == [
        "data.x", "memory.early", "contact.face", "data", "contact.word", "contact.host", "d.x",
    ]  # fmt: skip
    assert script.unknown({"contact.name"}, {"data"})[0] == "memory.early"
    assert "memory.late" in script.variables()


def test_what_a_webhook_is_asked() -> None:
    step = webhook(secret="whsec_" + "QUJD" * 8, timeout=3, allow_private=True)
    assert (step.url, step.timeout, step.allow_private) == ("https://example.org/in", 3, True)
    payload = {
        "id": "k-1",
        "contact": {"name": "Ünal \ud800", "at": datetime(2026, 1, 2, tzinfo=UTC)},
    }
    body = step.body(payload)
    assert json.loads(body) == {
        "id": "k-1",
        "contact": {"name": "Ünal ?", "at": "2026-01-02T00:00:00+00:00"},
        "block": 1,
    }
    headers = dict(step.headers(body, "k-1"))
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == headers["webhook-id"] == "k-1"
    key = standard_webhooks.key_of("whsec_" + "QUJD" * 8)
    signature = standard_webhooks.sign(key, "k-1", int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signature


def test_without_a_secret_nothing_is_signed() -> None:
    names = [name for name, _ in webhook().headers(b"{}", "k")]
    assert names == ["Content-Type", "Accept", "Idempotency-Key"]


def test_several_messages_in_one_record() -> None:
    assert shown_all(["Hello", "[image: x]\nA cat"]) == "Hello\n\n[image: x]\nA cat"
    assert shown_all([]) == ""


@pytest.mark.parametrize("source", [{"media": "a" * 12}, {"url": "https://example.org/x.pdf"}])
def test_b7_the_name_of_a_file_may_hold_variables(source: dict[str, str]) -> None:
    name = {"name": "For {{ contact.name }}.pdf"}
    step = only({"kind": "file", **source, **name})
    media = step.render(ANN).media
    assert media is not None
    assert media.name == "For Ann.pdf"
    assert compiled({"kind": "file", **source, **name}).variables() == {"contact.name"}
    with pytest.raises(ContentError, match=r"Block 1: .*is not closed"):
        compiled({"kind": "file", **source, "name": "{{ contact.name"})
