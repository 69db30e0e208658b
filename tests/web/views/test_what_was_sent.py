"""What was really sent of a story that broke, when, and by which attempt: on every page, as CSV."""

import csv
import io
from html import unescape
from re import sub
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import restarts
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.content.models import Story, StoryVersion
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.records.models import Delivery, Record
from clarion.records.progress import Progress
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.records.states import DeliveryState
from support import factory

pytestmark = pytest.mark.django_db
WORDS = ("First words", "Second words", "Third words")


@pytest.fixture
def channel() -> Channel:
    return factory.channel("Shop")


@pytest.fixture
def person(channel: Channel) -> Address:
    return factory.address(channel, "u1", "Dana")


def step(channel: Channel, state: str, number: int, earlier: int = 0, **facts: Any) -> None:
    """Claim the delivery and settle one message of its story; ``earlier``: told by a record."""
    worker = reap.register()
    (one,) = claim(channel.pk, worker, 5).messages
    facts |= {"content": WORDS[number]}
    if state == "queued":
        facts |= {
            "attempts": one.attempts, "attempted": False, "number": number,
            "progress": Progress(sent=number + 1, recorded=earlier),
        }  # fmt: skip
    elif state == "sent":
        facts |= {"attempts": one.attempts + 1, "responses": number + 1 - earlier, "forgets": True}
    else:
        facts |= {
            "attempts": one.attempts + 1, "responses": number - earlier,
            "progress": Progress(sent=number, recorded=number),
        }  # fmt: skip
    settle(worker, [factory.outcome(one, channel, state, **facts)])


@pytest.fixture
def broken(channel: Channel, person: Address) -> Broadcast:
    """A story of three messages that broke after two."""
    blocks = [{"kind": "text", "text": words} for words in WORDS]
    story = Story.objects.create(name="Welcome")
    version = StoryVersion.objects.create(story=story, number=1, blocks=blocks)
    broadcast = factory.sending(
        [channel], text="", title="Welcome all", data_type="story", story=story,
        story_version=version,
    )  # fmt: skip
    step(channel, "queued", 0)
    step(channel, "queued", 1)
    step(channel, "failed", 2)
    Broadcast.objects.filter(pk=broadcast.pk).update(state="completed")
    broadcast.refresh_from_db()
    return broadcast


def text_of(client: Client, path: str) -> str:
    """The words of a page, without its tags, each run of blanks as one."""
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(unescape(sub(r"<[^>]*>", " ", response.content.decode())).split())


def lines_of(client: Client, path: str) -> list[dict[str, str]]:
    body = b"".join(client.get(path).streaming_content)  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def restarted(broken: Broadcast) -> Broadcast:
    again = restarts.restart(broken, by=factory.BY, undo_seconds=0)
    Broadcast.objects.filter(pk=again.pk).update(state="sending")
    factory.expand(again)
    return again


def test_i1_the_record_of_a_story_that_broke_has_what_was_sent_and_what_was_not(
    admin: Client, broken: Broadcast
) -> None:
    record = Record.objects.get()

    page = text_of(admin, f"/records/{record.pk}/")
    hover = text_of(admin, f"/records/?broadcast={broken.pk}")
    (line,) = lines_of(admin, f"/records/export.csv?broadcast={broken.pk}")

    assert "Only a part was sent" in page
    for words in (page, hover):
        first, second, third = (words.index(one) for one in WORDS)
        assert words.rindex("Sent", 0, second) > first
        assert words.index("Not sent", second) < third
    assert record.responses == 2
    assert line["content"] == "First words\n\nSecond words"
    assert line["attempted content"] == "Third words"


def test_h2_the_chat_has_each_message_of_a_story_that_broke(
    admin: Client, broken: Broadcast, person: Address
) -> None:
    lines = admin.get(f"/chats/{person.pk}/").context["lines"]

    assert [(one.text, one.state, one.was_sent) for one in lines] == [
        ("First words", "sent", True),
        ("Second words", "sent", True),
        ("Third words", "failed", False),
    ]
    assert {one.record_id for one in lines} == {Record.objects.get().pk}
    assert "The story had no message" not in text_of(admin, f"/chats/{person.pk}/")
    earlier = admin.get(f"/chats/{person.pk}/", {"before": _cursor(lines[1].key)}).context["lines"]
    assert [one.text for one in earlier] == ["First words"]


def _cursor(key: Any) -> str:
    from clarion.kit.paging import Cursor

    return str(Cursor(key))


def test_h2_a_story_that_waits_for_its_next_message_shows_what_was_sent(
    admin: Client, channel: Channel, person: Address
) -> None:
    factory.sending([channel], title="Two", text="Hello")
    step(channel, "queued", 0)

    lines = admin.get(f"/chats/{person.pk}/").context["lines"]

    assert [(one.text, one.record_id) for one in lines] == [("First words", 0)]


def test_f3_a_restart_shows_only_what_it_sent_itself(
    admin: Client, broken: Broadcast, channel: Channel, person: Address
) -> None:
    again = restarted(broken)
    step(channel, "sent", 2, earlier=2)

    record = Record.objects.get(broadcast=again.pk)
    page = text_of(admin, f"/records/{record.pk}/")
    (line,) = lines_of(admin, f"/records/export.csv?broadcast={again.pk}")
    lines = admin.get(f"/chats/{person.pk}/").context["lines"]

    assert record.responses == 1
    assert "Message sent" in page
    assert "Third words" in page
    assert "First words" not in page
    assert line["content"] == "Third words"
    assert [(one.text, one.broadcast_id, one.was_sent) for one in lines] == [
        ("First words", broken.pk, True),
        ("Second words", broken.pk, True),
        ("Third words", broken.pk, False),
        ("Third words", again.pk, True),
    ]


def test_f3_the_dialog_of_a_restart_says_who_gets_only_the_rest(
    admin: Client, broken: Broadcast
) -> None:
    asks = text_of(admin, f"/broadcasts/{broken.pk}/ask/restart/")
    assert "receive only the rest" in asks


def test_j2_recipients_who_got_a_part_say_so(admin: Client, broken: Broadcast) -> None:
    page = text_of(admin, f"/broadcasts/{broken.pk}/recipients/")
    (line,) = lines_of(admin, f"/broadcasts/{broken.pk}/recipients.csv")

    assert "2 messages of the story were sent" in page
    assert (line["state"], line["part of a story sent"]) == ("failed", "2")


@pytest.mark.parametrize("state", ["sent", "in_doubt"])
def test_a_failure_that_is_reported_later_is_called_so(
    admin: Client, channel: Channel, person: Address, state: str
) -> None:
    factory.sending([channel])
    (one,) = factory.settle_all(channel, state, external_id="x1")
    Delivery.objects.update(external_id="x1")
    refused = ReceiptUpdate(
        channel.pk, DeliveryState.FAILED, factory.START, factory.START, "x1", code="131026",
        reason="Not on WhatsApp.",
    )  # fmt: skip
    apply_receipts([refused])

    record = Record.objects.get()
    words = "Sent, then reported as failed" if state == "sent" else "Message not sent"
    page = text_of(admin, f"/records/{record.pk}/")
    assert words in page
    assert "Not on WhatsApp." in page
    if state == "sent":
        assert "The provider reported a failure at" in page
        assert "Then reported as failed" in text_of(admin, "/records/?status=error")
        assert words in text_of(admin, f"/chats/{person.pk}/")
        assert "Message not sent" not in page
        (line,) = lines_of(admin, "/records/export.csv?status=error")
        assert (line["content"], line["error message"]) == ("Hello Dana", "Not on WhatsApp.")

    apply_receipts([ReceiptUpdate(channel.pk, "delivered", 1, 2, "x1")])

    record.refresh_from_db()
    assert (record.status, record.responses) == ("completed", 1)
    assert "Message sent" in text_of(admin, f"/records/{record.pk}/")
    assert one.delivery == record.delivery_id


def test_i1_a_record_in_doubt_after_a_crash_shows_what_was_meant(
    admin: Client, channel: Channel, person: Address
) -> None:
    factory.sending([channel], text="Hello {{ contact.name }}")
    claim(channel.pk, reap.register(), 5)
    reap.declare_all_dead()
    reap.reap()

    record = Record.objects.get()
    page = text_of(admin, f"/records/{record.pk}/")
    (line,) = lines_of(admin, "/records/export.csv")

    assert "Message that may have been sent" in page
    assert "Hello Dana" in page
    assert "It may or may not have been sent" in text_of(admin, "/records/")
    assert (line["content"], line["attempted content"]) == ("", "Hello Dana")
    (line_said,) = admin.get(f"/chats/{person.pk}/").context["lines"]
    assert (line_said.text, line_said.state, line_said.was_sent) == (
        "Hello Dana",
        "in_doubt",
        False,
    )
