"""One attempt: what is measured of it."""

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from clarion.channels.contract import Reply, Request
from clarion.content import media
from clarion.engine import attempt, reap, snapshot
from clarion.engine.claim import claim
from clarion.engine.results import ContentTrouble
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


@pytest.mark.parametrize("is_single", [False, True])
def test_an_attachment_that_can_not_be_read_here_is_nobodys_fault(is_single: bool) -> None:
    channel = factory.channel("Mail", "email")
    factory.address(channel, "dana@x.example")
    upload = media.save_upload("menu.pdf", "application/pdf", [b"%PDF-1.7 menu"])
    broadcast = factory.sending([channel], text="Hello", mail={"attachments": [upload.token]})
    (claimed,) = claim(channel.pk, reap.register(), 1).messages
    media.path(upload.token).unlink()

    async def send(request: Request) -> Reply:
        raise AssertionError("there is nothing to send")

    facts, job = snapshot.take().channels[channel.pk], snapshot.job(broadcast.pk)
    job = replace(job, single=is_single)
    settlement, result = asyncio.run(attempt.attempt(claimed, facts, job, send, Alone()))

    if is_single:  # it can't be paused: it is attempted again later
        assert (settlement.state, settlement.refusal, result) == ("queued", "retry", None)
        assert settlement.due_at is not None
        assert "“menu.pdf” can't be read on this machine" in settlement.reason
        return
    assert (settlement.state, settlement.attempts, settlement.attempted) == ("queued", 0, False)
    assert isinstance(result, ContentTrouble)
    assert "“menu.pdf” can't be read on this machine (No such file" in result.reason
