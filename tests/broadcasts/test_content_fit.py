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
from clarion.content import stories
from support import factory

pytestmark = pytest.mark.django_db
TEXT_ONLY = "Chat numbers take a text only. Choose Text, or another audience."


def test_what_can_not_be_chosen_says_why() -> None:
    bot = Channel.objects.create(name="bot", kind="telegram")

    reasons = not_offered([bot], to_chats=False, story=None)
    assert reasons["story"] == "There is no story yet."
    assert reasons["template"].startswith("None of the chosen channels has templates. These kinds")
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
        ({"length": 11}, "takes at most 10 characters in a message (block 2)."),
        ({"media": "file"}, "takes no files (block 2)."),
        ({"media": "image", "length": 6}, "takes at most 5 characters beside an image (block 2)."),
        ({"buttons": ("reply",)}, "has no reply buttons (block 2)."),
        ({"buttons": ("link",) * 3}, "takes at most 2 buttons under a message (block 2)."),
        ({"length": 10}, None),
        ({"media": "image", "length": 5}, None),
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
