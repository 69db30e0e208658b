"""One attempt: what is measured of it."""

import asyncio
from types import SimpleNamespace

import pytest

from clarion.channels.contract import Reply, Request
from clarion.engine import attempt, reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.records.latency import latency
from clarion.transport.errors import NotSent
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("answer", [HttpReply(200, {}, b""), NotSent("The server is away.")])
def test_the_time_of_the_request_is_part_of_the_latency(
    monkeypatch: pytest.MonkeyPatch, answer: Reply | NotSent
) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    worker = reap.register()
    (claimed,) = claim(channel.pk, worker, 1).messages
    moment = [5.0]
    monkeypatch.setattr(attempt, "time", SimpleNamespace(perf_counter=lambda: moment[0]))

    async def answer_late(request: Request) -> Reply:
        moment[0] += 0.25
        if isinstance(answer, NotSent):
            raise answer
        return answer

    facts, job = snapshot.take().channels[channel.pk], snapshot.job(broadcast.pk)
    settlement, _ = asyncio.run(attempt.attempt(claimed, facts, job, answer_late, Alone()))
    settle(worker, [settlement])

    assert settlement.request_time == 250_000
    if not isinstance(answer, NotSent):
        assert latency(broadcast.pk)["request"].within[100] == 250_000
