"""What callbacks about direct messages report, of both kinds.

Payloads as …/messenger-platform/webhooks/webhook-events and …/instagram-messaging/webhooks give
them, and as nyaruka/courier keeps real ones (handlers/meta/testdata).
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from channels.direct import ACCOUNT, JUST_BEFORE_MS, MID, PERSON, callback, item
from channels.fixtures import JUST_BEFORE, NOW
from channels.graph import signed
from channels.instagram.fixtures import make as make_instagram
from channels.messenger.fixtures import make as make_messenger
from clarion.channels.contract import Event, Ignored, Inbound, OptOut, Receipt, SeenUntil


def page(*items: dict[str, Any]) -> list[Event]:
    return list(make_messenger().events(callback("page", *items)))


def account(*items: dict[str, Any]) -> list[Event]:
    return list(make_instagram().events(callback("instagram", *items)))


def inbound(**message: Any) -> Inbound:
    (event,) = account(item(message={"mid": MID, **message}))
    assert isinstance(event, Inbound)
    return event


def test_a_delivery_names_its_messages_or_says_until_when() -> None:
    mids = item(delivery={"mids": [MID, "m_2"], "watermark": JUST_BEFORE_MS})
    named = [Receipt("delivered", JUST_BEFORE, mid) for mid in (MID, "m_2")]
    assert page(mids) == named
    until = SeenUntil(PERSON, "delivered", JUST_BEFORE, NOW)
    assert page(item(delivery={"watermark": JUST_BEFORE_MS}, at=None)) == [until]


def test_a_read_receipt_says_until_when_or_names_its_message() -> None:
    moment = datetime(2026, 11, 22, 11, 59, 50, 123_000, tzinfo=UTC)
    watermark = round(moment.timestamp() * 1_000)
    expected = SeenUntil(PERSON, "read", moment, JUST_BEFORE)
    assert page(item(read={"watermark": watermark})) == [expected]
    assert account(item(read={"mid": MID})) == [Receipt("read", JUST_BEFORE, MID)]
    assert isinstance(page(item(read={"watermark": "soon"}))[0], Ignored)


@pytest.mark.parametrize(
    ("message", "text", "media"),
    [
        ({"text": "Hi"}, "Hi", ""),
        ({"attachments": [{"type": "image", "payload": {"url": "https://x.example"}}]}, "",
         "image"),
        ({"text": "Look", "attachments": [{"type": "video"}, {"type": "image"}]}, "Look",
         "video, image"),
        ({"attachments": [{"type": "location", "payload": {"coordinates": {"lat": 1, "long": 2}}}]},
         "Location: 1, 2", "location"),
        ({"attachments": [{"type": "fallback", "title": "STOP", "url": "https://x.example"}]},
         "Link: STOP", "link"),
        ({"attachments": [{"type": "story_mention", "payload": {"url": "https://x.example"}}]},
         "Story mention: they mentioned you in their story", "story mention"),
        ({"text": "Nice", "reply_to": {"story": {"url": "https://x.example", "id": "1"}}}, "Nice",
         "story reply"),
        ({"attachments": [{"type": "like_heart"}]}, "Heart: ❤", "heart"),
        ({"is_unsupported": True}, "", "unsupported message"),
        ({"attachments": [{"type": "sparkles"}, {"type": 7}]}, "", "unsupported message"),
        ({"text": "A reply", "reply_to": {"mid": "m_1"}}, "A reply", ""),
    ],
)  # fmt: skip
def test_messages(message: dict[str, Any], text: str, media: str) -> None:
    event = inbound(**message)
    assert (event.text, event.payload.get("media", "")) == (text, media)
    assert (event.sender, event.external_id, event.at) == (PERSON, MID, JUST_BEFORE)


def test_pressed_buttons_and_quick_replies() -> None:
    quick = inbound(text="Yes", quick_reply={"payload": "story:7"})
    assert (quick.text, quick.button) == ("Yes", "story:7")
    (pressed,) = page(item(postback={"title": "Get started", "payload": "START_HERE"}))
    assert isinstance(pressed, Inbound)
    assert (pressed.text, pressed.button) == ("Get started", "START_HERE")
    assert pressed.external_id == f"postback-{JUST_BEFORE_MS}"  # Meta names it since v11.0
    message, opt_out = page(item(postback={"mid": "m", "title": "Leave me", "payload": "STOP"}))
    assert isinstance(message, Inbound)
    assert opt_out == OptOut(PERSON, "opted_out", JUST_BEFORE)


def test_a_reaction_is_a_message_and_taking_it_back_is_none() -> None:
    reaction = {"mid": MID, "action": "react", "reaction": "love", "emoji": "❤"}
    (event,) = page(item(reaction=reaction))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == ("Reaction: ❤", {"media": "reaction"})
    assert event.external_id != MID
    (event,) = page(item(reaction={"mid": MID, "action": "unreact"}))
    assert isinstance(event, Ignored)


def test_echoes_and_deleted_messages_are_ignored_and_counted() -> None:
    echo = item(person=ACCOUNT, message={"mid": MID, "text": "STOP", "is_echo": True, "app_id": 1})
    deleted = item(message={"mid": MID, "is_deleted": True})
    events = account(echo, deleted)
    assert [type(event) for event in events] == [Ignored, Ignored]
    assert "echo" in events[0].reason  # type: ignore[union-attr]
    assert "deleted" in events[1].reason  # type: ignore[union-attr]


def test_opt_outs_of_marketing_messages() -> None:
    stop = {"type": "notification_messages", "notification_messages_status": "STOP_NOTIFICATIONS"}
    resume = {**stop, "notification_messages_status": "RESUME_NOTIFICATIONS"}
    assert page(item(optin=stop), item(optin=resume)) == [
        OptOut(PERSON, "opted_out", JUST_BEFORE),
        OptOut(PERSON, "active", JUST_BEFORE),
    ]
    assert isinstance(page(item(optin={"ref": "x"}))[0], Ignored)


def test_what_is_about_another_account_or_app_is_ignored() -> None:
    written = item(message={"mid": MID, "text": "STOP"})
    (event,) = make_messenger().events(callback("page", written, account="999"))
    assert isinstance(event, Ignored)
    standby = b'{"object": "page", "entry": [{"id": "180005062406476", "standby": [{}]}]}'
    (event,) = make_messenger().events(signed(standby))
    assert isinstance(event, Ignored)
    with pytest.raises(ValueError, match="not about messages"):
        list(make_messenger().events(callback("instagram", written)))
