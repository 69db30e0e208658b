"""The Telegram kind against the simulator: pressed buttons, and people who write to the bot."""

from channels.rehearsal import Rehearsal, Stage, events_of
from channels.telegram.fixtures import CASE, REHEARSAL_TOKEN
from clarion.channels.contract import Inbound, OptOut, Refused
from clarion.channels.telegram.kind import TelegramKind
from clarion.kit.parts import Button, Media
from simulator.client import listening

assert CASE.rehearsal is not None
TELEGRAM: Rehearsal = CASE.rehearsal
YES = Button("reply", "Yes, please", "story:7")


def bot_of(stage: Stage) -> TelegramKind:
    bot = stage.make(TELEGRAM)
    assert isinstance(bot, TelegramKind)
    return bot


async def test_a_picture_that_telegram_cannot_read_is_refused(stage: Stage) -> None:
    outcome = await stage.send(TELEGRAM, media=Media("image", data=b"no picture"))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "Telegram can't read the picture. Use another one."


async def test_a_person_writes_to_the_bot(stage: Stage) -> None:
    bot = bot_of(stage)
    async with listening() as listener:
        registered = await stage.http.send(bot.register(f"{listener.url}/hooks/1/"))
        assert "now sends new messages" in bot.registered(registered)
        message = {"bot": REHEARSAL_TOKEN, "chat_id": 42, "text": "/stop", "name": "Anna"}
        await stage.ask("/_/inbound", message)
        inbound, opt_out = events_of(bot, await listener.heard(1))
    assert isinstance(inbound, Inbound)
    assert (inbound.sender, inbound.text, inbound.name) == ("42", "/stop", "Anna")
    assert isinstance(opt_out, OptOut)
    assert opt_out.state == "opted_out"


async def test_g4_a_button_of_the_bot_is_pressed(stage: Stage) -> None:
    bot = bot_of(stage)
    async with listening() as listener:
        await stage.http.send(bot.register(f"{listener.url}/hooks/1/"))
        await stage.send(TELEGRAM, buttons=(YES,))
        for chat_id in (42, 43):
            press = {"bot": REHEARSAL_TOKEN, "chat_id": chat_id, "button": "story:7"}
            await stage.ask("/_/inbound", press)
        events = events_of(bot, await listener.heard(2))
    pressed = {event.sender: event for event in events if isinstance(event, Inbound)}
    known, unknown = pressed["42"], pressed["43"]
    assert (known.text, known.button, known.name) == ("Yes, please", "story:7", "Anna")
    assert (unknown.text, unknown.button) == ("", "story:7")
