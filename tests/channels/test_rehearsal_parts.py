"""Pictures, files, buttons and templates over the real transport to the simulator, and back."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.test_rehearsal import SECRET, TOKEN, Stage, told
from clarion.channels.contract import (
    Accepted,
    Inbound,
    Outcome,
    Outgoing,
    Refused,
    Template,
    Unsendable,
)
from clarion.channels.telegram.kind import TelegramKind
from clarion.kit.parts import Button, Media
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpRequest
from clarion.transport.smtp import SmtpPool
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import listening

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000  # 768 kB, larger than one read
URL = "https://pictures.example/anna.png"
LOOK = Button("link", "Look", "https://shop.example/")
YES = Button("reply", "Yes, please", "story:7")
TO = {"webhook": "anna", "telegram": "42", "email": "anna@example.org", "whatsapp": "491711"}


@pytest.fixture
async def scene() -> AsyncIterator[Stage]:
    async with Simulator(Behaviour(keep_text=5000)) as simulator:
        http, smtp = HttpClient(), SmtpPool()
        yield Stage(simulator, http, smtp)
        await http.close()
        await smtp.close()


async def send(scene: Stage, kind: str, text: str = "Hello", **parts: Any) -> Outcome:
    adapter = scene.make(kind)
    request = adapter.request(Outgoing("abc-17", 3, TO[kind], text, "Spring", **parts))
    if isinstance(request, HttpRequest):
        return adapter.outcome(await scene.http.send(request))
    return adapter.outcome(await scene.smtp.send(request))


async def entry(scene: Stage) -> dict[str, Any]:
    found: list[dict[str, Any]] = (await scene.ask("/_/log"))["entries"]
    return found[-1]


@pytest.mark.parametrize("kind", TO)
async def test_b2_a_picture_with_an_address_arrives(scene: Stage, kind: str) -> None:
    media = Media("image", URL, "anna.png", "image/png")
    assert isinstance(await send(scene, kind, media=media), Accepted)
    found = await entry(scene)
    assert found["outcome"] == "accepted"
    if kind in ("webhook", "telegram"):
        assert (found["media"]["kind"], found["media"]["url"]) == ("image", URL)
        assert found["text"] == "Hello"
    else:
        assert "Hello" in found["text"]


@pytest.mark.parametrize("kind", ["webhook", "telegram", "email"])
async def test_b2_an_upload_arrives_whole(scene: Stage, kind: str) -> None:
    media = Media("image", "", "anna ü.png", "image/png", PNG)
    assert isinstance(await send(scene, kind, media=media), Accepted)
    found = await entry(scene)
    if kind == "email":
        assert "multipart/related" in found["text"]
        return
    assert found["media"] == {
        "kind": "image",
        "name": "anna ü.png",
        "content_type": "image/png",
        "size": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
    }


async def test_whatsapp_says_what_to_do_about_an_upload_that_nobody_can_fetch(
    scene: Stage,
) -> None:
    with pytest.raises(Unsendable, match="CLARION_PUBLIC_URL"):
        await send(scene, "whatsapp", media=Media("image", "", "a.png", "image/png", PNG))


@pytest.mark.parametrize("media", [None, Media("file", "", "a.ods", "application/x-ods", b"ods")])
async def test_b2_buttons_arrive(scene: Stage, media: Media | None) -> None:
    for kind in ("webhook", "telegram"):
        assert isinstance(await send(scene, kind, media=media, buttons=(LOOK, YES)), Accepted)
        found = await entry(scene)
        assert found["buttons"] == [
            {"kind": "link", "label": "Look", "value": "https://shop.example/"},
            {"kind": "reply", "label": "Yes, please", "value": "story:7"},
        ]
        assert ("media" in found) is (media is not None)


async def test_b4_a_template_arrives(scene: Stage) -> None:
    template = Template("spring", "de", ("Anna", "10 %"))
    assert isinstance(await send(scene, "webhook", "", template=template), Accepted)
    assert (await entry(scene))["template"] == {
        "name": "spring",
        "language": "de",
        "variables": ["Anna", "10 %"],
    }


async def test_a_picture_that_telegram_cannot_read_is_refused(scene: Stage) -> None:
    outcome = await send(scene, "telegram", media=Media("image", data=b"no picture"))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "Telegram can't read the picture. Use another one."


async def test_g4_a_button_of_the_bot_is_pressed(scene: Stage) -> None:
    bot = scene.make("telegram")
    assert isinstance(bot, TelegramKind)
    async with listening() as listener:
        await scene.http.send(bot.register(f"{listener.url}/hooks/1/"))
        await send(scene, "telegram", buttons=(LOOK, YES))
        await scene.ask("/_/inbound", {"bot": TOKEN, "chat_id": 42, "button": "story:7"})
        await scene.ask("/_/inbound", {"bot": TOKEN, "chat_id": 43, "button": "story:7"})
        known, unknown = told(bot, await listener.heard(2))
    if isinstance(known, Inbound) and known.sender != "42":
        known, unknown = unknown, known
    assert isinstance(known, Inbound)
    assert (known.sender, known.text, known.button, known.name) == (
        "42",
        "Yes, please",
        "story:7",
        "Anna",
    )
    assert isinstance(unknown, Inbound)
    assert (unknown.sender, unknown.text, unknown.button) == ("43", "", "story:7")


@pytest.mark.parametrize("secret", [SECRET, "any text “ü” at all"])
async def test_g4_a_button_of_the_webhook_kind_is_pressed(scene: Stage, secret: str) -> None:
    kind = scene.make("webhook", secret=secret)
    async with listening() as listener:
        await scene.ask("/_/behaviour", {"callback_secret": secret, "delivered": 0})
        await send(scene, "webhook", buttons=(YES,))
        about = {"url": f"{listener.url}/hooks/1/", "from": "anna", "name": "Anna"}
        await scene.ask("/_/inbound", {**about, "button": "story:7"})
        await scene.ask("/_/inbound", {**about, "text": "Hello there"})
        pressed, written = told(kind, await listener.heard(2))
    assert isinstance(pressed, Inbound)
    assert isinstance(written, Inbound)
    assert (pressed.sender, pressed.text, pressed.button) == ("anna", "Yes, please", "story:7")
    assert (written.text, written.button, written.name) == ("Hello there", "", "Anna")
    assert pressed.external_id != written.external_id


async def test_messages_are_signed_with_any_text(scene: Stage) -> None:
    await scene.ask("/_/behaviour", {"verify_secret": "any text “ü” at all"})
    kind = scene.make("webhook", secret="any text “ü” at all")
    request = kind.request(Outgoing("abc-17", 3, "anna", "Hello", media=Media("image", URL)))
    assert isinstance(request, HttpRequest)
    assert isinstance(kind.outcome(await scene.http.send(request)), Accepted)
    assert isinstance(await send(scene, "webhook"), Refused)


@pytest.mark.parametrize(("do", "mark"), [("blocked", "blocked"), ("deactivated", "deactivated")])
async def test_a_person_who_blocked_us_does_not_stop_the_channel(
    scene: Stage, do: str, mark: str
) -> None:
    await scene.ask("/_/behave", {"recipient": "anna", "do": do})
    outcome = await send(scene, "webhook")
    assert isinstance(outcome, Refused)
    assert (outcome.refusal, outcome.mark) == ("unreachable", mark)
