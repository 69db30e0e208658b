"""Viber against the simulator: broadcast messages with failures, receipts, subscribers."""

from dataclasses import replace

from channels.rehearsal import Rehearsal, Stage, events_of
from channels.viber.fixtures import ANNA, BERT, CASE
from clarion.channels.contract import (
    Accepted,
    Inbound,
    OptOut,
    Outcome,
    Receipt,
    Refused,
    SendsBatches,
)
from clarion.kit.parts import Button
from clarion.transport.messages import HttpRequest
from simulator.client import listening

assert CASE.rehearsal is not None
VIBER: Rehearsal = CASE.rehearsal


async def broadcast(stage: Stage, *people: str) -> list[Outcome]:
    """Send one message to these with one request."""
    kind = stage.make(VIBER)
    assert isinstance(kind, SendsBatches)
    messages = [replace(CASE.message, to=person) for person in people]
    request = kind.batch_request(messages)
    assert isinstance(request, HttpRequest)
    return list(kind.batch_outcomes(messages, await stage.http.send(request)))


async def test_some_recipients_of_a_broadcast_message_fail(stage: Stage) -> None:
    blocked, unknown, wrong, busy = (
        f"01234567890!{fault}" for fault in ("blocked", "deactivated", "400", "429")
    )
    outcomes = await broadcast(stage, ANNA, blocked, unknown, wrong, busy, BERT)

    codes = [outcome.code if isinstance(outcome, Refused) else "" for outcome in outcomes]
    assert codes == ["", "6", "5", "3", "12", ""]
    accepted = (await stage.ask("/_/log?outcome=accepted"))["entries"]
    assert sorted(entry["recipient"] for entry in accepted) == sorted([ANNA, BERT])
    tokens = {outcome.external_id for outcome in outcomes if isinstance(outcome, Accepted)}
    assert len(tokens) == 2


async def test_the_limit_counts_one_request_for_many_as_one(stage: Stage) -> None:
    await stage.ask("/_/behaviour", {"rate_limit": 2})
    people = [f"{number:022d}==" for number in range(6)]
    first = await broadcast(stage, *people[:3])
    second = await broadcast(stage, *people[3:])
    assert all(isinstance(outcome, Accepted) for outcome in first + second)


async def test_receipts_name_the_recipient_and_presses_come_back(stage: Stage) -> None:
    kind = stage.make(VIBER)
    async with listening() as listener:
        await stage.ask("/_/behaviour", {"callback_url": f"{listener.url}/hooks/1/", "read": 100})
        outcome, _ = await broadcast(stage, ANNA, BERT)
        receipts = events_of(kind, await listener.heard(4))
        about = {"viber": "rehearsal-token", "from": ANNA}
        message = replace(CASE.message, buttons=(Button("reply", "Yes", "story:7"),))
        request = kind.request(message)
        assert isinstance(request, HttpRequest)
        tracking = '{"buttons":{"Yes":"story:7"}}'
        assert tracking.replace('"', '\\"').encode() in request.body
        await stage.ask("/_/inbound", {**about, "text": "Yes", "tracking": tracking})
        await stage.ask("/_/inbound", {**about, "event": "unsubscribed"})
        told = events_of(kind, (await listener.heard(6))[4:])
    assert isinstance(outcome, Accepted)
    assert sorted(
        event.status
        for event in receipts
        if isinstance(event, Receipt) and event.external_id == outcome.external_id
    ) == ["delivered", "read"]
    assert sorted(type(event).__name__ for event in told) == ["Inbound", "OptOut"]
    assert [event.button for event in told if isinstance(event, Inbound)] == ["story:7"]
    assert [event.state for event in told if isinstance(event, OptOut)] == ["opted_out"]


async def test_the_webhook_is_called_when_it_is_registered(stage: Stage) -> None:
    kind = stage.make(VIBER)
    async with listening() as listener:
        request = kind.register(f"{listener.url}/hooks/1/")  # type: ignore[attr-defined]
        said = kind.registered(await stage.http.send(request))  # type: ignore[attr-defined]
        (post,) = await listener.heard(1)
    assert "this server" in said
    assert b'"event": "webhook"' in post.body
