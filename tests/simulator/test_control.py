import json
import random
from pathlib import Path

import pytest

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from clarion_simulator.summary import SECOND, peak_per_second
from simulator.client import ask, dial, get, request, until


async def post(simulator: Simulator, to: str, key: str = "", path: str = "/hook/a") -> int:
    headers = {"Idempotency-Key": key} if key else {}
    return (await ask(simulator, path, {"to": to, "text": "hi"}, headers=headers)).status


async def test_health(simulator: Simulator) -> None:
    health = await get(simulator, "/_/health")
    assert health["ok"] is True
    assert (health["http_port"], health["smtp_port"]) == (
        simulator.http_port,
        simulator.smtp_port,
    )
    assert health["http"] == simulator.http_url


@pytest.mark.usefixtures("clock")
async def test_summary(simulator: Simulator) -> None:
    for to, key in (("a", "k1"), ("a", "k2"), ("b", "k3"), ("c", "k3"), ("d!500", "k4")):
        await post(simulator, to, key)
    await post(simulator, "b", "k3", "/hook/other")
    summary = await get(simulator, "/_/summary")
    assert summary["total"] == 6
    # k3 for c is the repetition of a key already accepted, though for somebody else.
    assert summary["by_protocol"] == {"webhook": {"accepted": 4, "repeated": 1, "refused:500": 1}}
    assert summary["recipients_accepted"] == 3
    assert summary["keys_accepted"] == 4
    assert summary["recipients_accepted_more_than_once"] == {"count": 1, "first": ["a"]}
    assert summary["recipients_with_several_keys"] == {"count": 1, "first": ["a"]}
    assert summary["keys_for_several_recipients"] == {"count": 1, "first": ["k3"]}
    assert summary["peak_per_second"] == 6
    assert summary["first_received"] < summary["last_received"]
    by_channel = {channel["channel"]: channel for channel in summary["channels"]}
    assert by_channel["/hook/a"]["peak_per_second"] == 5
    assert by_channel["/hook/other"]["by_outcome"] == {"accepted": 1}
    await post(simulator, "late")
    assert (await get(simulator, "/_/summary"))["total"] == 7


async def test_log_queries(simulator: Simulator) -> None:
    for number in range(30):
        await post(simulator, f"p{number % 3}", f"k{number}", f"/hook/{number % 2}")
    await post(simulator, "p0!400")
    await post(simulator, "p0!blocked")

    async def numbers(query: str) -> list[int]:
        return [entry["number"] for entry in (await get(simulator, f"/_/log?{query}"))["entries"]]

    assert await numbers("recipient=p1") == list(range(2, 31, 3))
    assert await numbers("recipient=p1&channel=/hook/0&after=10") == [11, 17, 23, 29]
    assert await numbers("key=k7") == [8]
    assert await numbers("key=k7&recipient=p2") == []
    assert await numbers("outcome=refused") == [31, 32]
    assert await numbers("outcome=refused:403") == [32]
    assert await numbers("recipient=nobody") == []
    first = await get(simulator, "/_/log?limit=20")
    assert first["next"] == 20
    assert await numbers(f"after={first['next']}&limit=500") == list(range(21, 33))
    assert (await ask(simulator, "/_/log?limit=x", method="GET")).status == 400
    assert (await ask(simulator, "/_/log?who=x", method="GET")).status == 400


async def test_accepted_is_streamed(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        for number in range(2500):
            await line.send(request("/hook/a", {"to": f"p{number}", "text": "hi"}))
        for _ in range(2500):
            await line.reply()
        await line.ask("/hook/a", {"to": "p7"})
        stream = await line.ask("/_/accepted", method="GET")
        assert (await line.ask("/_/health", method="GET")).status == 200
    rows = [json.loads(row) for row in stream.body.splitlines()]
    assert {row["recipient"]: row["count"] for row in rows} == {
        f"p{number}": 2 if number == 7 else 1 for number in range(2500)
    }
    assert rows[0] == {
        "protocol": "webhook",
        "channel": "/hook/a",
        "recipient": "p0",
        "key": "",
        "count": 1,
    }


async def test_accepted_without_keep_alive(simulator: Simulator) -> None:
    await post(simulator, "anna")
    async with dial(simulator) as line:
        await line.send(b"GET /_/accepted HTTP/1.0\r\n\r\n")
        assert (await line.rest()).endswith(b'"recipient": "anna", "key": "", "count": 1}\n')


async def test_own_addresses_keep_the_order_of_a_pipeline(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        own = [request(path, method="GET") for path in ("/_/summary", "/_/accepted", "/", "/_/no")]
        message = request("/hook/a", {"to": "anna"})
        await line.send(message.join([b"", *own, b""]))
        statuses = [(await line.reply()).status for _ in range(9)]
    assert statuses == [200, 200, 200, 200, 200, 200, 200, 404, 200]


async def test_reset_forgets(simulator: Simulator) -> None:
    await post(simulator, "anna", "k1")
    await ask(simulator, "/_/behave", {"recipient": "anna", "do": "500"})
    assert (await ask(simulator, "/_/reset")).status == 200
    assert (await get(simulator, "/_/summary"))["total"] == 0
    assert await post(simulator, "anna", "k1") == 200
    assert (await get(simulator, "/_/summary"))["by_outcome"] == {"accepted": 1}


async def test_behaviour_at_run_time(simulator: Simulator) -> None:
    reply = await ask(simulator, "/_/behaviour", {"error_500": 100, "seed": 5})
    assert reply.json()["error_500"] == 100
    assert await post(simulator, "anna") == 500
    assert (await get(simulator, "/_/behaviour"))["seed"] == 5
    wrong = await ask(simulator, "/_/behaviour", {"error_500": 101})
    assert wrong.status == 400
    assert wrong.json()["error"] == "error_500 must be a percentage from 0 to 100, not 101."
    assert (await ask(simulator, "/_/behaviour", b"{")).status == 400
    again = Behaviour().model_dump()
    assert (await ask(simulator, "/_/behaviour", again)).json() == again


async def test_the_page(simulator: Simulator) -> None:
    await post(simulator, "anna", path="/hook/<b>")
    reply = await ask(simulator, "/", method="GET")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert b"/hook/&lt;b&gt;" in reply.body
    assert b"<script" not in reply.body


async def test_unknown_own_addresses(simulator: Simulator) -> None:
    assert (await ask(simulator, "/_/nothing", method="GET")).status == 404
    assert (await ask(simulator, "/_/summary", {})).status == 404
    assert (await ask(simulator, "/_/inbound", {"bot": "x"})).status == 400
    assert (await ask(simulator, "/_/inbound", {"bot": "1:a", "chat_id": "x"})).status == 400


def test_peak_is_exact() -> None:
    dice = random.Random(1)
    for _ in range(200):
        times = [dice.randrange(3 * SECOND) for _ in range(dice.randrange(60))]
        times += [time + SECOND for time in times[:5]]
        slow = max((sum(t <= u < t + SECOND for u in times) for t in times), default=0)
        assert peak_per_second(times) == slow


async def test_texts_are_kept_as_asked() -> None:
    async with Simulator(Behaviour(keep_text=1)) as simulator:
        await post(simulator, "anna")
        simulator.use(Behaviour(keep_text=0))
        await post(simulator, "ben")
        assert [entry["text"] for entry in simulator.log.search()] == ["h", ""]


def written(path: Path, column: str) -> list[str]:
    return [json.loads(line)[column] for line in path.read_text().splitlines()]


async def test_the_log_outlives_the_simulator(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    async with Simulator(log_file=path) as simulator:
        await post(simulator, "anna", "k1")
        first = simulator.log.entry(1)
    with path.open("ab") as file:
        file.write(b'{"number": 2, "cut off')
    async with Simulator(log_file=path) as simulator:
        second = simulator.log.entry(1)
        assert {**second, "monotonic_ns": 0} == {**first, "monotonic_ns": 0}
        await post(simulator, "anna", "k1")
        assert simulator.log.entry(2)["outcome"] == "repeated"
    assert written(path, "outcome") == ["accepted", "repeated"]
    async with Simulator(log_file=path) as simulator:
        await ask(simulator, "/_/reset")
        await post(simulator, "ben")
    assert written(path, "recipient") == ["ben"]


async def test_a_file_that_is_no_log(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n")
    with pytest.raises(ValueError, match="is not a log of the simulator: line 1"):
        await Simulator(log_file=path).start()
    assert path.read_text() == "dear diary\n"


async def test_a_full_disk_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.jsonl"
    told = f"The log file {path} cannot be written: No space left on device."
    async with Simulator(log_file=path) as simulator:
        simulator._log_file._file.close()
        simulator._log_file._file = Path("/dev/full").open("ab")  # noqa: SIM115
        await post(simulator, "anna")

        async def noticed() -> bool:
            return (await get(simulator, "/_/health"))["problem"] == told

        await until(noticed)
        assert (await get(simulator, "/_/health"))["ok"] is False
        assert await post(simulator, "ben") == 200
    assert capsys.readouterr().err == f"{told}\n"


async def test_only_a_file_can_be_a_log() -> None:
    with pytest.raises(ValueError, match="/dev/zero is no file"):
        await Simulator(log_file=Path("/dev/zero")).start()
