"""The Mailgun kind against the simulator: deliveries, bounces and complaints."""

from channels.mailgun.fixtures import CASE
from channels.rehearsal import SECRET, Rehearsal, Stage, events_of
from clarion.channels.contract import AddressReport, Receipt
from simulator.client import listening

assert CASE.rehearsal is not None
MAILGUN: Rehearsal = CASE.rehearsal


async def test_what_becomes_of_messages_comes_back_as_events(stage: Stage) -> None:
    async with listening() as listener:
        settings = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET}
        await stage.ask("/_/behaviour", settings)
        for to in ("bob+complaint@example.org", "cyd+bounce@example.org", "dan+failed@example.org"):
            await stage.send(MAILGUN, to=to)
        events = events_of(stage.make(MAILGUN), await listener.heard(4))
    statuses = [(e.status, e.unreachable, e.message_id) for e in events if isinstance(e, Receipt)]
    assert sorted(statuses) == [
        ("delivered", False, "abc-17"),
        ("failed", False, "abc-17"),
        ("failed", True, "abc-17"),
    ]
    assert {(e.address, e.cause) for e in events if isinstance(e, AddressReport)} == {
        ("bob+complaint@example.org", "complaint"),
        ("cyd+bounce@example.org", "hard_bounce"),
    }
