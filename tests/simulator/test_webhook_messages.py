"""What messages of the webhook kind carry, and what people send back."""

import hashlib
import time
from base64 import b64encode
from typing import Any

import pytest

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from clarion_simulator.signing import sign, verified
from simulator.client import Post, ask, get, listening

YES = {"kind": "reply", "label": "Yes", "value": "y"}


async def post(simulator: Simulator, **parts: Any) -> int:
    return (await ask(simulator, "/hook/a", {"id": "d-1", "to": "anna", **parts})).status


async def test_the_log_keeps_what_was_sent(simulator: Simulator) -> None:
    media = {"kind": "image", "name": "a.png", "data": b64encode(b"abc").decode()}
    template = {"name": "spring", "language": "de", "variables": ["Anna"]}
    assert await post(simulator, media=media, buttons=[YES], template=template) == 200
    assert await post(simulator, media={"kind": "file", "url": "https://x.example/a"}) == 200
    first, second = (await get(simulator, "/_/log"))["entries"]
    assert first["media"] == {
        "kind": "image",
        "name": "a.png",
        "size": 3,
        "sha256": hashlib.sha256(b"abc").hexdigest(),
    }
    assert (first["buttons"], first["template"]) == ([YES], template)
    assert second["media"] == {"kind": "file", "url": "https://x.example/a"}
    assert "buttons" not in second


@pytest.mark.parametrize(
    "parts",
    [
        {"media": None},
        {"media": {"kind": "film", "url": "https://x.example/"}},
        {"media": {"kind": "image"}},
        {"media": {"kind": "image", "url": "x.example"}},
        {"media": {"kind": "image", "url": 7}},
        {"media": {"kind": "image", "data": "no base64!"}},
        {"media": {"kind": "image", "data": "YWJ"}},
        {"media": {"kind": "image", "data": ""}},
        {"media": {"kind": "image", "data": 7}},
        {"media": {"kind": "image", "data": "ü"}},
        {"buttons": []},
        {"buttons": YES},
        {"buttons": [3]},
        {"buttons": [{**YES, "kind": "story"}]},
        {"buttons": [{**YES, "label": ""}]},
        {"buttons": [{**YES, "value": 3}]},
        {"template": "spring"},
        {"template": {"name": "", "language": "de", "variables": []}},
        {"template": {"name": "spring", "language": "de"}},
        {"template": {"name": "spring", "language": "de", "variables": [3]}},
    ],
)
async def test_parts_that_are_none_get_400(simulator: Simulator, parts: dict[str, Any]) -> None:
    reply = await ask(simulator, "/hook/a", {"to": "anna", "text": "x", **parts})
    assert reply.status == 400
    assert reply.json()["error"].endswith(".")
    assert (await simulator.summary())["by_outcome"] == {"refused:invalid": 1}


@pytest.mark.parametrize("do", ["blocked", "deactivated"])
async def test_it_says_that_it_is_the_person(simulator: Simulator, do: str) -> None:
    reply = await ask(simulator, "/hook/a", {"to": f"anna!{do}", "text": "x"})
    assert reply.status == 403
    assert reply.json()["recipient"] == do


async def test_a_person_writes_and_presses(simulator: Simulator) -> None:
    secret = "any text “ü”"
    simulator.use(Behaviour(callback_secret=secret))
    await post(simulator, buttons=[YES])
    async with listening() as listener:
        about = {"url": f"{listener.url}/hooks/1/", "from": "anna"}
        answer = (await ask(simulator, "/_/inbound", {**about, "button": "y"})).json()
        await ask(simulator, "/_/inbound", {**about, "button": "gone"})
        await ask(simulator, "/_/inbound", {**about, "text": "Hi", "name": "Anna"})
        other = {"type": "contact.opted_out", "data": {"from": "anna"}}
        await ask(simulator, "/_/inbound", {"url": about["url"], **other})
        posts = await listener.heard(4)
    assert answer["by"] == "callback"
    assert posts[0].json() == answer["event"]
    told = [post.json() for post in posts]
    assert [event["type"] for event in told] == ["message.received"] * 3 + ["contact.opted_out"]
    ids = {event["data"].pop("id", "") for event in told}
    assert len(ids) == 4
    assert [event["data"] for event in told] == [
        {"from": "anna", "text": "Yes", "button": "y"},
        {"from": "anna", "text": "", "button": "gone"},
        {"from": "anna", "text": "Hi", "name": "Anna"},
        {"from": "anna"},
    ]
    for heard in posts:
        assert signed_with(secret, heard)
        assert not signed_with("another", heard)


def signed_with(secret: str, post: Post) -> bool:
    message_id, stamp, signature = (
        post.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
    )
    return verified(secret, message_id, stamp, signature, post.body, time.time())


async def test_where_people_write_to_may_be_the_knob(simulator: Simulator) -> None:
    async with listening() as listener:
        simulator.use(Behaviour(callback_url=f"{listener.url}/hooks/7/"))
        await ask(simulator, "/_/inbound", {"from": "anna", "text": "Hi"})
        (heard,) = await listener.heard(1)
    assert heard.path == "/hooks/7/"
    assert "webhook-signature" not in heard.headers


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"from": "anna", "text": "x"},
        {"url": "ftp://x", "from": "anna"},
        {"url": "http://127.0.0.1:9/", "text": "x"},
        {"url": "http://127.0.0.1:9/", "from": 7},
        {"url": "http://127.0.0.1:9/", "from": "anna", "button": 7},
        {"url": "http://127.0.0.1:9/", "type": 7, "data": {}},
        {"url": "http://127.0.0.1:9/", "data": []},
    ],
)
async def test_bad_questions(simulator: Simulator, fields: dict[str, Any]) -> None:
    reply = await ask(simulator, "/_/inbound", fields)
    assert reply.status == 400
    assert reply.json()["error"].endswith(".")


def test_a_secret_of_any_text_is_the_key_itself() -> None:
    assert sign("c2VjcmV0", "m", 1, b"{}") != sign("whsec_c2VjcmV0", "m", 1, b"{}")
    assert sign("secret", "m", 1, b"{}") == sign("whsec_c2VjcmV0", "m", 1, b"{}")
