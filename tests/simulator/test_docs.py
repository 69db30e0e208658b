"""The calls of curl in docs/simulator.md work as they are written there."""

import json

from clarion_simulator.server import Simulator
from simulator.client import ask, dial, get, request
from support.documented import Curl, curls, page

CURLS = curls(page("simulator"))


async def carried_out(simulator: Simulator, call: Curl) -> int:
    """Make a documented call to this simulator; returns the status of the answer."""
    path = call.url.removeprefix("http://127.0.0.1:8025")
    async with dial(simulator) as line:
        await line.send(request(path, call.body.encode(), method=call.method))
        return (await line.reply()).status


async def test_every_documented_call_is_answered(simulator: Simulator) -> None:
    assert len(CURLS) >= 9
    for call in CURLS:
        assert await carried_out(simulator, call) == 200, call


async def test_a_documented_order_is_carried_out(simulator: Simulator) -> None:
    (call,) = [call for call in CURLS if call.url.endswith("/_/behave")]
    order = json.loads(call.body)
    await carried_out(simulator, call)

    statuses = [
        (await ask(simulator, "/hook/a", {"to": order["recipient"], "text": "hi"})).status
        for _ in range(order["times"] + 1)
    ]

    assert statuses == [403] * order["times"] + [200]


async def test_documented_knobs_are_turned(simulator: Simulator) -> None:
    (call,) = [call for call in CURLS if call.url.endswith("/_/behaviour")]
    await carried_out(simulator, call)

    behaviour = await get(simulator, "/_/behaviour")

    assert json.loads(call.body).items() <= behaviour.items()
