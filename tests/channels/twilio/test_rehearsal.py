"""The Twilio kind against the simulator: statuses, codes and what people write."""

from dataclasses import replace

import pytest

from channels.rehearsal import Rehearsal, Stage
from channels.twilio.fixtures import ACCOUNT, CASE, SERVICE
from clarion.channels.abilities import SendsWebhookUrl
from clarion.channels.contract import (
    Accepted,
    Event,
    HookRequest,
    Inbound,
    Outgoing,
    Receipt,
    Refused,
    RegistersWebhook,
)
from clarion.kit import clock
from clarion.transport.messages import HttpRequest
from simulator.client import Post, listening

assert CASE.rehearsal is not None
TWILIO: Rehearsal = CASE.rehearsal


def events_of(stage: Stage, base: str, posts: list[Post], **settings: object) -> list[Event]:
    """What callbacks report that were posted to this server, each of them proven first."""
    kind = stage.make(TWILIO, **settings)
    events: list[Event] = []
    for post in posts:
        query = post.path.partition("?")[2]
        hook = HookRequest(post.headers, query, post.body, clock.now(), f"{base}{post.path}")
        kind.verify(hook)
        events += kind.events(hook)
    return events


async def send(stage: Stage, hook_url: str, to: str) -> object:
    kind = stage.make(TWILIO)
    assert isinstance(kind, SendsWebhookUrl)
    kind.hook_url = hook_url
    request = kind.request(Outgoing("abc-17", 3, to, "Hello"))
    assert isinstance(request, HttpRequest)
    return kind.outcome(await stage.http.send(request))


async def test_statuses_come_back_to_the_url_of_each_message(stage: Stage) -> None:
    async with listening() as listener:
        outcome = await send(stage, f"{listener.url}/hooks/1/", "491711")
        await send(stage, f"{listener.url}/hooks/1/", "491712!failed-30006")
        events = events_of(stage, listener.url, await listener.heard(4))
    assert isinstance(outcome, Accepted)
    receipts = {(e.status, e.message_id, e.code) for e in events if isinstance(e, Receipt)}
    assert receipts == {("delivered", "abc-17", ""), ("failed", "abc-17", "30006")}
    assert [e.status for e in events if isinstance(e, Receipt)
            and e.external_id == outcome.external_id] == ["delivered"]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "refusal"), [(21610, "unreachable"), (21611, "throttled"), (21659, "misconfigured")]
)
async def test_every_code_can_be_rehearsed(stage: Stage, code: int, refusal: str) -> None:
    outcome = await stage.send(TWILIO, to=TWILIO.faulty.format(fault=code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (refusal, str(code))


async def test_a_person_writes_to_a_messaging_service(stage: Stage) -> None:
    async with listening() as listener:
        kind = stage.make(TWILIO, sender=SERVICE)
        assert isinstance(kind, RegistersWebhook)
        await stage.http.send(kind.check())  # type: ignore[arg-type]
        request = kind.register(f"{listener.url}/hooks/1/")
        assert isinstance(request, HttpRequest)
        reply = await stage.http.send(request)
        assert "now sends messages" in kind.registered(reply)
        await stage.ask("/_/inbound", {"account_sid": ACCOUNT, "from": "491711", "text": "STOP"})
        message, _ = events_of(stage, listener.url, await listener.heard(1), sender=SERVICE)
    assert isinstance(message, Inbound)
    assert (message.sender, message.text) == ("491711", "STOP")
    with pytest.raises(ValueError, match=r"\.$"):
        kind.registered(replace(reply, body=b"{}"))
