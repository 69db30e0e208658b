"""What is special about Slack: escapes, blocks, errors with HTTP 200, events, the handshake.

The fields of requests are those of `chat.postMessage` in slackapi/slack-api-specs
(web-api/slack_web_openapi_v2.json) and of docs.slack.dev/reference/block-kit.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from channels.fixtures import reply
from channels.rehearsal import Rehearsal, Stage, events_of
from channels.slack.fixtures import (
    CASE,
    SECONDS,
    SECRET,
    WRITTEN,
    error,
    event,
    make,
    posted,
    pressed,
)
from clarion.channels.contract import (
    CallbackAnswer,
    Ignored,
    Inbound,
    OptOut,
    Refusal,
    Refused,
    Unsendable,
)
from clarion.channels.slack.errors import ERRORS
from clarion.kit.parts import Button, Media
from simulator.client import listening

LOOK = Button("link", "Look", "https://shop.example/look")
YES = Button("reply", "Yes, please", "yes-7")
assert CASE.rehearsal is not None
SLACK: Rehearsal = CASE.rehearsal


def sent(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(make().request(replace(CASE.message, **changes)).body)
    return body


def told(**changes: object) -> list[Any]:
    return list(make().events(posted(event(**{**WRITTEN, **changes}))))


def test_nothing_in_a_text_is_a_mention_or_a_link() -> None:
    request = make().request(replace(CASE.message, text="<!channel> a < b & *c*"))
    assert request.url == "https://slack.com/api/chat.postMessage"
    assert json.loads(request.body) == {
        "channel": "U2147483697",
        "text": "&lt;!channel&gt; a &lt; b &amp; *c*",
        "mrkdwn": False,
    }


def test_a_picture_and_buttons_are_blocks() -> None:
    picture = Media("image", "https://x.example/a.png", "a.png")
    body = sent(media=picture, buttons=(LOOK, YES))
    section, image, actions = body["blocks"]
    assert section == {
        "type": "section",
        "text": {"type": "plain_text", "text": "Hello Anna", "emoji": False},
    }
    assert image == {
        "type": "image", "image_url": "https://x.example/a.png", "alt_text": "a.png",
    }  # fmt: skip
    assert [each.get("url", each.get("value")) for each in actions["elements"]] == [
        "https://shop.example/look",
        "yes-7",
    ]
    assert body["text"] == "Hello Anna"


def test_a_long_text_beside_buttons_is_several_sections() -> None:
    blocks = sent(text="x" * 3_500, buttons=(YES,))["blocks"]
    assert [len(each["text"]["text"]) for each in blocks[:-1]] == [3_000, 500]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"buttons": (Button("reply", "x" * 76, "y"),)}, "75 characters"),
        ({"buttons": (Button("reply", "x", "y" * 2_001),)}, "2,000 characters"),
        ({"media": Media("image", data=b"x")}, "public URL"),
    ],
)
def test_what_slack_does_not_take_is_refused_in_words(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(**parts)


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_of_the_catalogue_is_classed(code: str) -> None:
    outcome = make().outcome(error(code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.reason) == (ERRORS[code].refusal, ERRORS[code].sentence)


@pytest.mark.parametrize("code", ["message_limit_exceeded", "team_added_to_org"])
def test_what_does_not_end_by_itself_soon_is_tried_once_a_minute(code: str) -> None:
    outcome = make().outcome(error(code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.retry_after) == (Refusal.THROTTLED, 60.0)


def test_a_wait_is_as_long_as_slack_asks_and_may_be_about_one_conversation() -> None:
    outcome = make().outcome(reply(429, b"", retry_after="30"))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == 30.0
    assert make().limits_chat("U1")


@pytest.mark.parametrize(
    "changes",
    [
        {"bot_id": "B061F7JD2"},
        {"subtype": "bot_message"},
        {"subtype": "message_changed"},
        {"channel_type": "channel", "channel": "C024BE91L"},
        {"user": None},
        {"ts": None},
    ],
)
def test_messages_that_nobody_wrote_to_the_bot_are_ignored(changes: dict[str, object]) -> None:
    assert [type(each) for each in told(**changes)] == [Ignored]


def test_a_message_is_read_as_it_was_written() -> None:
    (message,) = told(text="a &lt; b &amp;&amp; c")
    assert message.text == "a < b && c"
    (with_file,) = told(text="", subtype="file_share", files=[{"id": "F1"}])
    assert (with_file.text, with_file.payload) == ("[file]", {"media": "file"})


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"type": "user_change", "user": {"id": "U1234", "deleted": True}}, "deactivated"),
        ({"type": "channel_archive", "channel": "C024BE91L"}, "deactivated"),
        ({"type": "member_left_channel", "channel": "C024BE91L", "user": "U0BOT00"}, "blocked"),
        ({"type": "member_joined_channel", "channel": "C024BE91L", "user": "U0BOT00"}, "reachable"),
        ({"type": "channel_left", "channel": "C024BE91L"}, "blocked"),
        ({"type": "member_left_channel", "channel": "C024BE91L", "user": "U1"}, None),
        ({"type": "user_change", "user": {"id": "U1234", "deleted": False}}, None),
    ],
)
def test_who_cannot_be_reached_any_more(fields: dict[str, object], state: str | None) -> None:
    (change,) = make().events(posted(event(**fields, event_ts=f"{SECONDS}.1")))
    assert isinstance(change, OptOut if state else Ignored)
    if isinstance(change, OptOut):
        assert change.state == state


@pytest.mark.parametrize("type_", ["member_left_channel", "member_joined_channel"])
def test_a_person_who_authorized_the_app_is_not_its_bot(type_: str) -> None:
    person = {"team_id": "T061EG9R6", "user_id": "U1", "is_bot": False}
    moved = event(type=type_, channel="C024BE91L", user="U1", event_ts=f"{SECONDS}.1")
    (change,) = make().events(posted({**moved, "authorizations": [person]}))
    assert isinstance(change, Ignored)


def test_a_pressed_link_button_is_ignored() -> None:
    (link,) = make().events(pressed(actions=[{"action_id": "button-0", "action_ts": "1.2"}]))
    assert isinstance(link, Ignored)


def test_the_url_is_proven_to_be_ours() -> None:
    hook = posted({"type": "url_verification", "challenge": "3eZbrw1aBm2", "token": "x"})
    make().verify(hook)
    assert make().answer(hook) == CallbackAnswer(b'{"challenge": "3eZbrw1aBm2"}')
    assert make().answer(posted(event(**WRITTEN))) is None
    assert make().answer(posted(b"nonsense")) is None


async def test_a_member_writes_and_presses_a_button_in_the_simulator(stage: Stage) -> None:
    async with listening() as listener:
        url = f"{listener.url}/hooks/1/"
        await stage.ask("/_/behaviour", {"callback_secret": SECRET, "callback_url": url})
        await stage.send(SLACK, "a < b & c", buttons=(YES, LOOK))
        assert (await stage.last_entry())["text"] == "a < b & c"
        await stage.ask("/_/inbound", {"slack_user": "U42", "button": "yes-7"})
        await stage.ask("/_/inbound", {"slack_user": "U42", "text": "Hello"})
        events = events_of(make(), await listener.heard(2))
    texts = {event.text: event.button for event in events if isinstance(event, Inbound)}
    assert texts == {"Yes, please": "yes-7", "Hello": ""}
