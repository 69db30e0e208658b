import asyncio
from typing import Any

import pytest

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from clarion_simulator.telegram import channel_name
from simulator.client import Reply, ask, dial, get, listening, until

TOKEN = "123456:secret"
UNPARSED = "Bad Request: can't parse entities"


async def call(simulator: Simulator, method: str, params: Any = None, token: str = TOKEN) -> Reply:
    return await ask(simulator, f"/bot{token}/{method}", params)


async def test_a_chat_has_the_id_that_messages_to_its_name_show(simulator: Simulator) -> None:
    chat = (await call(simulator, "getChat", {"chat_id": "@shop_news"})).json()["result"]
    sent = await call(simulator, "sendMessage", {"chat_id": "@shop_news", "text": "Hello"})
    assert sent.json()["result"]["chat"] == chat
    assert (chat["id"] < 0, chat["username"]) == (True, "shop_news")
    refused = await call(simulator, "getChat", {"chat_id": "shop news"})
    assert refused.json()["description"] == "Bad Request: chat not found"


async def test_get_me(simulator: Simulator) -> None:
    me = (await call(simulator, "getMe")).json()["result"]
    assert (me["id"], me["is_bot"]) == (123456, True)


@pytest.mark.parametrize("token", ["", "abc", "123456", "123456:revoked-1", "x:y", "9" * 5000])
async def test_bad_tokens(simulator: Simulator, token: str) -> None:
    reply = await call(simulator, "getMe", token=token)
    assert reply.status == 401
    assert reply.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}


async def test_send_message(simulator: Simulator) -> None:
    reply = await call(simulator, "sendMessage", {"chat_id": 77, "text": "Grüße"})
    result = reply.json()["result"]
    assert result["chat"] == {"id": 77, "first_name": "Chat", "type": "private"}
    assert result["text"] == "Grüße"
    later = await call(simulator, "sendmessage", {"chat_id": "77", "text": "again"})
    assert later.json()["result"]["message_id"] > result["message_id"]
    entries = (await get(simulator, "/_/log?recipient=77"))["entries"]
    assert [entry["outcome"] for entry in entries] == ["accepted", "accepted"]
    assert {entry["channel"] for entry in entries} == {channel_name(TOKEN)}
    assert "secret" not in channel_name(TOKEN)


async def test_what_is_paid_for_is_not_limited() -> None:
    async with Simulator(Behaviour(rate_limit=1)) as simulator:
        message = {"chat_id": 7, "text": "x"}
        free = [await call(simulator, "sendMessage", message) for _ in range(2)]
        paid = await call(simulator, "sendMessage", {**message, "allow_paid_broadcast": True})
        assert [reply.status for reply in (*free, paid)] == [200, 429, 200]
        *_, entry = (await get(simulator, "/_/log?recipient=7"))["entries"]
        assert entry["paid"] is True


async def test_other_ways_to_give_parameters(simulator: Simulator) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"/bot{TOKEN}/sendMessage"
    by_form = await ask(simulator, path, b"chat_id=5&text=a%20b%2B", headers=form)
    by_query = await ask(simulator, f"{path}?chat_id=5&text=a%20b%2B", method="GET")
    assert [reply.json()["result"]["text"] for reply in (by_form, by_query)] == ["a b+", "a b+"]


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": "nobody", "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": 1}, "Bad Request: message text is empty"),
        ({"chat_id": 1, "text": " \n"}, "Bad Request: message text is empty"),
        ({"chat_id": 1, "text": "x" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": 1, "text": "x", "parse_mode": "RTF"}, "Bad Request: unsupported parse_mode"),
        (
            {"chat_id": 1, "text": "<b>x", "parse_mode": "HTML"},
            f'{UNPARSED}: Can\'t find end tag corresponding to start tag "b"',
        ),
        (b"{", "Bad Request: can't parse the request's parameters"),
        (b"[1]", "Bad Request: can't parse the request's parameters"),
    ],
)
async def test_bad_messages(simulator: Simulator, params: Any, description: str) -> None:
    reply = await call(simulator, "sendMessage", params)
    assert reply.status == 400
    assert reply.json() == {"ok": False, "error_code": 400, "description": description}


async def test_length_counts_after_parsing(simulator: Simulator) -> None:
    params = {"chat_id": 1, "text": "<b>" + "&lt;" * 4096 + "</b>", "parse_mode": "HTML"}
    reply = await call(simulator, "sendMessage", params)
    assert reply.json()["result"]["text"] == "<" * 4096


@pytest.mark.parametrize(
    ("do", "code", "description"),
    [
        ("blocked", 403, "Forbidden: bot was blocked by the user"),
        ("deactivated", 403, "Forbidden: user is deactivated"),
        ("400", 400, "Bad Request: chat not found"),
        ("500", 500, "Internal Server Error"),
    ],
)
async def test_errors_by_order(simulator: Simulator, do: str, code: int, description: str) -> None:
    await ask(simulator, "/_/behave", {"recipient": "88", "do": do, "times": 1})
    params = {"chat_id": 88, "text": "x"}
    reply = await call(simulator, "sendMessage", params)
    assert (reply.status, reply.json()["description"]) == (code, description)
    assert (await call(simulator, "sendMessage", params)).status == 200


async def test_throttling_says_when_in_body_and_header() -> None:
    async with Simulator(Behaviour(throttle=100, retry_after=7)) as simulator:
        reply = await call(simulator, "sendMessage", {"chat_id": 1, "text": "x"})
    assert reply.headers["retry-after"] == "7"
    assert reply.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 7",
        "parameters": {"retry_after": 7},
    }


async def test_unknown_method(simulator: Simulator) -> None:
    reply = await call(simulator, "sendTelepathy")
    assert (reply.status, reply.json()["description"]) == (404, "Not Found")


async def test_calls_are_logged_but_are_no_messages(simulator: Simulator) -> None:
    await call(simulator, "getMe")
    summary = await simulator.summary()
    assert summary["by_outcome"] == {"call": 1}
    assert summary["peak_per_second"] == 0


def inbound(chat_id: int, text: str) -> dict[str, Any]:
    return {"bot": TOKEN, "chat_id": chat_id, "text": text, "name": "Anna"}


async def test_updates_go_to_the_webhook(simulator: Simulator) -> None:
    async with listening() as listener:
        hook = {"url": f"{listener.url}/tg?x=1", "secret_token": "s-1"}
        assert (await call(simulator, "setWebhook", hook)).json()["result"] is True
        answer = (await ask(simulator, "/_/inbound", inbound(42, "hello"))).json()
        (post,) = await listener.heard(1)
    assert answer["by"] == "webhook"
    assert post.path == "/tg?x=1"
    assert post.headers["x-telegram-bot-api-secret-token"] == "s-1"
    assert post.json() == answer["update"]
    assert post.json()["message"]["chat"] == {"id": 42, "type": "private", "first_name": "Anna"}


async def test_any_update_can_be_sent(simulator: Simulator) -> None:
    update = {"my_chat_member": {"chat": {"id": 1}}}
    answer = await ask(simulator, "/_/inbound", {"bot": TOKEN, "update": update})
    assert answer.json()["update"] == {"update_id": 1, **update}


async def test_updates_wait_for_get_updates(simulator: Simulator) -> None:
    for text in ("one", "two"):
        assert (await ask(simulator, "/_/inbound", inbound(42, text))).json()["by"] == "queue"
    updates = (await call(simulator, "getUpdates")).json()["result"]
    assert [update["message"]["text"] for update in updates] == ["one", "two"]
    assert (await call(simulator, "getWebhookInfo")).json()["result"]["pending_update_count"] == 2
    rest = await call(simulator, "getUpdates", {"offset": updates[0]["update_id"] + 1})
    assert [update["message"]["text"] for update in rest.json()["result"]] == ["two"]
    await call(simulator, "deleteWebhook", {"drop_pending_updates": True})
    assert (await call(simulator, "getUpdates")).json()["result"] == []


async def test_long_poll_ends_with_an_update(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        poll = asyncio.create_task(line.ask(f"/bot{TOKEN}/getUpdates", {"timeout": 30}))

        async def polling() -> bool:
            return len(simulator.log) == 1

        await until(polling)
        await ask(simulator, "/_/inbound", inbound(42, "late"))
        assert (await poll).json()["result"][0]["message"]["text"] == "late"


async def test_webhook_and_get_updates_exclude_each_other(simulator: Simulator) -> None:
    await call(simulator, "setWebhook", {"url": "http://127.0.0.1:9/x"})
    assert (await call(simulator, "getUpdates")).status == 409
    await call(simulator, "setWebhook", {"url": ""})
    assert (await call(simulator, "getUpdates")).status == 200
    assert (await call(simulator, "setWebhook", {"url": "nonsense"})).status == 400
    bad = {"url": "http://x/", "secret_token": "no spaces"}
    assert (await call(simulator, "setWebhook", bad)).status == 400
