"""The WhatsApp kind against the simulator: statuses, codes and pressed buttons."""

from dataclasses import replace

import pytest

from channels.rehearsal import SECRET, Rehearsal, Stage, events_of
from channels.whatsapp.fixtures import CASE, PHONE_NUMBER_ID
from clarion.channels.abilities import UploadsFirst
from clarion.channels.contract import Accepted, Inbound, OptOut, Receipt, Refused
from clarion.kit.parts import Media
from simulator.client import listening

assert CASE.rehearsal is not None
WHATSAPP: Rehearsal = CASE.rehearsal


async def test_statuses_come_back_as_events(stage: Stage) -> None:
    async with listening() as listener:
        settings = {
            "callback_url": f"{listener.url}/hooks/1/",
            "callback_secret": SECRET,
            "read": 100,
        }
        await stage.ask("/_/behaviour", settings)
        outcome = await stage.send(WHATSAPP)
        await stage.send(WHATSAPP, to="491712!failed-131050")
        events = events_of(stage.make(WHATSAPP), await listener.heard(5))
    assert isinstance(outcome, Accepted)
    receipts = [event for event in events if isinstance(event, Receipt)]
    assert {(e.status, e.message_id) for e in receipts} == {
        ("delivered", "abc-17"),
        ("read", "abc-17"),
        ("failed", "abc-17"),
    }
    assert [e.status for e in receipts if e.external_id == outcome.external_id] == [
        "delivered",
        "read",
    ]
    assert [e.state for e in events if isinstance(e, OptOut)] == ["opted_out"]


@pytest.mark.parametrize(
    ("code", "refusal"), [(131047, "rejected"), (131056, "throttled"), (368, "misconfigured")]
)
async def test_every_code_can_be_rehearsed(stage: Stage, code: int, refusal: str) -> None:
    outcome = await stage.send(WHATSAPP, to=WHATSAPP.faulty.format(fault=code))
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.code) == (refusal, str(code))


async def test_a_person_presses_a_button(stage: Stage) -> None:
    async with listening() as listener:
        settings = {"callback_url": f"{listener.url}/hooks/1/", "callback_secret": SECRET}
        await stage.ask("/_/behaviour", settings)
        about = {"phone": PHONE_NUMBER_ID, "from": "491711", "name": "Ben"}
        await stage.ask("/_/inbound", {**about, "text": "Leave me", "button": "STOP"})
        message, opt_out = events_of(stage.make(WHATSAPP), await listener.heard(1))
    assert isinstance(message, Inbound)
    assert (message.sender, message.text, message.button) == ("491711", "Leave me", "STOP")
    assert isinstance(opt_out, OptOut)


async def test_a_file_that_nobody_can_fetch_is_uploaded_and_sent_by_its_id(stage: Stage) -> None:
    picture = Media("image", "", "a.png", "image/png", b"\x89PNG\r\n\x1a\n")
    kind = stage.make(WHATSAPP)
    assert isinstance(kind, UploadsFirst)
    upload = kind.upload(picture)
    assert upload is not None
    kept_id = kind.uploaded(await stage.http.send(upload))
    assert isinstance(kept_id, str)
    outcome = await stage.send(WHATSAPP, media=replace(picture, kept_id=kept_id))
    assert isinstance(outcome, Accepted)
