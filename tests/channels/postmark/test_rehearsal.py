"""The Postmark kind against the simulator: deliveries, bounces and complaints."""

from channels.postmark.fixtures import CASE
from channels.rehearsal import Rehearsal, Stage, events_of
from clarion.channels.contract import AddressReport, Receipt, RegistersWebhook
from clarion.transport.messages import HttpRequest
from simulator.client import listening

assert CASE.rehearsal is not None
POSTMARK: Rehearsal = CASE.rehearsal


async def test_what_becomes_of_messages_comes_back_as_events(stage: Stage) -> None:
    kind = stage.make(POSTMARK)
    assert isinstance(kind, RegistersWebhook)
    async with listening() as listener:
        request = kind.register(f"{listener.url}/hooks/1/")
        assert isinstance(request, HttpRequest)
        assert "reports" in kind.registered(await stage.http.send(request))
        for to in ("anna@example.org", "bob+complaint@example.org", "cyd+bounce@example.org"):
            await stage.send(POSTMARK, to=to)
        await stage.send(POSTMARK, to="dan+failed@example.org")
        events = events_of(kind, await listener.heard(5))
    statuses = [(e.status, e.unreachable, e.message_id) for e in events if isinstance(e, Receipt)]
    assert sorted(statuses) == [
        ("delivered", False, "abc-17"),
        ("delivered", False, "abc-17"),
        ("failed", False, "abc-17"),
        ("failed", True, "abc-17"),
    ]
    assert {(e.address, e.cause) for e in events if isinstance(e, AddressReport)} == {
        ("bob+complaint@example.org", "complaint"),
        ("cyd+bounce@example.org", "hard_bounce"),
    }
