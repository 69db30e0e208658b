"""What is special about VK: the form, keyboards, errors with HTTP 200, the Callback API.

The fields of requests are those of messages.send in VKCOM/vk-api-schema (messages/methods.json),
the codes those of its errors.json.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from channels.rehearsal import Rehearsal, Stage, events_of
from channels.vk.fixtures import CASE, GROUP, SECRET, error, make, opened, posted, written
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    CallbackAnswer,
    Ignored,
    Inbound,
    OptOut,
    Refused,
    Unsendable,
)
from clarion.channels.vk.errors import ERRORS
from clarion.kit.parts import Button, Media
from simulator.client import listening

LOOK = Button("link", "Look", "https://shop.example/look")
YES = Button("reply", "Yes, please", "yes-7")
assert CASE.rehearsal is not None
VK: Rehearsal = CASE.rehearsal


def sent(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(opened(make().request(replace(CASE.message, **changes))))
    return fields


def test_a_message_is_a_form_without_the_token() -> None:
    request = make().request(replace(CASE.message, text="a & b = ü"))
    assert request.url == "https://api.vk.com/method/messages.send"
    fields = dict(parse_qsl(request.body.decode()))
    assert 0 < int(fields.pop("random_id")) < 2**31
    assert fields == {"peer_id": "42", "message": "a & b = ü", "v": "5.199"}


def test_attempts_of_one_message_have_the_same_random_id() -> None:
    assert sent()["random_id"] == sent()["random_id"]
    assert sent()["random_id"] != sent(id="abc-18")["random_id"]
    assert sent()["random_id"] != sent(to="43")["random_id"]


def test_buttons_are_an_inline_keyboard() -> None:
    keyboard = sent(buttons=(LOOK, YES))["keyboard"]
    assert keyboard == {
        "one_time": False,
        "inline": True,
        "buttons": [
            [{"action": {"type": "open_link", "link": LOOK.value, "label": "Look"}}],
            [{"action": {"type": "text", "label": YES.label, "payload": {"button": "yes-7"}}}],
        ],
    }
    rows = sent(buttons=(YES,) * 9)["keyboard"]["buttons"]
    assert [len(row) for row in rows] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"buttons": (Button("reply", "x" * 41, "y"),)}, "40 characters"),
        ({"buttons": (Button("reply", "x", "y" * 250),)}, "240 characters"),
        ({"media": Media("image", "https://x.example/a.png")}, "accepts no pictures"),
    ],
)
def test_what_vk_does_not_take_is_refused_in_words(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(**parts)


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_of_the_catalogue_is_classed(code: int) -> None:
    outcome = make().outcome(error(code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (ERRORS[code].refusal, str(code))


def test_flood_control_is_about_one_person() -> None:
    flood, too_fast = make().outcome(error(9)), make().outcome(error(6))
    assert isinstance(flood, Refused)
    assert isinstance(too_fast, Refused)
    assert (flood.whole_channel, flood.retry_after) == (False, 60.0)
    assert (too_fast.whole_channel, too_fast.retry_after) == (True, 1.0)


def test_who_allows_messages_or_no_longer() -> None:
    kind = make()
    (deny,) = kind.events(posted("message_deny", {"user_id": 42}))
    (allow,) = kind.events(posted("message_allow", {"user_id": 42, "key": "x"}))
    assert isinstance(deny, OptOut)
    assert isinstance(allow, OptOut)
    assert (deny.state, allow.state) == ("blocked", "reachable")


@pytest.mark.parametrize(
    "changes",
    [
        {"peer_id": 2_000_000_001},
        {"from_id": -5},
        {"id": 0, "conversation_message_id": 0},
    ],
)
def test_messages_that_nobody_wrote_to_the_community_are_ignored(changes: dict[str, int]) -> None:
    (event,) = make().events(posted("message_new", written(**changes)))
    assert isinstance(event, Ignored)


def test_a_picture_and_a_foreign_button_are_messages_as_well() -> None:
    picture = written(text="", attachments=[{"type": "photo"}], payload='{"command": "start"}')
    (message,) = make().events(posted("message_new", picture))
    assert isinstance(message, Inbound)
    assert (message.text, message.button, message.payload) == ("[photo]", "", {"media": "photo"})


def test_vk_is_answered_with_exactly_the_text_that_it_waits_for() -> None:
    kind = make()
    hook = posted("confirmation", None, None)
    kind.verify(hook)
    assert kind.answer(hook) == CallbackAnswer(b"de2ad7ab", "text/plain")
    assert kind.answer(posted("message_new", written())) == CallbackAnswer(b"ok", "text/plain")
    assert make(confirmation="").answer(hook) is None


def test_strangers_who_ask_for_the_confirmation_string_fill_no_table() -> None:
    kind = make()
    assert list(kind.events(posted("confirmation", None, None))) == []
    with pytest.raises(BadSignature):
        kind.verify(posted("confirmation", {"filling": "x" * 2_000}, None))


async def test_a_repeat_is_accepted_once(stage: Stage) -> None:
    for _ in range(2):
        assert isinstance(await stage.send(VK), Accepted)
    outcomes = [entry["outcome"] for entry in (await stage.ask("/_/log"))["entries"]]
    assert outcomes == ["accepted", "repeated"]


async def test_a_person_writes_and_presses_a_button(stage: Stage) -> None:
    async with listening() as listener:
        url = f"{listener.url}/hooks/1/"
        await stage.ask("/_/behaviour", {"callback_secret": SECRET, "callback_url": url})
        await stage.send(VK, buttons=(YES, LOOK))
        about = {"vk_person": "42", "group": GROUP}
        await stage.ask("/_/inbound", {**about, "button": "yes-7"})
        await stage.ask("/_/inbound", {**about, "text": "Hello"})
        events = events_of(stage.make(VK), await listener.heard(2))
    texts = {event.text: event.button for event in events if isinstance(event, Inbound)}
    assert texts == {"Yes, please": "yes-7", "Hello": ""}
