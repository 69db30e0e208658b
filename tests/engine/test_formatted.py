"""Texts that are formatted for chats: with markup where it is shown, as plain text elsewhere."""

import asyncio
from typing import Any

import pytest

from channels.telegram.fixtures import make
from clarion.broadcasts import drafts
from clarion.broadcasts.problems import OF_FORMATTED, content_problems
from clarion.broadcasts.query import Audience
from clarion.channels.contract import Outgoing
from clarion.channels.models import Channel
from clarion.channels.registry import adapter, kind_class
from clarion.contacts.attributes import note_attributes
from clarion.engine import exchange, reap, snapshot
from clarion.engine.attempt import attempt
from clarion.engine.claim import claim
from clarion.engine.render import MessageStep, next_step
from clarion.engine.settle import settle
from clarion.records.models import Delivery
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from engine.stories import story
from support import factory

pytestmark = pytest.mark.django_db
NAME = "<b>_*[Anna](x)"
HTML = "<b>Hi {{ contact.name }}</b> &amp; all"
MARKDOWN = "*Hi {{ contact.name }}* \\& all"


@pytest.fixture
def bot() -> Channel:
    return factory.channel("bot", "telegram")


def outgoing(channel: Channel) -> Outgoing:
    """The message that is about to leave."""
    [claimed] = claim(channel.pk, reap.register(), 1).messages
    step = next_step(claimed, snapshot.job(claimed.broadcast), kind_class(channel.kind).limits)
    assert isinstance(step, MessageStep)
    return step.outgoing


def of_story(source: str, written: str) -> dict[str, Any]:
    """The fields of a broadcast whose story is this text."""
    block = {"kind": "text", "text": source, "format": written}
    return {"data_type": "story", "story": story(block).story, "text": ""}


@pytest.mark.parametrize(
    ("written", "source", "text"),
    [
        ("chat_html", HTML, "<b>Hi &lt;b&gt;_*[Anna](x)</b> &amp; all"),
        ("markdownv2", MARKDOWN, "*Hi <b\\>\\_\\*\\[Anna\\]\\(x\\)* \\& all"),
    ],
)
@pytest.mark.parametrize("in_story", [False, True])
def test_values_are_escaped_and_the_markup_stays(
    bot: Channel, written: str, source: str, text: str, in_story: bool
) -> None:
    factory.address(bot, "1", NAME)
    if in_story:
        factory.sending([bot], **of_story(source, written))
    else:
        factory.sending([bot], text=source, format=written)
    message = outgoing(bot)
    assert (message.text, message.format) == (text, written)
    body = make().request(message).body.decode()
    assert f'"parse_mode":"{"HTML" if written == "chat_html" else "MarkdownV2"}"' in body


@pytest.mark.parametrize(("written", "source"), [("chat_html", HTML), ("markdownv2", MARKDOWN)])
@pytest.mark.parametrize("kind", ["webhook", "email"])
@pytest.mark.parametrize("in_story", [False, True])
def test_elsewhere_the_text_has_no_markup(
    kind: str, written: str, source: str, in_story: bool
) -> None:
    channel = factory.channel(kind=kind)
    factory.address(channel, "anna@x.example", NAME)
    if in_story:
        factory.sending([channel], **of_story(source, written))
    else:
        factory.sending([channel], text=source, format=written)
    message = outgoing(channel)
    assert (message.text, message.format) == (f"Hi {NAME} & all", "")


def test_numbers_and_nothing_are_escaped_too(bot: Channel) -> None:
    person = factory.address(bot, "1", "")
    person.contact.attributes = {"total": -1.5, "vip": True, "none": ""}
    person.contact.save()
    note_attributes(["total", "vip", "none"])
    source = "{{ contact.total }} {{ contact.vip }} _{{ contact.none | default('') }}_"
    factory.sending([bot], text=source, format="markdownv2")
    assert outgoing(bot).text == "\\-1\\.5 true _\r_"


@pytest.mark.parametrize(
    ("written", "text", "problem"),
    [
        ("chat_html", "Hi\n<b>x", "Line 2, character 1: <b> is never closed. Add </b>."),
        ("chat_html", "<p>x</p>", "<p> is not supported in chats"),
        ("markdownv2", "Hello.", "“.” has a meaning in MarkdownV2"),
    ],
)
def test_wrong_markup_is_refused_before_sending(
    bot: Channel, written: str, text: str, problem: str
) -> None:
    draft = drafts.create_draft(by=factory.BY, channels=[bot], text=text, format=written)
    [sentence] = content_problems(draft, [bot])
    assert problem in sentence


def test_only_what_is_shown_is_counted(bot: Channel) -> None:
    def problems(text: str) -> list[str]:
        fields: dict[str, Any] = {"text": text, "format": "chat_html"}
        return content_problems(drafts.create_draft(by=factory.BY, channels=[bot], **fields), [bot])

    assert problems(f"<b>{'x' * 4_094}😀</b>") == []
    assert "4,097 characters" in problems(f"<b>{'x' * 4_095}😀</b>")[0]


def test_clicks_within_markup_are_not_tracked(
    bot: Channel, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.broadcasts.problems.base", lambda: "https://clarion.example/c/")
    draft = drafts.create_draft(
        by=factory.BY, channels=[bot], text="https://a.example", format="chat_html",
        track_clicks=True, audience=Audience(kind="all"),
    )  # fmt: skip
    assert OF_FORMATTED in content_problems(draft, [bot])


async def _taken(_: object) -> HttpReply:
    return HttpReply(200, {}, b'{"ok":true,"result":{"message_id":1}}')


@pytest.mark.parametrize(
    ("written", "source"),
    [
        ("chat_html", '<tg-emoji emoji-id="{{ contact.emoji }}">x</tg-emoji>'),
        ("markdownv2", "![x](tg://emoji?id={{ contact.emoji }})"),
    ],
)
def test_markup_that_a_contacts_value_breaks_is_the_failure_of_that_message_alone(
    bot: Channel, written: str, source: str
) -> None:
    for to, emoji in (("1", "5368324170671202286"), ("2", "gold")):
        person = factory.address(bot, to)
        person.contact.attributes = {"emoji": emoji}
        person.contact.save()
    note_attributes(["emoji"])
    broadcast = factory.sending([bot], text=source, format=written)
    worker = reap.register()
    facts, job = snapshot.take().channels[bot.pk], snapshot.job(broadcast.pk)
    for claimed in claim(bot.pk, worker, 2).messages:
        settle(worker, [asyncio.run(attempt(claimed, facts, job, _taken, Alone()))[0]])
    states = dict(Delivery.objects.values_list("address__value", "state"))
    assert states == {"1": "sent", "2": "failed"}


async def _refused(_: object) -> HttpReply:
    words = "Bad Request: can't parse entities: Can't find end of Bold entity at byte offset 7"
    body = f'{{"ok":false,"error_code":400,"description":"{words}"}}'
    return HttpReply(400, {}, body.encode())


def test_markup_that_the_provider_does_not_read_is_nobodys_failure(bot: Channel) -> None:
    factory.address(bot, "1", "Anna")
    broadcast = factory.sending([bot], text=HTML, format="chat_html")
    worker = reap.register()
    [claimed] = claim(bot.pk, worker, 1).messages
    facts, job = snapshot.take().channels[bot.pk], snapshot.job(broadcast.pk)
    settlement, result = asyncio.run(attempt(claimed, facts, job, _refused, Alone()))
    settle(worker, [settlement])
    assert "can't read the formatting" in getattr(result, "reason", "")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("queued", 0)


def test_the_request_of_a_record_is_made_again_with_its_markup(bot: Channel) -> None:
    factory.address(bot, "1", NAME)
    factory.sending([bot], text=HTML, format="chat_html")
    [claimed] = claim(bot.pk, reap.register(), 1).messages
    source = exchange._Source(Delivery.objects.get(), claimed)
    text = "<b>Hi &lt;b&gt;_*[Anna](x)</b> &amp; all"
    request, missing = source.request_of(0, text)
    assert missing == ""
    assert '"parse_mode": "HTML"' in request
    assert adapter(bot).limits.formats == {"chat_html", "markdownv2"}
