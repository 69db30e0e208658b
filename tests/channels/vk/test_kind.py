"""What is special about VK: the form, keyboards, errors with HTTP 200, the Callback API.

The fields of requests are those of messages.send in VKCOM/vk-api-schema (messages/methods.json),
the codes those of its errors.json.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from channels.fixtures import reply
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
    SendsBatches,
    Unsendable,
)
from clarion.channels.vk.errors import ERRORS
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest
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


PEOPLE = [replace(CASE.message, to=person, id=person) for person in ("42", "43", "44", "45")]


def classes(outcomes: Any) -> list[str]:
    return [
        outcome.refusal.value if isinstance(outcome, Refused) else "accepted"
        for outcome in outcomes
    ]


def test_messages_that_are_the_same_share_a_request() -> None:
    kind = make()
    assert {kind.shared(each) for each in PEOPLE} == {kind.shared(PEOPLE[0])}
    assert kind.shared(replace(PEOPLE[0], text="Hi")) != kind.shared(PEOPLE[0])
    assert kind.shared(replace(PEOPLE[0], buttons=(YES,))) != kind.shared(PEOPLE[0])
    picture = Media("image", "https://shop.example/a.png")
    assert kind.shared(replace(PEOPLE[0], media=picture)) is None
    fields = dict(parse_qsl(kind.batch_request(PEOPLE).body.decode()))
    number = fields.pop("random_id")
    assert fields == {"peer_ids": "42,43,44,45", "message": "Hello Anna", "v": "5.199"}
    assert f"random_id={number}".encode() in kind.batch_request(PEOPLE).body
    assert f"random_id={number}".encode() not in kind.batch_request(PEOPLE[:3]).body


def test_each_recipient_of_a_request_has_an_outcome() -> None:
    entries = [
        {"peer_id": 44, "message_id": 0, "error": {"code": 9, "description": "Flood control"}},
        {"peer_id": 42, "message_id": 7, "conversation_message_id": 5},
        {"peer_id": 43, "message_id": 0, "error": {"code": 901, "description": "No permission"}},
    ]
    outcomes = make().batch_outcomes(PEOPLE, reply(200, {"response": entries}))
    assert classes(outcomes) == ["accepted", "unreachable", "throttled", "unknown"]
    _, blocked, flooded, _ = outcomes
    assert isinstance(blocked, Refused)
    assert isinstance(flooded, Refused)
    assert (blocked.code, blocked.mark) == ("901", "blocked")
    assert not flooded.whole_channel


@pytest.mark.parametrize(
    ("entry", "class_"),
    [
        ({"message_id": 0, "error": "Permission to perform this action is denied"}, "rejected"),
        ({"message_id": 0, "error": {"code": "9"}}, "rejected"),
        ({"message_id": 0}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_entries_in_other_forms(entry: dict[str, Any], class_: str) -> None:
    answer = reply(200, {"response": [{"peer_id": int(each.to), **entry} for each in PEOPLE]})
    assert classes(make().batch_outcomes(PEOPLE, answer)) == [class_] * 4


@pytest.mark.parametrize(
    ("answer", "class_"),
    [
        (error(6), "throttled"),
        (error(5), "misconfigured"),
        (reply(502, b"<html>"), "unknown"),
        (reply(200, {"response": [1, None, "x"]}), "unknown"),
        (reply(200, {"response": {}}), "unknown"),
    ],
)
def test_what_is_about_the_whole_request(answer: Any, class_: str) -> None:
    assert classes(make().batch_outcomes(PEOPLE, answer)) == [class_] * 4


async def test_some_recipients_of_a_request_fail(stage: Stage) -> None:
    await stage.ask("/_/behaviour", {"rate_limit": 1})  # it counts requests
    people = ["42", "43!blocked", "44!deactivated", "45!400", "46!429", "47"]
    messages = [replace(CASE.message, to=person) for person in people]
    kind = stage.make(VK)
    assert isinstance(kind, SendsBatches)
    request = kind.batch_request(messages)
    assert isinstance(request, HttpRequest)
    answer = await stage.http.send(request)
    named = [replace(each, to=each.to.partition("!")[0]) for each in messages]
    outcomes = kind.batch_outcomes(named, answer)
    codes = [outcome.code if isinstance(outcome, Refused) else "" for outcome in outcomes]
    assert codes == ["", "901", "18", "936", "9", ""]
    accepted = (await stage.ask("/_/log?outcome=accepted"))["entries"]
    assert sorted(entry["recipient"] for entry in accepted) == ["42", "47"]
    repeated = kind.batch_outcomes(named, await stage.http.send(request))
    assert list(repeated) == list(outcomes)  # the same random_id: nobody gets it twice
    assert len((await stage.ask("/_/log?outcome=accepted"))["entries"]) == 2
