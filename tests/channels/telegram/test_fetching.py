"""Asking Telegram for messages instead of being called: against the simulator."""

import json

import pytest

from channels.fixtures import reply
from channels.rehearsal import Rehearsal, Stage
from channels.telegram.fixtures import CASE
from clarion.channels.abilities import FetchesUpdates
from clarion.channels.contract import ChannelKind, HookRequest, Inbound, RegistersWebhook
from clarion.kit import clock
from clarion.transport.messages import HttpRequest

assert CASE.rehearsal is not None
TELEGRAM: Rehearsal = CASE.rehearsal


def polling(stage: Stage) -> ChannelKind:
    return stage.make(TELEGRAM, updates="polling")


async def test_what_people_write_is_fetched_once_and_confirmed_by_the_next_request(
    stage: Stage,
) -> None:
    kind = polling(stage)
    assert isinstance(kind, FetchesUpdates)
    assert kind.fetches()
    bot = TELEGRAM.settings(stage.simulator)["token"]
    for text in ("Hello", "STOP"):
        await stage.ask("/_/inbound", {"bot": bot, "chat_id": 17, "text": text, "name": "Ben"})

    request = kind.fetch("")
    assert isinstance(request, HttpRequest)
    first = kind.fetched(await stage.http.send(request), "")
    again = kind.fetched(await stage.http.send(request), "")
    assert again.bodies == first.bodies, "not confirmed yet"
    hooks = [HookRequest({}, "", body, clock.now()) for body in first.bodies]
    events = [event for hook in hooks for event in kind.events(hook)]
    assert [e.text for e in events if isinstance(e, Inbound)] == ["Hello", "STOP"]

    await stage.ask("/_/inbound", {"bot": bot, "chat_id": 17, "text": "More", "name": "Ben"})
    following = kind.fetch(first.cursor)
    assert isinstance(following, HttpRequest)
    assert following.timeout > 30
    rest = kind.fetched(await stage.http.send(following), first.cursor)
    (update,) = map(json.loads, rest.bodies)
    assert update["message"]["text"] == "More"


async def test_a_pressed_button_is_shown_as_done(stage: Stage) -> None:
    kind = polling(stage)
    assert isinstance(kind, FetchesUpdates)
    bot = TELEGRAM.settings(stage.simulator)["token"]
    await stage.ask("/_/inbound", {"bot": bot, "chat_id": 17, "button": "yes-7", "name": "Ben"})
    request = kind.fetch("")
    assert isinstance(request, HttpRequest)
    fetched = kind.fetched(await stage.http.send(request), "")
    (answer,) = fetched.requests
    assert isinstance(answer, HttpRequest)
    assert answer.url.endswith("/answerCallbackQuery")
    assert (await stage.http.send(answer)).status == 200


async def test_a_webhook_that_is_still_registered_is_said_and_can_be_removed(stage: Stage) -> None:
    called = stage.make(TELEGRAM)
    assert isinstance(called, RegistersWebhook)
    registering = called.register("https://clarion.example/hooks/1/")
    assert isinstance(registering, HttpRequest)
    await stage.http.send(registering)

    kind = polling(stage)
    assert isinstance(kind, FetchesUpdates)
    assert isinstance(kind, RegistersWebhook)
    request = kind.fetch("")
    assert isinstance(request, HttpRequest)
    with pytest.raises(ValueError, match=r"A webhook is registered for this bot.*Press"):
        kind.fetched(await stage.http.send(request), "")
    removing = kind.register("https://clarion.example/hooks/1/")
    assert isinstance(removing, HttpRequest)
    assert removing.url.endswith("/deleteWebhook")
    assert "calls no webhook" in kind.registered(await stage.http.send(removing))
    await stage.ask("/_/inbound", {"bot": TELEGRAM.settings(stage.simulator)["token"],
                                   "chat_id": 17, "text": "Hi", "name": "Ben"})  # fmt: skip
    assert kind.fetched(await stage.http.send(request), "").bodies


@pytest.mark.parametrize(
    ("status", "description", "words"),
    [
        (409, "Conflict: terminated by other getUpdates request", "Another program fetches"),
        (401, "Unauthorized", "token"),
        (502, "Bad Gateway", "502"),
    ],
)
def test_why_nothing_is_given_out(status: int, description: str, words: str) -> None:
    kind = CASE.make(updates="polling")
    assert isinstance(kind, FetchesUpdates)
    body = {"ok": False, "error_code": status, "description": description}
    with pytest.raises(ValueError, match=words):
        kind.fetched(reply(status, body), "5")


def test_an_empty_answer_keeps_the_place() -> None:
    kind = CASE.make(updates="polling")
    assert isinstance(kind, FetchesUpdates)
    assert kind.fetched(reply(200, {"ok": True, "result": []}), "5").cursor == "5"
    called = CASE.make()
    assert isinstance(called, FetchesUpdates)
    assert not called.fetches()


def test_no_answer_is_larger_than_the_transport_accepts() -> None:
    kind = CASE.make(updates="polling")
    assert isinstance(kind, FetchesUpdates)
    request = kind.fetch("")
    assert isinstance(request, HttpRequest)
    text = "😀" * 4_096  # an emoji takes twelve bytes in Telegram's JSON
    marks = [{"offset": n, "length": 1, "type": "bold"} for n in range(100)]
    chat = {"id": 17, "type": "private", "first_name": "Ben"}
    message = {"message_id": 1, "date": 1, "chat": chat, "text": text, "entities": marks}
    update = {"update_id": 1, "message": {**message, "reply_to_message": message}}
    most = json.loads(request.body)["limit"]
    answer = {"ok": True, "result": [update] * most}
    assert len(json.dumps(answer)) < 1_048_576
    assert len(kind.fetched(reply(200, answer), "").bodies) == most
