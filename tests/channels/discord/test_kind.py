"""What is special about Discord: direct messages, limits, the guard, interactions.

The fields of requests are those of RESTPostAPIChannelMessageJSONBody of discord-api-types.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from channels.discord.fixtures import (
    CASE,
    CHANNEL,
    INTERACTION,
    MESSAGE,
    OPENED,
    PRESSED,
    STOP,
    USER,
    error,
    make,
    posted,
)
from channels.fixtures import refusal_of, reply
from channels.rehearsal import Rehearsal, Stage, events_of
from clarion.channels.contract import (
    Accepted,
    CallbackAnswer,
    Ignored,
    Inbound,
    Refusal,
    Refused,
    Unsendable,
)
from clarion.channels.discord.guard import MOST, WINDOW, InvalidRequests
from clarion.channels.discord.outcomes import ERRORS
from clarion.kit.parts import Button, Media
from simulator.client import listening

LOOK = Button("link", "Look", "https://shop.example/look")
YES = Button("reply", "Yes, please", "yes-7")
assert CASE.rehearsal is not None
DISCORD: Rehearsal = CASE.rehearsal


def sent(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(make().request(replace(CASE.message, **changes)).body)
    return body


def test_a_message_goes_to_a_channel_and_notifies_nobody() -> None:
    request = make().request(replace(CASE.message, text="Hello @everyone"))
    assert request.url == f"https://discord.com/api/v10/channels/{CHANNEL}/messages"
    body = json.loads(request.body)
    assert len(body.pop("nonce")) == 25
    assert body == {
        "content": "Hello @everyone",
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }


def test_attempts_of_one_message_have_the_same_nonce() -> None:
    assert sent()["nonce"] == sent()["nonce"]
    assert sent()["nonce"] != sent(id="abc-18")["nonce"]


def test_a_user_gets_a_channel_of_direct_messages_first() -> None:
    kind = make()
    request = kind.request(replace(CASE.message, to=f"user:{USER}"))
    assert request.url == "https://discord.com/api/v10/users/@me/channels"
    assert json.loads(request.body) == {"recipient_id": USER}
    outcome = kind.outcome(reply(200, OPENED))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.moved_to, outcome.retry_after) == ("throttled", CHANNEL, 0.1)
    assert not outcome.whole_channel
    assert kind.rank_id(CHANNEL) < kind.rank_id(f"user:{USER}")


def test_nothing_is_opened_for_a_message_that_cannot_be_sent() -> None:
    with pytest.raises(Unsendable):
        sent(to=f"user:{USER}", media=Media("file", "https://x.example/a.pdf"))


def test_pictures_and_buttons() -> None:
    body = sent(media=Media("image", "https://x.example/a.png"), buttons=(LOOK, YES) * 1)
    assert body["embeds"] == [{"image": {"url": "https://x.example/a.png"}}]
    (row,) = body["components"]
    assert row["components"][0] == {
        "type": 2, "style": 5, "label": "Look", "url": "https://shop.example/look",
    }  # fmt: skip
    assert row["components"][1]["custom_id"] == "yes-7"
    many = [replace(YES, value=f"{number}") for number in range(7)]
    assert [len(row["components"]) for row in sent(buttons=tuple(many))["components"]] == [5, 2]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"buttons": (Button("reply", "x" * 81, "y"),)}, "80 characters"),
        ({"buttons": (Button("reply", "x", "y" * 101),)}, "100 characters"),
        ({"buttons": (YES, YES)}, "same value"),
        ({"buttons": (replace(LOOK, value="https://x.example/" + "y" * 500),)}, "512"),
        ({"media": Media("image", data=b"x")}, "public URL"),
    ],
)
def test_what_discord_does_not_take_is_refused_in_words(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(**parts)


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_of_the_catalogue_is_classed(code: int) -> None:
    outcome = make().outcome(error(403, code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (ERRORS[code].refusal, str(code))


def test_a_wait_has_fractions_of_seconds() -> None:
    answer = {"message": "You are being rate limited.", "retry_after": 0.3, "global": False}
    outcome = make().outcome(reply(429, answer, retry_after="1"))
    assert isinstance(outcome, Refused)
    assert outcome.retry_after == 0.3
    assert make().limits_chat(CHANNEL)
    assert not make().limits_chat(f"user:{USER}")


def test_the_channel_stops_long_before_discord_bans_the_server() -> None:
    kind = make()
    refusals = [refusal_of(kind.outcome(error(403, 50007))) for _ in range(MOST)]
    assert set(refusals[:-1]) == {Refusal.UNREACHABLE}
    assert refusals[-1] is Refusal.MISCONFIGURED
    assert refusal_of(kind.outcome(error(403, 50007))) is Refusal.UNREACHABLE
    assert isinstance(kind.outcome(reply(200, MESSAGE)), Accepted)


def test_only_invalid_requests_of_the_last_ten_minutes_count() -> None:
    times = [0.0]
    guard = InvalidRequests(lambda: times[0])
    for _ in range(MOST - 1):
        assert not guard.is_too_many(error(403, 50007))
    assert not guard.is_too_many(reply(429, b"", x_ratelimit_scope="shared"))
    assert not guard.is_too_many(error(400, 50035))
    times[0] = WINDOW
    assert not guard.is_too_many(error(401, 0))
    for _ in range(MOST - 2):
        assert not guard.is_too_many(reply(429, b"", x_ratelimit_scope="user"))
    assert guard.is_too_many(error(401, 0))


def test_interactions_are_answered() -> None:
    kind = make(command_reply="Thanks!")
    assert kind.answer(posted({"type": 1})) == CallbackAnswer(b'{"type": 1}')
    assert kind.answer(posted(PRESSED)) == CallbackAnswer(b'{"type": 6}')
    command = kind.answer(posted(STOP))
    assert command is not None
    assert json.loads(command.body) == {"type": 4, "data": {"content": "Thanks!", "flags": 64}}
    assert kind.answer(posted({"type": True})) is None
    assert kind.answer(posted(b"x")) is None


def test_in_a_server_a_person_is_known_by_their_own_id() -> None:
    member = {"user": INTERACTION["user"], "nick": "Annie"}
    hook = posted({**PRESSED, "user": None, "member": member, "guild_id": "1", "context": 0})
    (pressed,) = make().events(hook)
    assert isinstance(pressed, Inbound)
    assert (pressed.sender, pressed.aliases) == (f"user:{USER}", ())


def test_a_command_is_read_with_its_options() -> None:
    options = [{"name": "text", "type": 3, "value": "very good"}, {"name": "stars", "value": 5}]
    data = {"id": "1", "name": "feedback", "options": options}
    (message,) = make().events(posted({**STOP, "data": data}))
    assert isinstance(message, Inbound)
    assert message.text == "/feedback very good 5"


def test_an_interaction_of_nobody_is_ignored() -> None:
    (event,) = make().events(posted({**STOP, "user": {}}))
    assert isinstance(event, Ignored)


async def test_a_repeat_is_accepted_once(stage: Stage) -> None:
    for _ in range(2):
        assert isinstance(await stage.send(DISCORD), Accepted)
    outcomes = [entry["outcome"] for entry in (await stage.ask("/_/log"))["entries"]]
    assert outcomes == ["accepted", "repeated"]


async def test_a_person_presses_a_button_and_gives_a_command(stage: Stage) -> None:
    kind = stage.make(DISCORD)
    async with listening() as listener:
        url = f"{listener.url}/hooks/1/"
        outcome = await stage.send(DISCORD, to="user:10042")
        assert isinstance(outcome, Refused)
        channel = outcome.moved_to
        await stage.send(DISCORD, to=channel, buttons=(YES, LOOK))
        await stage.ask("/_/inbound", {"discord_channel": channel, "button": "yes-7", "url": url})
        await stage.ask("/_/inbound", {"discord_channel": channel, "text": "hi", "url": url})
        events = events_of(kind, await listener.heard(2))
    texts = {event.text: event.button for event in events if isinstance(event, Inbound)}
    assert texts == {"Yes, please": "yes-7", "/say hi": ""}
    assert {event.sender for event in events if isinstance(event, Inbound)} == {channel}
