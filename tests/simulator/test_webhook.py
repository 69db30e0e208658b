import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from clarion_simulator.behaviour import FAULTS, Behaviour
from clarion_simulator.server import Simulator
from clarion_simulator.signing import sign
from simulator.client import ask, dial, get, request, until
from simulator.conftest import Clock

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zaW11bGF0b3I="


def message(to: str, **more: Any) -> dict[str, Any]:
    return {"id": f"d-{to}", "broadcast": "b-1", "to": to, "text": f"Hello {to}", **more}


async def outcomes(simulator: Simulator, recipient: str) -> list[str]:
    path = f"/_/log?recipient={recipient.replace('+', '%2B')}"
    return [entry["outcome"] for entry in (await get(simulator, path))["entries"]]


async def test_accepts_and_logs(simulator: Simulator) -> None:
    before = time.time_ns()
    reply = await ask(
        simulator, "/hook/acme", message("anna"), headers={"Idempotency-Key": "key-1"}
    )
    assert (reply.status, reply.json()) == (200, {"id": "sim-1"})
    (entry,) = (await get(simulator, "/_/log"))["entries"]
    minute = 60 * 10**9
    assert before - minute < entry.pop("received_ns") < time.time_ns() + minute
    assert entry.pop("monotonic_ns") <= time.monotonic_ns()
    assert entry == {
        "number": 1,
        "protocol": "webhook",
        "channel": "/hook/acme",
        "recipient": "anna",
        "key": "key-1",
        "outcome": "accepted",
        "reply": "ok",
        "text": "Hello anna",
    }


async def test_a_repeated_key_is_not_a_second_acceptance(simulator: Simulator) -> None:
    headers = {"Idempotency-Key": "key-1"}
    async with dial(simulator) as line:
        first = await line.ask("/hook/a", message("anna"), headers=headers)
        again = await line.ask("/hook/a", message("anna"), headers=headers)
        other = await line.ask("/hook/b", message("anna"), headers=headers)
    assert first.json() == again.json() == {"id": "sim-1"}
    assert other.json() == {"id": "sim-3"}  # a key belongs to its channel
    assert await outcomes(simulator, "anna") == ["accepted", "repeated", "accepted"]
    assert (await simulator.summary())["recipients_accepted_more_than_once"]["count"] == 0


async def test_idempotency_can_be_ignored() -> None:
    async with Simulator(Behaviour(honour_idempotency=False)) as simulator:
        for _ in range(2):
            await ask(simulator, "/a", message("anna"), headers={"Idempotency-Key": "k"})
        summary = await simulator.summary()
    assert summary["recipients_accepted_more_than_once"] == {"count": 1, "first": ["anna"]}
    assert summary["by_outcome"] == {"accepted": 2}


@pytest.mark.parametrize(
    ("do", "status", "outcome"),
    [
        ("500", 500, "refused:500"),
        ("400", 400, "refused:400"),
        ("blocked", 403, "refused:403"),
        ("deactivated", 403, "refused:403"),
        ("429", 429, "refused:429"),
        ("html502", 502, "refused:html502"),
        ("ok", 200, "accepted"),
        ("empty", 200, "accepted"),
        ("cut-json", 200, "accepted"),
    ],
)
async def test_instructed_replies(simulator: Simulator, do: str, status: int, outcome: str) -> None:
    for recipient in (f"anna!{do}", f"anna+{do}@x.test"):
        reply = await ask(simulator, "/hook/a", message(recipient))
        assert reply.status == status
        assert await outcomes(simulator, recipient) == [outcome]
    assert reply.headers.get("retry-after") == ("1" if do == "429" else None)
    if do == "html502":
        assert reply.body.startswith(b"<html>")
    if do == "empty":
        assert reply.body == b""
    if do == "cut-json":
        assert reply.body == b'{"id": '


async def test_resets(simulator: Simulator) -> None:
    for do, outcome in (("reset-before", "reset_before"), ("reset-after", "accepted")):
        async with dial(simulator) as line:
            await line.send(request("/hook/a", message(f"anna!{do}")))
            with pytest.raises(ConnectionResetError):
                await line.rest()
        assert await outcomes(simulator, f"anna!{do}") == [outcome]


async def test_cut_and_garbage(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        await line.send(request("/hook/a", message("anna!cut")))
        head, _, body = (await line.rest()).partition(b"\r\n\r\n")
    assert b"Content-Length: 15" in head
    assert body == b'{"id": '
    async with dial(simulator) as line:
        await line.send(request("/hook/a", message("anna!garbage")))
        assert not (await line.rest()).startswith(b"HTTP")
    assert (await simulator.summary())["by_reply"] == {"cut": 1, "garbage": 1}


async def test_hang_is_accepted_and_never_answered(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        await line.send(request("/hook/a", message("anna!hang")))

        async def accepted() -> bool:
            return len(simulator.log) == 1

        await until(accepted)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await line.rest()
    assert await outcomes(simulator, "anna!hang") == ["accepted"]


async def test_slow_comes_in_pieces() -> None:
    async with Simulator(Behaviour(slow_seconds=0.2)) as simulator, dial(simulator) as line:
        begun = time.monotonic()
        await line.send(
            request("/hook/a", message("anna!slow")) + request("/hook/a", message("ben"))
        )
        assert (await line.reply()).json() == {"id": "sim-1"}
        assert time.monotonic() - begun >= 0.15
        assert (await line.reply()).json() == {"id": "sim-2"}


async def test_only_the_first_attempts(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        replies = [await line.ask("/hook/a", message("anna!500x2")) for _ in range(3)]
    assert [reply.status for reply in replies] == [500, 500, 200]


async def test_orders_by_recipient(simulator: Simulator) -> None:
    async def status() -> int:
        return (await ask(simulator, "/hook/a", message("anna"))).status

    async def behave(**order: Any) -> int:
        return (await ask(simulator, "/_/behave", {"recipient": "anna", **order})).status

    assert await behave(do="blocked", times=2) == 200
    assert [await status() for _ in range(3)] == [403, 403, 200]
    assert await behave(do="500", times=None) == 200
    assert [await status() for _ in range(3)] == [500, 500, 500]
    assert await behave(do=None) == 200
    assert await status() == 200
    assert await behave(do="explode") == 400
    assert await behave(do="500", times=0) == 400


async def test_latency_keeps_the_order_of_replies() -> None:
    behaviour = Behaviour(latency="1ms..60ms")
    async with Simulator(behaviour) as simulator, dial(simulator) as line:
        await line.send(b"".join(request("/hook/a", message(f"p{n}")) for n in range(20)))
        replies = [(await line.reply()).json()["id"] for _ in range(20)]
    assert replies == [f"sim-{n}" for n in range(1, 21)]


async def observe(simulator: Simulator, recipient: str) -> str:
    async with dial(simulator) as line:
        try:
            reply = await line.ask("/hook/a", message(recipient))
        except ConnectionResetError:
            return "reset"
        except (asyncio.IncompleteReadError, UnicodeDecodeError):
            return "broken"
    if reply.status == 200 and not reply.body.endswith(b"}"):
        return "broken"
    return str(reply.status)


async def test_the_log_is_true_to_what_senders_see() -> None:
    may_see = {
        "accepted": {"200", "reset", "silence", "broken"},
        "refused:500": {"500"},
        "refused:400": {"400"},
        "refused:403": {"403"},
        "refused:429": {"429"},
        "refused:html502": {"502"},
        "reset_before": {"reset"},
    }
    behaviour = Behaviour(slow_seconds=0.01, **dict.fromkeys(FAULTS, 10))
    people = [f"p{number}" for number in range(200)]
    async with Simulator(behaviour) as simulator:
        watches = {each: asyncio.create_task(observe(simulator, each)) for each in people}

        def log() -> dict[str, dict[str, Any]]:
            return {entry["recipient"]: entry for entry in simulator.log.search(limit=1000)}

        async def only_those_that_hang_wait() -> bool:
            hanging = {person for person, entry in log().items() if entry["reply"] == "hang"}
            return hanging == {person for person, watch in watches.items() if not watch.done()}

        await until(only_those_that_hang_wait)
        seen = {each: watch.result() if watch.done() else "silence"
                for each, watch in watches.items()}  # fmt: skip
        logged = log()
        for watch in watches.values():
            watch.cancel()
        await asyncio.wait(watches.values())
    assert logged.keys() == set(people)
    for person, sight in seen.items():
        assert sight in may_see[logged[person]["outcome"]], (person, sight, logged[person])
        if logged[person]["reply"] == "ok" and logged[person]["outcome"] == "accepted":
            assert sight == "200"
    assert {entry["outcome"] for entry in logged.values()} == may_see.keys()


async def test_rate_limit_holds_in_every_second(clock: Clock) -> None:
    async with Simulator(Behaviour(rate_limit=10)) as simulator, dial(simulator) as line:
        statuses = [(await line.ask("/hook/a", message(f"p{n}"))).status for n in range(15)]
        assert (await line.ask("/hook/b", message("p"))).status == 200  # each channel its own
        summary = await simulator.summary()
        clock.wait(0.982)
        # The first of the ten is now 0.998 s old, then 0.999 s, then 1 s.
        later = [(await line.ask("/hook/a", message("p"))).status for _ in range(5)]
    assert statuses == [200] * 10 + [429] * 5
    assert summary["by_outcome"] == {"accepted": 11, "refused:rate_limit": 5}
    assert later == [429, 429, 200, 200, 200]


@pytest.mark.usefixtures("clock")
async def test_rate_limit_per_recipient() -> None:
    async with Simulator(Behaviour(per_chat_limit=1)) as simulator, dial(simulator) as line:
        people = ("anna", "anna", "ben", "anna")
        statuses = [(await line.ask("/hook/a", message(person))).status for person in people]
    assert statuses == [200, 429, 200, 429]


async def test_a_429_may_come_without_retry_after() -> None:
    async with Simulator(Behaviour(retry_after=None, throttle=100)) as simulator:
        reply = await ask(simulator, "/hook/a", message("anna"))
    assert reply.status == 429
    assert "retry-after" not in reply.headers


@pytest.fixture
async def strict() -> AsyncIterator[Simulator]:
    async with Simulator(Behaviour(verify_secret=SECRET)) as simulator:
        yield simulator


async def test_signatures_are_verified(strict: Simulator) -> None:
    body, now = b'{"to": "anna"}', int(time.time())

    async def status(secret: str, stamp: int, signed: bytes = body) -> int:
        headers = {
            "webhook-id": "m-1",
            "webhook-timestamp": str(stamp),
            "webhook-signature": "v1,AAAA " + sign(secret, "m-1", stamp, signed),
        }
        return (await ask(strict, "/hook/a", body, headers=headers)).status

    assert await status(SECRET, now) == 200
    assert await status("whsec_AAAA", now) == 401
    assert await status(SECRET, now - 3600) == 401
    assert await status(SECRET, now, b"{}") == 401
    assert (await ask(strict, "/hook/a", body)).status == 401


def test_signature_of_the_published_example() -> None:
    # From the specification at standardwebhooks.com.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b"[]",
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"to": ""}',
        b'{"to": null}',
        b'{"to": true}',
        b'{"to": "a", "text": 5}',
        b'{"to": "a", "callback": "file:///etc/passwd"}',
    ],
)
async def test_bad_bodies_get_400(simulator: Simulator, body: bytes) -> None:
    reply = await ask(simulator, "/hook/a", body)
    assert reply.status == 400
    assert reply.json()["error"].endswith(".")
    assert (await simulator.summary())["by_outcome"] == {"refused:invalid": 1}


async def test_only_post(simulator: Simulator) -> None:
    assert (await ask(simulator, "/hook/a", method="GET")).status == 405
