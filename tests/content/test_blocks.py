"""The fields of blocks, and what is said about wrong ones."""

from typing import Any

import pytest

from clarion.content.blocks import (
    MOST_BLOCKS,
    ButtonsBlock,
    FileBlock,
    ImageBlock,
    TextBlock,
    WebhookBlock,
    from_stored,
    parse_blocks,
    to_stored,
)
from clarion.content.errors import ContentError, StoryError

URL = "https://example.org/cat.png"
LINK = {"kind": "link", "label": "Open", "value": "https://example.org"}


def fault(block: object) -> tuple[str, str]:
    """Field and sentence of the one thing that is wrong with this block."""
    with pytest.raises(StoryError) as raised:
        parse_blocks([block])
    (only,) = raised.value.faults
    assert only.block == 1
    assert str(raised.value) == f"Block 1: {only.sentence}"
    assert only.sentence.endswith(".")
    return only.field, only.sentence


def buttons(*rows: object) -> dict[str, Any]:
    return {"kind": "buttons", "text": "Choose", "buttons": list(rows)}


def test_every_kind() -> None:
    blocks = parse_blocks(
        [
            {"kind": "text", "text": "Hello {{ contact.name }}\r\nBye"},
            {"kind": "image", "url": URL, "caption": "A cat"},
            {"kind": "file", "media": "abcdefghjkmnpqrs", "name": "menu.pdf"},
            buttons(LINK, {"kind": "reply", "label": "Yes"},
                    {"kind": "story", "label": "More", "value": 7}),
            {"kind": "webhook", "url": "https://example.org/in", "timeout": 3},
        ]
    )  # fmt: skip
    text, image, file, choice, webhook = blocks
    assert isinstance(text, TextBlock)
    assert text.text == "Hello {{ contact.name }}\nBye"
    assert isinstance(image, ImageBlock)
    assert image.caption == "A cat"
    assert isinstance(file, FileBlock)
    assert isinstance(choice, ButtonsBlock)
    assert [button.value for button in choice.buttons] == ["https://example.org", "", "7"]
    assert isinstance(webhook, WebhookBlock)
    assert (webhook.timeout, webhook.allow_private) == (3, False)


@pytest.mark.parametrize(
    ("block", "field", "said"),
    [
        ("hello", "", "must be an object"),
        ({}, "", "Name one of them"),
        ({"kind": "video"}, "", "Name one of them"),
        ({"kind": "text"}, "text", "The text is missing."),
        ({"kind": "text", "text": " \n"}, "text", "The text is empty. Write one."),
        ({"kind": "text", "text": 7}, "text", "can't be understood"),
        ({"kind": "text", "text": "a", "colour": 1}, "colour", "no field “colour”"),
        ({"kind": "text", "text": "{{ contact.name"}, "text", "is not closed"),
        ({"kind": "text", "text": "x" * 70_000}, "text", "longer than 64 KiB"),
        ({"kind": "image"}, "url", "Give an address, or upload an image."),
        ({"kind": "image", "url": URL, "media": "a" * 12}, "url", "not both"),
        ({"kind": "image", "url": "cat.png"}, "url", "must begin with https://"),
        ({"kind": "image", "url": "ftp://a.example/x"}, "url", "must begin with https://"),
        ({"kind": "image", "url": "https://a b"}, "url", "space"),
        ({"kind": "image", "url": "https://a.example/{{ x"}, "url", "is not closed"),
        ({"kind": "image", "media": "../../etc"}, "media", "Upload it again."),
        ({"kind": "file"}, "url", "upload a file"),
        ({"kind": "file", "url": URL, "name": "x" * 301}, "name", "300 characters"),
        (buttons(), "buttons", "Add one."),
        (buttons(*[LINK] * 11), "buttons", "10 are allowed"),
        ({**buttons(LINK), "text": ""}, "text", "above the buttons is empty"),
        (buttons({**LINK, "label": " "}), "buttons.0.label", "has no words"),
        (buttons(LINK, {**LINK, "value": ""}), "buttons.1.value", "address is missing"),
        (buttons({**LINK, "kind": "call"}), "buttons.0.kind", "link, reply or story"),
        (buttons({"kind": "story", "label": "x", "value": "next"}), "buttons.0.value", "Choose"),
        ({"kind": "webhook", "url": "https://a.example/{{ x }}"}, "url", "variables"),
        ({"kind": "webhook", "url": ""}, "url", "address is missing"),
        ({"kind": "webhook", "url": URL, "timeout": 31}, "timeout", "from 1 to 30 seconds"),
        ({"kind": "webhook", "url": URL, "timeout": float("nan")}, "timeout", "1 to 30"),
        ({"kind": "webhook", "url": URL, "secret": "whsec_!"}, "secret", "base64"),
        ({"kind": "webhook", "url": URL, "sealed": "x"}, "sealed", "no field"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(block: object, field: str, said: str) -> None:
    path, sentence = fault(block)
    assert path == field
    assert said in sentence


def test_every_fault_is_said_with_the_number_of_its_block() -> None:
    with pytest.raises(StoryError) as raised:
        parse_blocks([{"kind": "text", "text": ""}, {"kind": "text", "text": "a"}, {"kind": "?"}])
    assert [problem.block for problem in raised.value.faults] == [1, 3]
    assert "Block 1: The text is empty. Write one. Block 3: " in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "The story is empty. Add a block."),
        ("text", "must be a list"),
        ([{"kind": "text", "text": "a"}] * (MOST_BLOCKS + 1), "20 blocks at most"),
    ],
)
def test_a_story_as_a_whole(raw: object, said: str) -> None:
    with pytest.raises(ContentError, match=said):
        parse_blocks(raw)


def test_what_no_database_stores_is_taken_out() -> None:
    (block,) = parse_blocks([{"kind": "text", "text": "a\x00b\ud800"}])
    assert isinstance(block, TextBlock)
    assert block.text == "ab?"


def test_a_secret_is_sealed_where_it_is_kept_and_never_said() -> None:
    blocks = parse_blocks([{"kind": "webhook", "url": URL, "secret": "hush-hush"}])
    stored = to_stored(blocks)
    assert "hush-hush" not in repr(blocks) + repr(stored)
    assert "secret" not in stored[0]
    (opened,) = from_stored(stored)
    assert isinstance(opened, WebhookBlock)
    assert opened.secret.get_secret_value() == "hush-hush"


def test_a_secret_that_can_not_be_opened_is_said() -> None:
    stored = to_stored(parse_blocks([{"kind": "webhook", "url": URL}]))
    stored[0]["sealed"] = "gAAAA-of-another-key"
    with pytest.raises(StoryError, match="Block 1: The stored credentials can't be opened"):
        from_stored(stored)
