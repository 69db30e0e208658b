"""Which content fits which audience and which channels."""

from typing import Any

import pytest

from clarion.broadcasts import drafts, problems
from clarion.broadcasts.content_fit import (
    MessageFacts,
    not_offered,
    problems_of,
    unfit_for_chats,
)
from clarion.broadcasts.query import Audience
from clarion.channels.contract import Limits
from clarion.channels.models import Channel
from clarion.contacts.attributes import note_attributes
from clarion.content import media, stories
from support import factory

pytestmark = pytest.mark.django_db
TEXT_ONLY = "Only a text can be sent to chat numbers. Choose Text, or another audience."


def test_what_can_not_be_chosen_says_why() -> None:
    bot = Channel.objects.create(name="bot", kind="telegram")

    reasons = not_offered([bot], to_chats=False, story=None)
    assert reasons["story"] == "There are no stories yet."
    said = "None of the chosen channels has templates. These platforms have them: "
    assert reasons["template"].startswith(said)
    assert "WhatsApp" in reasons["template"]
    assert "text" not in reasons
    reasons = not_offered([], to_chats=False, story=None)
    assert reasons["template"].startswith("No channel has templates.")
    blocks = [{"kind": "text", "text": "Hi"}]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    chosen = [bot, Channel.objects.create(name="wa", kind="whatsapp")]
    assert not_offered(chosen, to_chats=False, story=None) == {}
    assert not_offered([], to_chats=False, story=None) == {}
    assert not_offered(chosen, to_chats=True, story=story) == {
        "story": TEXT_ONLY,
        "template": TEXT_ONLY,
    }
    stories.archive_story(story, by=factory.BY)
    assert not_offered(chosen, to_chats=False, story=story) == {}
    assert "story" in not_offered(chosen, to_chats=False, story=None)


def test_a_draft_is_checked_without_reading_its_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = factory.channel("bot", "telegram")
    factory.people(channel, 1, prefix="100")
    upload = media.save_upload("menu.pdf", "application/pdf", [bytes(1_000)])
    blocks = [{"kind": "file", "media": upload.token}]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    draft = factory.draft([channel], data_type="story", story=story)
    monkeypatch.setattr(media, "read", None)

    assert problems.check(draft) == []
    media.path(upload.token).unlink()
    (gone,) = problems.check(draft)
    assert "“menu.pdf” no longer exists. Upload it again." in gone


def test_chat_numbers_take_a_text_only() -> None:
    channel = factory.channel()
    (person,) = factory.people(channel, 1)
    draft = factory.draft([channel], audience=Audience(kind="picks", picked_from="chats"))
    drafts.edit_draft(draft, by=factory.BY, picks=[person.pk])
    assert problems.check(draft) == []

    drafts.edit_draft(draft, by=factory.BY, data_type="template", template={"name": "a"})

    assert TEXT_ONLY in problems.check(draft)
    assert [unfit_for_chats(kind) for kind in ("text", "story")] == ["", TEXT_ONLY]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"text": "x" * 11}, "accepts at most 10 characters in a message (block 2)."),
        ({"media": "file"}, "accepts no files (block 2)."),
        (
            {"media": "image", "text": "x" * 6},
            "accepts at most 5 characters beside an image (block 2).",
        ),
        ({"buttons": ("reply",)}, "has no reply buttons (block 2)."),
        ({"buttons": ("link",) * 3}, "accepts at most 2 buttons under a message (block 2)."),
        ({"text": "x" * 10}, None),
        ({"media": "image", "text": "x" * 5}, None),
        ({"buttons": ("link",) * 2}, None),
    ],
)
def test_b2_the_limits_of_a_kind(facts: dict[str, Any], says: str | None) -> None:
    limits = Limits(
        rate=None,
        text_length=10,
        receipts=frozenset(),
        media=frozenset({"image"}),
        buttons=frozenset({"link"}),
        most_buttons=2,
        caption_length=5,
    )
    said = list(problems_of(limits, MessageFacts(2, **facts)))
    assert said == ([says] if says else [])


TOKEN = "123456:" + "a" * 35
WHATSAPP = {"phone_number_id": "1234567", "token": "t" * 40}
LINK = {"kind": "link", "label": "Shop", "value": "https://shop.example/"}
REPLY = {"kind": "reply", "label": "Yes"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
PICTURE = "https://shop.example/x.png"


def story_problems(channel: Channel, *blocks: dict[str, Any]) -> list[str]:
    """What stands in the way of sending this story on this channel to its only person."""
    factory.address(channel, "15551234567", "Ann")
    story = stories.create_story(name="A", blocks=list(blocks), by=factory.BY)
    return problems.check(factory.draft([channel], data_type="story", story=story))


@pytest.fixture
def whatsapp() -> Channel:
    return factory.channel("wa", "whatsapp", **WHATSAPP)


@pytest.fixture
def telegram() -> Channel:
    return factory.channel("bot", "telegram", token=TOKEN)


def test_whatsapp_takes_no_link_beside_a_reply(whatsapp: Channel) -> None:
    block = {"kind": "buttons", "text": "Dear {{ contact.name }}", "buttons": [LINK, REPLY]}
    assert story_problems(whatsapp, {"kind": "text", "text": "Hi"}, block) == [
        (
            "wa can't send block 2: "
            "WhatsApp accepts either one link button or up to three reply buttons."
        )
    ]


def test_whatsapp_needs_no_public_address_for_uploads(whatsapp: Channel) -> None:
    upload = media.save_upload("dot.png", "", [PNG], image=True)
    assert story_problems(whatsapp, {"kind": "image", "media": upload.token}) == []


def test_telegram_counts_utf_16_units(telegram: Channel) -> None:
    (problem,) = story_problems(telegram, {"kind": "image", "url": PICTURE, "caption": "😀" * 700})
    assert problem.startswith("bot accepts at most 1,024 characters beside an image (block 1).")
    draft = factory.draft([telegram], text="😀" * 2_049)
    assert problems.check(draft) == ["The text has 4,098 characters; bot accepts at most 4,096."]
    assert problems.check(factory.draft([telegram], text="😀" * 2_048)) == []


def test_what_fits_is_not_refused(telegram: Channel, whatsapp: Channel) -> None:
    buttons = {"kind": "buttons", "text": "Well?", "buttons": [REPLY]}
    varies = [{**LINK, "value": "{{ contact.link }}"}]
    picture = {"kind": "image", "url": PICTURE, "caption": "😀" * 512}
    more = {"kind": "buttons", "text": "{{ contact.name }}", "buttons": varies}
    assert story_problems(telegram, buttons, picture) == []
    story = stories.create_story(name="B", blocks=[buttons, picture], by=factory.BY)
    factory.address(whatsapp, "15551234567", "Ann")
    assert problems.check(factory.draft([whatsapp], data_type="story", story=story)) == []
    note_attributes(["link"])
    story = stories.create_story(name="C", blocks=[more], by=factory.BY)
    assert problems.check(factory.draft([whatsapp], data_type="story", story=story)) == []
