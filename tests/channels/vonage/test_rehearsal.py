"""The Vonage kind against the simulator: statuses, codes and what people write."""

import pytest

from channels.rehearsal import SECRET, Rehearsal, Stage, events_of
from channels.vonage.fixtures import CASE, KEY
from clarion.channels.contract import Accepted, Inbound, Receipt, Refused
from simulator.client import listening

assert CASE.rehearsal is not None
VONAGE: Rehearsal = CASE.rehearsal


async def test_statuses_and_messages_come_back_signed(stage: Stage) -> None:
    async with listening() as listener:
        settings = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET}
        await stage.ask("/_/behaviour", settings)
        outcome = await stage.send(VONAGE)
        await stage.send(VONAGE, to="491712!failed-1240")
        await stage.ask("/_/inbound", {"api_key": KEY, "from": "491713", "text": "Hello"})
        events = events_of(stage.make(VONAGE), await listener.heard(5))
    assert isinstance(outcome, Accepted)
    receipts = {(e.status, e.message_id, e.code) for e in events if isinstance(e, Receipt)}
    assert receipts == {("delivered", "abc-17", ""), ("failed", "abc-17", "1240")}
    assert [
        e.external_id for e in events if isinstance(e, Receipt) and e.status == "delivered"
    ] == [outcome.external_id]
    assert [e.text for e in events if isinstance(e, Inbound)] == ["Hello"]


@pytest.mark.parametrize(
    ("code", "refusal"), [(1241, "throttled"), (1070, "misconfigured"), (1160, "rejected")]
)
async def test_every_code_can_be_rehearsed(stage: Stage, code: int, refusal: str) -> None:
    outcome = await stage.send(VONAGE, to=VONAGE.faulty.format(fault=code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (refusal, str(code))
