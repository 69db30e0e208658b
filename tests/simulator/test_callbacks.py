import time
from typing import Any

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from clarion_simulator.signing import verified
from simulator.client import Listener, Post, ask, get, listening, until

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zaW11bGF0b3I="


def kinds(posts: list[Post]) -> list[str]:
    return [post.json()["type"].removeprefix("message.") for post in posts]


def behave(listener: Listener, **settings: Any) -> Behaviour:
    return Behaviour(callback_url=f"{listener.url}/hooks", **settings)


async def test_receipts_are_signed_and_in_order() -> None:
    async with listening() as listener:
        behaviour = behave(listener, read=100, callback_secret=SECRET)
        async with Simulator(behaviour) as simulator:
            await ask(simulator, "/hook/a", {"id": "d-1", "to": "anna"})
            posts = await listener.heard(2)
    assert kinds(posts) == ["delivered", "read"]
    for post in posts:
        assert post.path == "/hooks"
        assert post.json()["data"] == {"id": "d-1", "to": "anna", "sim_id": "sim-1"}
        head = (post.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        assert verified(SECRET, *head, post.body, time.time())
    assert posts[0].headers["webhook-id"] != posts[1].headers["webhook-id"]


async def test_the_message_may_name_the_address(simulator: Simulator) -> None:
    async with listening() as listener:
        by_field = {"id": "d-1", "to": "anna", "callback": f"{listener.url}/field"}
        await ask(simulator, "/hook/a", by_field)
        await listener.heard(1)
        head = {"Callback": f"{listener.url}/head"}
        await ask(simulator, "/hook/a", {"id": "d-2", "to": "anna"}, headers=head)
        posts = await listener.heard(2)
    assert [post.path for post in posts] == ["/field", "/head"]
    assert "webhook-signature" not in posts[0].headers


async def test_out_of_order_and_doubled() -> None:
    async with listening() as listener:
        behaviour = behave(
            listener, read=100, callback_shuffle=100, callback_double=100, callback_delay="5ms"
        )
        async with Simulator(behaviour) as simulator:
            await ask(simulator, "/hook/a", {"id": "d-1", "to": "anna"})
            posts = await listener.heard(4)
    assert kinds(posts)[0] == "read"
    assert sorted(kinds(posts)) == ["delivered", "delivered", "read", "read"]
    assert len({post.headers["webhook-id"] for post in posts}) == 2


async def test_failed_and_repeated() -> None:
    async with listening() as listener, Simulator(behave(listener)) as simulator:
        for _ in range(2):
            headers = {"Idempotency-Key": "k"}
            await ask(simulator, "/a", {"id": "d-1", "to": "a!failed"}, headers=headers)
        await ask(simulator, "/a", {"id": "d-2", "to": "b!500"})
        await ask(simulator, "/a", {"id": "d-3", "to": "a!failed"})
        posts = await listener.heard(2)
        counts = (await get(simulator, "/_/summary"))["callbacks"]
    assert kinds(posts) == ["failed", "failed"]
    assert posts[0].json()["data"]["reason"] == "simulated failure"
    assert counts["planned"] == 2


async def test_shares_of_receipts() -> None:
    async with listening() as listener:
        behaviour = behave(listener, failed=10, delivered=50, read=50)
        async with Simulator(behaviour) as simulator:
            people = [simulator._desk.judge.receipts(f"p{n}", f"d{n}", "ok") for n in range(4000)]
    got = [receipt.kind for receipts in people for receipt in receipts]
    assert 300 < got.count("message.failed") < 500
    assert 1600 < got.count("message.delivered") < 2000
    assert 750 < got.count("message.read") < 1050


async def test_three_retries_then_given_up() -> None:
    async with listening(500, 503) as listener, Simulator(behave(listener)) as simulator:
        await ask(simulator, "/hook/a", {"id": "d-1", "to": "anna"})
        posts = await listener.heard(3)
        assert len({post.headers["webhook-id"] for post in posts}) == 1

        async def answered() -> bool:
            return (await simulator.summary())["callbacks"]["answered"] == 1

        await until(answered)
        counts = (await simulator.summary())["callbacks"]
        assert (counts["retries"], counts["given_up"]) == (2, 0)


async def test_nobody_listens(simulator: Simulator) -> None:
    body = {"id": "d-1", "to": "anna", "callback": "http://127.0.0.1:9/"}
    assert (await ask(simulator, "/hook/a", body)).status == 200

    async def over() -> bool:
        counts = (await simulator.summary())["callbacks"]
        return counts["given_up"] == 1 and counts["retries"] == 3

    await until(over)
    await ask(simulator, "/_/reset", {})
    assert (await simulator.summary())["callbacks"]["planned"] == 0
