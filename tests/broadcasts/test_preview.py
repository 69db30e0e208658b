"""What a broadcast sends, as one contact would get it."""

from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview, preview_head
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.content import stories
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Address:
    return factory.people(factory.channel(), 2)[0]


def shown(address: Address | None, **fields: Any) -> list[tuple[str, str]]:
    """Text and problem of each message."""
    return [
        (one.message.text if one.message else "", one.problem)
        for one in preview(Broadcast(**fields), address)
    ]


def test_a_text(ann: Address) -> None:
    text = "Dear {{ contact.name }}, {{ data.order }}, {{ data.code }}"
    data = {"order": "A-17"}
    assert shown(ann, text=text, data=data) == [("Dear Person 0, A-17, ‹data.code›", "")]
    assert shown(None, text=text, data=data) == [("Dear ‹contact.name›, A-17, ‹data.code›", "")]
    assert shown(ann, text="") == []


@pytest.mark.parametrize("text", ["Dear {{ contact.nam }}", "Dear {{ contact.name"])
def test_a_text_that_can_not_be_filled_in_is_shown_as_it_is(ann: Address, text: str) -> None:
    ((words, problem),) = shown(ann, text=text)
    assert words == text
    assert problem
    assert "Block" not in problem


def test_a_template_shows_its_variables(ann: Address) -> None:
    template = {"name": "order", "language": "en", "variables": ["{{ contact.name }}", "", "{{ x"]}
    ((words, problem),) = shown(ann, data_type="template", template=template)
    assert words == "order\n1. Person 0\n2. \n3. {{ x"
    assert problem
    assert shown(ann, data_type="template", template={}) == []


def test_each_block_of_a_story_is_shown_for_itself(ann: Address) -> None:
    blocks = [
        {"kind": "text", "text": "Dear {{ contact.name }} {{ memory.x }}"},
        {"kind": "text", "text": "{{ contact.nobody_has_it }}"},
    ]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    first, second = preview(Broadcast(data_type="story", story=story), ann)
    assert first.message is not None
    assert first.message.text == "Dear Person 0 ‹memory.x›"
    assert second.problem
    assert preview(Broadcast(data_type="story"), ann) == []


def test_sample_data_stand_in_for_what_a_call_brings(ann: Address) -> None:
    broadcast = Broadcast(
        text="{{ data.order }} {{ data.day }} {{ data.other }}",
        sample_data={"order": "A-17", "day": "Monday"},
        data={"day": "Friday"},
    )
    (shown,) = preview(broadcast, ann)
    assert shown.message is not None
    assert shown.message.text == "A-17 Friday ‹data.other›"


def test_b7_the_title_is_shown_where_people_see_it(ann: Address) -> None:
    telegram = Channel(kind="telegram")
    broadcast = Broadcast(title="For {{ contact.name }}")
    shown = preview_head(broadcast, ann, [telegram, ann.channel])
    assert shown["title"].message is not None
    assert shown["title"].message.text == "For Person 0"
    assert preview_head(broadcast, ann, [telegram]) == {}
    assert preview_head(Broadcast(), ann, [ann.channel]) == {}
    wrong = preview_head(Broadcast(title="{{ contact.nobody }}"), ann, [ann.channel])
    assert wrong["title"].problem


def test_what_only_e_mails_have_is_shown_where_a_channel_sends_them(ann: Address) -> None:
    mail = Channel(kind="email")
    broadcast = Broadcast(mail={"preheader": "{{ contact.name }}", "reply_to": "a@x.example"})
    shown = preview_head(broadcast, ann, [mail])
    texts = {name: part.message.text for name, part in shown.items() if part.message}
    assert texts == {"preheader": "Person 0", "reply_to": "a@x.example"}
    assert preview_head(broadcast, ann, [ann.channel]) == {}
