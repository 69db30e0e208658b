import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from clarion_simulator import whatsapp
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import PATIENCE, Listener, Post, Reply, ask, dial, get, listening

NUMBER = "106540352242922"
PATH = f"/whatsapp/v26.0/{NUMBER}"
BEARER = {"Authorization": "Bearer EAAtest"}
SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zaW11bGF0b3I="


def text(to: str, key: str = "", **more: Any) -> dict[str, Any]:
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": f"Hi {to}"}}
    return {**body, **({"biz_opaque_callback_data": key} if key else {}), **more}


def template(name: str, *values: str, to: str = "491711") -> dict[str, Any]:
    template: dict[str, Any] = {"name": name, "language": {"code": "en"}}
    if values:
        parameters = [{"type": "text", "text": value} for value in values]
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {"messaging_product": "whatsapp", "to": to, "type": "template", "template": template}


def buttons(*labels: str, body: str = "Coming?") -> dict[str, Any]:
    buttons = [{"type": "reply", "reply": {"id": f"b-{x}", "title": x}} for x in labels]
    whole = {"type": "button", "body": {"text": body}, "action": {"buttons": buttons}}
    return text("491711", type="interactive", interactive=whole)


async def send(simulator: Simulator, message: object, **headers: str) -> Reply:
    return await ask(simulator, f"{PATH}/messages", message, headers=headers or BEARER)


def statuses(posts: list[Post]) -> list[tuple[str, str]]:
    statuses = []
    for post in posts:
        value = post.json()["entry"][0]["changes"][0]["value"]
        assert value["metadata"]["phone_number_id"] == NUMBER
        statuses += [(each["recipient_id"], each["status"]) for each in value["statuses"]]
    return statuses


def behave(listener: Listener, **settings: Any) -> Behaviour:
    return Behaviour(callback_url=f"{listener.url}/hooks/1/", **settings)


async def test_a_message_is_accepted_and_logged(simulator: Simulator) -> None:
    reply = await send(simulator, text("491711", "abc-17"))
    assert reply.status == 200
    assert reply.json()["contacts"] == [{"input": "491711", "wa_id": "491711"}]
    (first,) = reply.json()["messages"]
    again = (await send(simulator, text("491711", "abc-17"))).json()["messages"][0]
    assert first["id"].startswith("wamid.")
    assert first["id"] != again["id"]
    entries = (await get(simulator, f"/_/log?channel={NUMBER}"))["entries"]
    assert [entry["key"] for entry in entries] == ["abc-17", "abc-17"]
    assert {entry["protocol"] for entry in entries} == {"whatsapp"}
    assert entries[0]["text"] == "Hi 491711"
    assert "EAAtest" not in json.dumps(entries)
    doubles = (await simulator.summary())["recipients_accepted_more_than_once"]
    assert doubles["first"] == ["491711"]


async def test_b4_templates(simulator: Simulator) -> None:
    assert (await send(simulator, template("spring", "Anna", "20 %"))).status == 200
    assert (await send(simulator, template("hello"))).status == 200
    texts = [entry["text"] for entry in (await get(simulator, "/_/log"))["entries"]]
    assert texts == ["spring (en): Anna | 20 %", "hello (en)"]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("missing_one", 404, 132001), ("paused", 400, 132015), ("is_disabled", 400, 132016)],
)
async def test_templates_that_can_not_be_sent(
    simulator: Simulator, name: str, status: int, code: int
) -> None:
    reply = await send(simulator, template(name))
    assert (reply.status, reply.json()["error"]["code"]) == (status, code)
    assert (await simulator.summary())["by_outcome"] == {f"refused:{code}": 1}


async def test_other_sorts_of_messages(simulator: Simulator) -> None:
    picture = {"link": "https://x.example/a.png", "caption": "Spring"}
    link = {"display_text": "See", "url": "https://x.example"}
    cta = {
        "type": "cta_url",
        "header": {"type": "image", "image": {"link": "https://x.example/a.png"}},
        "body": {"text": "Look"},
        "action": {"name": "cta_url", "parameters": link},
    }
    messages = [
        text("1", type="image", image=picture),
        text("1", type="document", document={"link": "https://x.example/a.pdf"}),
        buttons("Yes", "No"),
        text("1", type="interactive", interactive=cta),
        {**text(""), "recipient": "US.42"},
    ]
    for message in messages:
        assert (await send(simulator, message)).status == 200
    texts = [entry["text"] for entry in (await get(simulator, "/_/log"))["entries"]]
    assert texts == [
        "Spring",
        "https://x.example/a.pdf",
        "Coming? [Yes] [No]",
        "Look [See]",
        "Hi ",
    ]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", 100),
        (b"[1]", 100),
        ({}, 100),
        (text(""), 131008),
        (text("1", type="poll"), 131051),
        (text("1", type=["text"]), 131051),
        (text("1", text={}), 131008),
        (text("1", text={"body": "x" * 4097}), 131009),
        (text("1", type="image", image={"link": "file:///etc/passwd"}), 131009),
        (text("1", type="image"), 131008),
        (buttons(), 131009),
        (buttons("a", "b", "c", "d"), 131009),
        (buttons("a", "a"), 131009),
        (buttons("x" * 21), 131009),
        (buttons("a", body="x" * 1025), 131009),
        (template("Not A Name"), 100),
        (template("spring", ""), 131008),
        (template("spring", "a\nb"), 132018),
        (text("1", type="template", template={"name": "a", "language": {"code": "en"},
                                              "components": [3]}), 131009),
    ],
)  # fmt: skip
async def test_messages_that_are_wrong(simulator: Simulator, message: object, code: int) -> None:
    reply = await send(simulator, message)
    assert (reply.status, reply.json()["error"]["code"]) == (400, code)
    assert (await simulator.summary())["by_outcome"] == {"refused:invalid": 1}


@pytest.mark.parametrize("bearer", ["", "Bearer ", "Basic x", "Bearer revoked-1"])
async def test_bad_tokens(simulator: Simulator, bearer: str) -> None:
    for path, body in ((f"{PATH}/messages", text("1")), (PATH, {})):
        reply = await ask(simulator, path, body, headers={"Authorization": bearer})
        assert (reply.status, reply.json()["error"]["code"]) == (401, 190)
    assert (await simulator.summary())["by_outcome"] == {"refused:401": 2}


@pytest.mark.parametrize("path", ["/whatsapp/", "/whatsapp/v26.0/", "/whatsapp/v26.0/x/messages"])
async def test_addresses_that_are_none(simulator: Simulator, path: str) -> None:
    reply = await ask(simulator, path, text("1"), headers=BEARER)
    assert (reply.status, reply.json()["error"]["code"]) == (400, 2500)


async def test_messages_come_by_post(simulator: Simulator) -> None:
    reply = await ask(simulator, f"{PATH}/messages", method="GET", headers=BEARER)
    assert reply.json()["error"]["error_subcode"] == 33


@pytest.mark.parametrize(
    ("do", "status", "code"),
    [
        ("500", 500, 131000),
        ("400", 400, 131026),
        ("blocked", 403, 131050),
        ("deactivated", 400, 131026),
        ("429", 429, 130429),
    ],
)
async def test_errors_by_order(simulator: Simulator, do: str, status: int, code: int) -> None:
    await ask(simulator, "/_/behave", {"recipient": "88", "do": do, "times": 1})
    reply = await send(simulator, text("88"))
    assert (reply.status, reply.json()["error"]["code"]) == (status, code)
    assert reply.headers.get("retry-after") == ("1" if do == "429" else None)
    assert (await send(simulator, text("88"))).status == 200


async def test_every_code_can_be_had_by_its_number(simulator: Simulator) -> None:
    for code in (131047, 131056, 368):
        reply = await send(simulator, text(f"491711!{code}"))
        assert reply.json()["error"]["code"] == code
    assert set((await simulator.summary())["by_outcome"]) == {
        "refused:131047",
        "refused:131056",
        "refused:368",
    }


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"rate_limit": 1}, 130429), ({"per_chat_limit": 1}, 131056), ({"throttle": 100}, 130429)],
)
@pytest.mark.usefixtures("clock")
async def test_limits_have_their_codes(settings: dict[str, int], code: int) -> None:
    async with Simulator(Behaviour(**settings)) as simulator, dial(simulator) as line:
        for _ in range(2):
            reply = await line.ask(f"{PATH}/messages", text("1"), headers=BEARER)
        assert reply.json()["error"]["code"] == code
        assert reply.headers["retry-after"] == "1"


async def test_statuses_are_signed_and_name_our_id() -> None:
    async with listening() as listener:
        settings = behave(listener, read=100, callback_secret=SECRET)
        async with Simulator(settings) as simulator:
            reply = await send(simulator, text("+491711", "abc-17"))
            posts = await listener.heard(3)
    assert statuses(posts) == [("491711", word) for word in ("sent", "delivered", "read")]
    wamid = reply.json()["messages"][0]["id"]
    for post in posts:
        assert post.path == "/hooks/1/"
        mac = hmac.new(SECRET.encode(), post.body, hashlib.sha256).hexdigest()
        assert post.headers["x-hub-signature-256"] == f"sha256={mac}"
        (status,) = post.json()["entry"][0]["changes"][0]["value"]["statuses"]
        assert (status["id"], status["biz_opaque_callback_data"]) == (wamid, "abc-17")
        assert status["timestamp"].isdigit()


async def test_statuses_twice_and_out_of_order() -> None:
    async with listening() as listener:
        settings = {"read": 100, "callback_shuffle": 100, "callback_double": 100}
        async with Simulator(behave(listener, callback_delay="5ms", **settings)) as simulator:
            await send(simulator, text("491711"))
            posts = await listener.heard(5)
    words = [word for _, word in statuses(posts)]
    assert words[:2] == ["sent", "read"]
    assert sorted(words) == ["delivered", "delivered", "read", "read", "sent"]
    assert "x-hub-signature-256" not in posts[0].headers


async def test_failures_that_come_later() -> None:
    async with listening() as listener, Simulator(behave(listener)) as simulator:
        await send(simulator, text("1!failed-131049"))
        await send(simulator, text("2!failed"))
        await send(simulator, text("3!500"))
        posts = await listener.heard(4)
        assert (await simulator.summary())["callbacks"]["planned"] == 4
    codes = {
        status["recipient_id"]: status["errors"][0]["code"]
        for post in posts
        for status in post.json()["entry"][0]["changes"][0]["value"]["statuses"]
        if status["status"] == "failed"
    }
    assert codes == {"1!failed-131049": 131049, "2!failed": 131026}


async def test_a_reset_after_accepting_still_tells_its_status() -> None:
    async with listening() as listener, Simulator(behave(listener)) as simulator:
        with pytest.raises(ConnectionResetError):
            await send(simulator, text("1!reset-after", "abc-17"))
        await listener.heard(2)
        (entry,) = (await get(simulator, "/_/log"))["entries"]
    assert (entry["outcome"], entry["reply"]) == ("accepted", "reset")


async def test_the_number_itself(simulator: Simulator) -> None:
    said = (await ask(simulator, f"{PATH}?fields=x", method="GET", headers=BEARER)).json()
    assert said["id"] == NUMBER
    assert said["display_phone_number"].startswith("+1 555")
    assert (await simulator.summary())["by_outcome"] == {"call": 1}


@asynccontextmanager
async def callback_server(answer: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers every request with `answer`; {} is what stands after hub.challenge=."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ")[1])
        challenge = asked[-1].partition("hub.challenge=")[2].partition("&")[0]
        writer.write(answer.replace("{}", challenge).encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/1/", asked


def configuration(url: object, token: str = "t ö") -> dict[str, Any]:
    return {"webhook_configuration": {"override_callback_uri": url, "verify_token": token}}


async def test_a_webhook_is_tried_before_it_is_taken(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whatsapp, "HANDSHAKE_TIMEOUT", PATIENCE)
    async with callback_server("HTTP/1.1 200 OK\r\n\r\n{}") as (url, asked):
        reply = await ask(simulator, PATH, configuration(url), headers=BEARER)
        assert reply.json() == {"success": True}
        assert asked[0].startswith("/hooks/1/?hub.mode=subscribe&hub.challenge=")
        assert asked[0].endswith("&hub.verify_token=t%20%C3%B6")
        inbound = {"phone": NUMBER, "from": "491711", "text": "hello"}
        assert (await ask(simulator, "/_/inbound", inbound)).json()["by"] == "webhook"


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 403 Forbidden\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n\r\nanother",
        "nonsense",
        "",
    ],
)
async def test_a_webhook_that_does_not_answer_well_is_refused(
    simulator: Simulator, answer: str
) -> None:
    async with callback_server(answer) as (url, _):
        reply = await ask(simulator, PATH, configuration(url), headers=BEARER)
    assert (reply.status, reply.json()["error"]["code"]) == (400, 2200)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (configuration("http://127.0.0.1:9/"), 2200),
        (configuration("ftp://x"), 100),
        (configuration(None), 100),
        ({"webhook_configuration": 3}, 100),
        (b"[", 100),
    ],
)
async def test_webhooks_that_can_not_be_set(simulator: Simulator, body: object, code: int) -> None:
    reply = await ask(simulator, PATH, body, headers=BEARER)
    assert (reply.status, reply.json()["error"]["code"]) == (400, code)


async def test_a_person_writes_and_presses_a_button() -> None:
    async with listening() as listener, Simulator(behave(listener)) as simulator:
        about = {"phone": NUMBER, "from": "491711", "name": "Ben"}
        await ask(simulator, "/_/inbound", {**about, "text": "hello"})
        await ask(simulator, "/_/inbound", {**about, "text": "Yes", "button": "b-1"})
        await ask(simulator, "/_/inbound", {"phone": NUMBER, "value": {"errors": [{"code": 1}]}})
        posts = await listener.heard(3)
    values = [post.json()["entry"][0]["changes"][0]["value"] for post in posts]
    written = [value for value in values if "messages" in value]
    assert written[0]["contacts"] == [{"profile": {"name": "Ben"}, "wa_id": "491711"}]
    assert written[0]["messages"][0]["text"] == {"body": "hello"}
    pressed = written[1]["messages"][0]["interactive"]["button_reply"]
    assert pressed == {"id": "b-1", "title": "Yes"}
    assert any("errors" in value for value in values)


@pytest.mark.parametrize(
    "fields",
    [
        {"phone": NUMBER, "from": "491711", "text": "no webhook"},
        {"phone": "x", "from": "1"},
        {"phone": 5, "from": "1"},
        {"phone": NUMBER, "text": "hello"},
        {"phone": NUMBER, "from": 5},
        {"phone": NUMBER, "value": 5},
    ],
)
async def test_inbound_that_can_not_be(simulator: Simulator, fields: dict[str, Any]) -> None:
    reply = await ask(simulator, "/_/inbound", fields)
    assert reply.status == 400
    assert reply.json()["error"].endswith(".")
