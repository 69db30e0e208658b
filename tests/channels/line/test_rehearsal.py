"""LINE against the simulator: multicasts, retry keys, people who write and leave."""

from dataclasses import replace

from channels.line.fixtures import ANNA, BERT, CASE
from channels.rehearsal import Rehearsal, Stage, events_of
from clarion.channels.contract import (
    Accepted,
    Inbound,
    OptOut,
    Outcome,
    RegistersWebhook,
    SendsBatches,
)
from clarion.transport.messages import HttpRequest
from simulator.client import listening

assert CASE.rehearsal is not None
LINE: Rehearsal = CASE.rehearsal


async def multicast(stage: Stage, *people: str) -> list[Outcome]:
    """Send one message to these with one request."""
    kind = stage.make(LINE)
    assert isinstance(kind, SendsBatches)
    messages = [replace(CASE.message, to=person, id=person) for person in people]
    request = kind.batch_request(messages)
    assert isinstance(request, HttpRequest)
    return list(kind.batch_outcomes(messages, await stage.http.send(request)))


async def test_a_repeated_multicast_is_accepted_once(stage: Stage) -> None:
    for _ in range(2):
        assert all(isinstance(one, Accepted) for one in await multicast(stage, ANNA, BERT))
    entries = (await stage.ask("/_/log"))["entries"]
    outcomes = sorted(entry["outcome"] for entry in entries)
    assert outcomes == ["accepted", "accepted", "refused:409", "refused:409"]
    assert len({entry["key"] for entry in entries}) == 1


async def test_a_repeated_push_is_accepted_once(stage: Stage) -> None:
    for _ in range(2):
        assert isinstance(await stage.send(LINE), Accepted)
    assert len((await stage.ask("/_/log?outcome=accepted"))["entries"]) == 1


async def test_people_write_press_and_leave(stage: Stage) -> None:
    kind = stage.make(LINE)
    assert isinstance(kind, RegistersWebhook)
    async with listening() as listener:
        await stage.ask("/_/behaviour", {"callback_secret": "hush"})
        request = kind.register(f"{listener.url}/hooks/1/")
        assert isinstance(request, HttpRequest)
        assert "webhook URL" in kind.registered(await stage.http.send(request))
        for what in ({"text": "Hello"}, {"data": "story:7\nYes"}, {"event": "unfollow"}):
            about = {"line": "rehearsal-token", "from": ANNA}
            await stage.ask("/_/inbound", {**about, **what})
        told = events_of(stage.make(LINE), await listener.heard(3))
    messages = [event for event in told if isinstance(event, Inbound)]
    assert sorted((each.text, each.button) for each in messages) == [
        ("Hello", ""),
        ("Yes", "story:7"),
    ]
    assert [event.state for event in told if isinstance(event, OptOut)] == ["blocked"]
