"""The webhook kind against the simulator: signatures, receipts, pressed buttons and templates."""

import pytest

from channels.fixtures import refusal_of
from channels.rehearsal import SECRET, Rehearsal, Stage, events_of
from channels.webhook.fixtures import CASE
from clarion.channels.contract import (
    Accepted,
    Inbound,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
    Template,
)
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest
from simulator.client import listening

assert CASE.rehearsal is not None
WEBHOOK: Rehearsal = CASE.rehearsal
YES = Button("reply", "Yes, please", "story:7")
ANY_TEXT = "any text “ü” at all"


async def test_signatures_are_good(stage: Stage) -> None:
    await stage.ask("/_/behaviour", {"verify_secret": SECRET})
    assert await stage.send(WEBHOOK) == Accepted()
    await stage.ask("/_/behaviour", {"verify_secret": "whsec_YW5vdGhlcg=="})
    assert refusal_of(await stage.send(WEBHOOK)) is Refusal.MISCONFIGURED


async def test_messages_are_signed_with_any_text(stage: Stage) -> None:
    await stage.ask("/_/behaviour", {"verify_secret": ANY_TEXT})
    kind = stage.make(WEBHOOK, secret=ANY_TEXT)
    picture = Media("image", "https://pictures.example/anna.png")
    request = kind.request(Outgoing("abc-17", 3, "anna", "Hello", media=picture))
    assert isinstance(request, HttpRequest)
    assert isinstance(kind.outcome(await stage.http.send(request)), Accepted)
    assert isinstance(await stage.send(WEBHOOK), Refused)


async def test_receipts_come_back_as_events(stage: Stage) -> None:
    async with listening() as listener:
        settings = {
            "callback_url": f"{listener.url}/hooks/1/",
            "callback_secret": SECRET,
            "read": 100,
        }
        await stage.ask("/_/behaviour", settings)
        await stage.send(WEBHOOK)
        events = events_of(stage.make(WEBHOOK), await listener.heard(2))
    assert [(e.status, e.message_id) for e in events if isinstance(e, Receipt)] == [
        ("delivered", "abc-17"),
        ("read", "abc-17"),
    ]


async def test_b4_a_template_arrives(stage: Stage) -> None:
    template = Template("spring", "de", ("Anna", "10 %"))
    assert isinstance(await stage.send(WEBHOOK, "", template=template), Accepted)
    assert (await stage.last_entry())["template"] == {
        "name": "spring",
        "language": "de",
        "variables": ["Anna", "10 %"],
    }


@pytest.mark.parametrize("secret", [SECRET, ANY_TEXT])
async def test_g4_a_button_is_pressed(stage: Stage, secret: str) -> None:
    kind = stage.make(WEBHOOK, secret=secret)
    async with listening() as listener:
        await stage.ask("/_/behaviour", {"callback_secret": secret, "delivered": 0})
        await stage.send(WEBHOOK, buttons=(YES,))
        about = {"url": f"{listener.url}/hooks/1/", "from": "anna", "name": "Anna"}
        await stage.ask("/_/inbound", {**about, "button": "story:7"})
        await stage.ask("/_/inbound", {**about, "text": "Hello there"})
        pressed, message = events_of(kind, await listener.heard(2))
    assert isinstance(pressed, Inbound)
    assert isinstance(message, Inbound)
    assert (pressed.sender, pressed.text, pressed.button) == ("anna", "Yes, please", "story:7")
    assert (message.text, message.button, message.name) == ("Hello there", "", "Anna")
    assert pressed.external_id != message.external_id


@pytest.mark.parametrize(("do", "mark"), [("blocked", "blocked"), ("deactivated", "deactivated")])
async def test_a_person_who_blocked_us_does_not_stop_the_channel(
    stage: Stage, do: str, mark: str
) -> None:
    await stage.ask("/_/behave", {"recipient": "anna", "do": do})
    outcome = await stage.send(WEBHOOK)
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.mark) == ("unreachable", mark)
