"""A story as one person would get it, while it is being written."""

import pytest

from clarion.content import media
from clarion.content.messages import Message
from clarion.content.preview import preview_story

pytestmark = pytest.mark.django_db
HOOK = {"kind": "webhook", "url": "https://example.org/in"}


def text(words: str) -> dict[str, str]:
    return {"kind": "text", "text": words}


def test_each_block_stands_for_itself() -> None:
    first, wrong, empty, hook, last = preview_story(
        [
            text("Hello {{ contact.name }}"),
            text("{{ contact.town }}"),
            text(""),
            {**HOOK, "keep": "1.4", "sealed": "of another key"},
            text("Bye"),
        ],
        {"name": "Ann"},
    )
    assert (first.number, first.message) == (1, Message("Hello Ann"))
    assert wrong.problem.startswith("Line 1: there is no variable contact.town")
    assert empty.problem == "The text is empty. Write one."
    assert hook.webhook == "https://example.org/in"
    assert (last.number, last.message) == (5, Message("Bye"))


def test_what_only_the_sending_knows_stands_by_its_name() -> None:
    words = "{{ contact.name }} {{ data.order.total }} {{ memory.items }} {{ data.order }}"
    (shown,) = preview_story([text(words)], None)
    assert shown.problem == "A variable has several values. Use for, or the filter join."
    (shown,) = preview_story([text(words.rpartition(" {{")[0])], None)
    assert shown.message == Message("‹contact.name› ‹data.order.total› ‹memory.items›")
    (shown,) = preview_story([text("{{ contact.name }}")], {})
    assert "there is no variable contact.name" in shown.problem


def test_an_upload_is_shown_from_this_server() -> None:
    row = media.save_upload("cat.png", "", [b"\x89PNG\r\n\x1a\n"])
    (shown,) = preview_story([{"kind": "image", "media": row.token}], None)
    assert shown.message
    assert shown.message.media
    assert shown.message.media.url == media.address(row)
    assert shown.message.media.data is None
    (gone,) = preview_story([{"kind": "image", "media": "b" * 12}], None)
    assert gone.problem == "There is no such upload. Upload it again."
