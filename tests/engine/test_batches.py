"""Messages that are the same share a request: who is in it, and what becomes of each."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from channels.fixtures import reply
from clarion.channels.contract import Reply, Request
from clarion.channels.webhook.config import WebhookConfig
from clarion.engine import batches
from clarion.engine.batch_pipeline import pipeline_for
from clarion.engine.claim import Claimed
from clarion.engine.pipeline import ChannelPipeline
from clarion.engine.retry import Policy
from clarion.engine.snapshot import ChannelFacts
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.transport.errors import MaybeSent, NotSent
from clarion.transport.messages import HttpRequest
from engine.batch_kind import MOST, BatchKind, RequestsKind
from engine.ground import CHANNEL, MESSAGE, PipelineHost
from support.waiting import eventually_async

CONFIG = WebhookConfig.model_validate({"url": "http://127.0.0.1:9/hook", "allow_private": True})
BATCHING = replace(CHANNEL, kind=BatchKind(CONFIG), rate=None)
Answers = Callable[[int, list[str]], Reply]  # by the number of the request and its recipients


def messages(count: int, **fields: Any) -> list[Claimed]:
    return [
        replace(
            MESSAGE, delivery=n, address=n, to=f"u{n}", slot=0, contact={"name": f"Person {n}"},
            **fields,
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the test is, nobody leaves before the others have come."""
    monkeypatch.setattr(batches, "TOGETHER", 3_600 * clock.SECOND)


@dataclass
class Provider:
    """Answers as the test says, and remembers what it was asked."""

    host: PipelineHost
    answers: Answers = lambda number, to: reply(200)
    requests: list[tuple[list[str], str]] = field(default_factory=list)  # recipients and key
    unnoted: list[int] = field(default_factory=list)  # requests of whom the journal knew too little

    async def send(self, request: Request) -> Reply:
        assert isinstance(request, HttpRequest)
        if request.method != "POST":
            return reply(200)
        said = json.loads(request.body)
        to = said["to"] if isinstance(said["to"], list) else [said["to"]]
        self.requests.append((to, dict(request.headers)["Idempotency-Key"]))
        if not any({f"u{n}" for n in noted} == set(to) for noted in self.host.begun):
            self.unnoted.append(len(self.requests))
        return self.answers(len(self.requests), to)

    @property
    def recipients(self) -> list[list[str]]:
        return sorted(sorted(to) for to, _ in self.requests)


async def run(
    host: PipelineHost, provider: Provider, channel: ChannelFacts = BATCHING
) -> list[Settlement]:
    """What was settled of everybody who was waiting, in the order of their deliveries."""
    count = len(host.waiting)
    host.waiting, rest = host.waiting[:1], host.waiting[1:]
    pipeline = pipeline_for(host, channel, provider.send, 8)
    pipeline._answered = True  # else one message alone is tried first
    host.waiting += rest

    def is_done() -> bool:
        if _joined(pipeline) and _joined(pipeline) + len(host.settled) == count:
            _leave(pipeline)
        return len(host.settled) == count

    try:
        await eventually_async(is_done)
    finally:
        await pipeline.close()
    return sorted(host.settled, key=lambda settlement: settlement.delivery)


def states(settled: Sequence[Settlement]) -> list[str]:
    return [settlement.state for settlement in settled]


async def test_the_same_message_leaves_in_full_requests() -> None:
    host = PipelineHost(messages(2 * MOST + 1))
    provider = Provider(host)

    settled = await run(host, provider)

    assert states(settled) == ["sent"] * (2 * MOST + 1)
    assert {settlement.content for settlement in settled} == {"Hello"}
    assert sorted(map(len, provider.recipients)) == [1, MOST, MOST]
    assert sum(map(len, provider.recipients)) == len(
        {to for each in provider.recipients for to in each}
    )
    assert provider.unnoted == []


async def test_a_personal_text_leaves_alone() -> None:
    host = PipelineHost(messages(MOST), text="Hello {{ contact.name }}")
    provider = Provider(host)

    settled = await run(host, provider)

    assert [settlement.content for settlement in settled] == [
        f"Hello Person {n}" for n in range(MOST)
    ]
    assert provider.recipients == [[f"u{n}"] for n in range(MOST)]


@pytest.mark.parametrize("fields", [{"maybe_sent": True}, {}])
async def test_what_is_urgent_or_may_have_been_sent_leaves_alone(fields: dict[str, Any]) -> None:
    host = PipelineHost(messages(MOST, **fields), single=not fields)
    provider = Provider(host)

    await run(host, provider)

    assert provider.recipients == [[f"u{n}"] for n in range(MOST)]


async def test_each_recipient_has_an_outcome_of_its_own() -> None:
    host = PipelineHost(messages(MOST))
    provider = Provider(host, lambda number, to: reply(200, {"refused": ["u1"], "busy": ["u2"]}))

    settled = await run(host, provider)

    assert states(settled) == ["sent", "failed", "queued"]
    assert [settlement.reason for settlement in settled] == [
        "", "This recipient is refused.", "This recipient is busy.",
    ]  # fmt: skip
    assert [settlement.attempts for settlement in settled] == [1, 1, 1]


@pytest.mark.parametrize(
    ("status", "state", "attempts", "heard"),
    [(503, "queued", 0, 1), (401, "queued", 0, 1), (500, "queued", 1, 0), (502, "in_doubt", 1, 0)],
)
async def test_what_refuses_the_whole_request_is_about_each_and_heard_once(
    status: int, state: str, attempts: int, heard: int
) -> None:
    host = PipelineHost(messages(MOST))
    provider = Provider(host, lambda number, to: reply(status, retry_after="60"))

    settled = await run(host, provider)

    assert states(settled) == [state] * MOST
    assert {settlement.attempts for settlement in settled} == {attempts}
    assert len(provider.requests) == 1
    assert len(host.waits) + len(host.faults) == heard


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NotSent("The server is away."), "queued"),
        (MaybeSent("The server fell silent."), "in_doubt"),
    ],
)
async def test_a_request_without_a_reply_is_about_each(error: Exception, state: str) -> None:
    def break_off(number: int, to: list[str]) -> Reply:
        raise error

    host = PipelineHost(messages(MOST))
    settled = await run(host, Provider(host, break_off))

    assert states(settled) == [state] * MOST


async def test_a_request_that_is_refused_because_of_one_recipient_is_sent_to_each_alone() -> None:
    def refuse(number: int, to: list[str]) -> Reply:
        return reply(400 if "u1" in to else 200)

    host = PipelineHost(messages(MOST))
    provider = Provider(host, refuse)

    settled = await run(host, provider)

    assert states(settled) == ["sent", "failed", "sent"]
    assert sorted(map(len, provider.recipients)) == [1, 1, 1, MOST]
    assert provider.unnoted == []


async def test_an_outcome_too_few_leaves_all_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = BatchKind.batch_outcomes
    monkeypatch.setattr(
        BatchKind, "batch_outcomes", lambda kind, some, reply: outcomes(kind, some[1:], reply)
    )
    host = PipelineHost(messages(MOST))

    assert states(await run(host, Provider(host))) == ["in_doubt"] * MOST


@pytest.mark.parametrize("reason", ["paused", "no room in the journal"])
async def test_what_may_not_leave_is_queued_again(reason: str) -> None:
    host = PipelineHost(messages(MOST - 1))
    provider = Provider(host)
    pipeline = pipeline_for(host, BATCHING, provider.send, 8)
    pipeline._answered = True
    await eventually_async(lambda: _joined(pipeline) == MOST - 1)
    if reason == "paused":
        host.allowed = False
    else:
        host.may_begin = False
    _leave(pipeline)
    await eventually_async(lambda: len(host.settled) == MOST - 1)
    await pipeline.close()

    assert states(host.settled) == ["queued"] * (MOST - 1)
    assert {settlement.attempted for settlement in host.settled} == {False}
    assert provider.requests == []


async def test_what_waits_for_others_is_queued_again_at_the_end() -> None:
    host = PipelineHost(messages(MOST - 1))
    provider = Provider(host)
    pipeline = pipeline_for(host, BATCHING, provider.send, 8)
    pipeline._answered = True
    await eventually_async(lambda: _joined(pipeline) == MOST - 1)
    await pipeline.close()

    assert states(host.settled) == ["queued"] * (MOST - 1)
    assert provider.requests == []


IDEMPOTENT = replace(BATCHING, policy=Policy(3, 0.001, idempotent=True))


async def test_a_shared_request_is_repeated_with_its_key_where_repeats_are_dropped() -> None:
    host = PipelineHost(messages(MOST))
    provider = Provider(host, lambda number, to: reply(502 if number == 1 else 200))

    settled = await run(host, provider, IDEMPOTENT)

    assert states(settled) == ["sent"] * MOST
    first, second = provider.requests
    assert first == second
    assert len(host.begun) == 1


@pytest.mark.parametrize("later", [502, 429, 400])
async def test_what_stays_unknown_after_repeats_is_in_doubt_and_not_sent_again(later: int) -> None:
    host = PipelineHost(messages(MOST))
    provider = Provider(host, lambda number, to: reply(502 if number == 1 else later))

    settled = await run(host, provider, IDEMPOTENT)

    assert states(settled) == ["in_doubt"] * MOST
    assert len({key for _, key in provider.requests}) == 1
    assert len(provider.requests) == IDEMPOTENT.policy.attempts


async def test_a_repeat_that_is_far_off_does_not_delay_the_end() -> None:
    host = PipelineHost(messages(MOST))
    provider = Provider(host, lambda number, to: reply(502))
    channel = replace(IDEMPOTENT, policy=Policy(3, 3_600.0, idempotent=True))
    pipeline = pipeline_for(host, channel, provider.send, 8)
    pipeline._answered = True
    await eventually_async(lambda: bool(provider.requests))
    await asyncio.wait_for(pipeline.close(), 30)

    assert states(host.settled) == ["in_doubt"] * MOST
    assert len(provider.requests) == 1


async def test_alone_the_engine_repeats_a_message_with_its_key() -> None:
    host = PipelineHost(messages(1))
    provider = Provider(host, lambda number, to: reply(502))

    (settled,) = await run(host, provider, IDEMPOTENT)

    assert (settled.state, settled.maybe_sent) == ("queued", True)


async def test_only_requests_take_slots_where_the_provider_counts_them() -> None:
    channel = replace(BATCHING, kind=RequestsKind(CONFIG), request_rate=50.0)
    host = PipelineHost(messages(2 * MOST))
    provider = Provider(host)

    settled = await run(host, provider, channel)

    assert states(settled) == ["sent"] * (2 * MOST)
    assert host.slots_taken == len(provider.requests)


async def test_no_more_wait_for_a_request_of_their_own_than_may_leave_soon() -> None:
    channel = replace(BATCHING, kind=RequestsKind(CONFIG), request_rate=4.0)  # room for one
    host = PipelineHost(messages(40), text="Hello {{ contact.name }}")
    host.now = clock.now_us()

    async def never(channel_id: int, count: int) -> list[int]:
        await asyncio.Event().wait()
        return []

    host.slots = never  # type: ignore[method-assign]
    pipeline = pipeline_for(host, channel, Provider(host).send, 8)
    pipeline._answered = True
    await eventually_async(lambda: _joined(pipeline) == 40)
    _leave(pipeline)
    await eventually_async(lambda: len(host.settled) == 36)
    assert states(host.settled) == ["queued"] * 36
    await pipeline.close()
    assert states(host.settled) == ["queued"] * 40


def _leave(pipeline: ChannelPipeline) -> None:
    """As if those who wait had waited long enough."""
    some = pipeline._batches  # type: ignore[attr-defined]
    for key in list(some._groups):
        some._send_group(key)


def _joined(pipeline: ChannelPipeline) -> int:
    groups = pipeline._batches._groups.values()  # type: ignore[attr-defined]
    return sum(len(group.members) for group in groups)
