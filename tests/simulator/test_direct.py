"""The Send API of Messenger and Instagram: what is accepted, what is refused, what comes back."""

import json
from typing import Any

import pytest

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import Reply, ask, get, listening

TOKEN = {"Authorization": "Bearer EAAtest.1800"}
PERSON = "6042117739217763"


def text(words: str = "Hi", **more: Any) -> dict[str, Any]:
    message = {"text": words, **more}
    return {"recipient": {"id": PERSON}, "messaging_type": "UPDATE", "message": message}


async def send(simulator: Simulator, message: object, platform: str = "messenger") -> Reply:
    return await ask(simulator, f"/{platform}/v26.0/me/messages", message, headers=TOKEN)


def code(reply: Reply) -> int:
    return int(reply.json()["error"]["code"])


async def test_a_message_is_accepted_and_logged_with_its_account(simulator: Simulator) -> None:
    reply = await send(simulator, text())
    assert (reply.status, reply.json()["recipient_id"]) == (200, PERSON)
    assert reply.json()["message_id"].startswith("m_SIM")
    (entry,) = (await get(simulator, "/_/log?channel=1800"))["entries"]
    assert (entry["protocol"], entry["text"], entry["recipient"]) == ("messenger", "Hi", PERSON)
    assert "EAAtest" not in json.dumps(entry)


@pytest.mark.parametrize(
    "message",
    [
        [],
        {"recipient": {"id": PERSON}, "message": {"text": "Hi"}},
        {**text(), "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"},
        text(" "),
        text("x" * 2_001),
        text(attachment={"type": "image", "payload": {"url": "https://x.example"}}),
        text(quick_replies=[{"content_type": "text", "title": "x" * 21, "payload": "x"}]),
    ],
)
async def test_what_meta_refuses_is_refused(simulator: Simulator, message: object) -> None:
    reply = await send(simulator, message)
    assert (reply.status, code(reply)) == (400, 100)


async def test_a_text_on_instagram_is_counted_in_bytes(simulator: Simulator) -> None:
    assert (await send(simulator, text("ü" * 500), "instagram")).status == 200
    assert (await send(simulator, text("ü" * 501), "instagram")).status == 400


async def test_the_token_says_whose_account_it_is(simulator: Simulator) -> None:
    unknown = await ask(simulator, "/messenger/v26.0/me/messages", text())
    assert (unknown.status, code(unknown)) == (401, 190)
    assert (await send(simulator, {**text(), "recipient": {"id": f"{PERSON}!10"}})).status == 403


async def test_messenger_confirms_deliveries_and_instagram_echoes(simulator: Simulator) -> None:
    parts: dict[str, list[dict[str, Any]]] = {}
    for platform, expected in (("messenger", 2), ("instagram", 2)):
        async with listening() as listener:
            simulator.use(Behaviour(callback_url=f"{listener.url}/hooks/1/", read=100))
            mid = (await send(simulator, text(), platform)).json()["message_id"]
            posts = [post.json() for post in await listener.heard(expected)]
        entries = [post["entry"][0] for post in posts]
        assert {entry["id"] for entry in entries} == {"1800"}
        parts[platform] = [entry["messaging"][0] for entry in entries]
        assert mid in json.dumps(posts)
    delivery, seen = parts["messenger"]
    assert list(delivery["delivery"]) == ["mids", "watermark"]
    assert list(seen["read"]) == ["watermark"]
    echo, read = parts["instagram"]
    assert (echo["message"]["is_echo"], echo["sender"]) == (True, {"id": "1800"})
    assert list(read["read"]) == ["mid"]


async def test_a_person_writes_or_presses_a_button(simulator: Simulator) -> None:
    about = {"platform": "instagram", "account": "1800", "from": PERSON, "text": "Yes"}
    assert (await ask(simulator, "/_/inbound", about)).status == 400  # nobody listens
    async with listening() as listener:
        simulator.use(Behaviour(callback_url=f"{listener.url}/hooks/1/"))
        await ask(simulator, "/_/inbound", about)
        await ask(simulator, "/_/inbound", {**about, "button": "yes-7"})
        posts = [post.json() for post in await listener.heard(2)]
    events = [post["entry"][0]["messaging"][0] for post in posts]
    assert [post["object"] for post in posts] == ["instagram", "instagram"]
    assert events[0]["message"]["text"] == "Yes"
    assert events[1]["postback"]["payload"] == "yes-7"
