"""Sending one claimed message: render, request, and read what the reply means."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from clarion.broadcasts.people import STOPPED
from clarion.channels.contract import (
    Accepted,
    Outcome,
    Refusal,
    Refused,
    Reply,
    Request,
    Unsendable,
)
from clarion.content.errors import ContentError
from clarion.content.script import shown_all
from clarion.engine.claim import Claimed
from clarion.engine.render import Ask, Done, Send, following
from clarion.engine.retry import judge
from clarion.engine.settle import Settlement
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock
from clarion.records import progress
from clarion.records.states import DeliveryState as D
from clarion.transport.errors import MaybeSent, NotSent
from clarion.transport.messages import HttpReply

log = structlog.get_logger()
Carry = Callable[[Request], Awaitable[Reply]]
NOT_SENT = "not_sent"
FAULT = "fault"
OURS = "Clarion had a fault with this message. Its log says which: please report it."
SKIPPED = {**STOPPED, "deleted": "The contact was deleted."}


async def attempt(
    claimed: Claimed, channel: ChannelFacts, job: Job, carry: Carry
) -> tuple[Settlement, Outcome | None]:
    """Try one delivery; return what to settle, and what the provider said (None: not asked)."""
    if claimed.address_state != "active" and not _answers(claimed, job):
        return _skipped(claimed, channel), None
    try:
        step = following(claimed, job)
        if isinstance(step, Ask):
            return await _ask(claimed, channel, job, step, carry), None
        if isinstance(step, Done):
            return _completed(claimed, channel, job, claimed.progress.sent), None
        request = channel.kind.request(step.outgoing)
    except (ContentError, Unsendable) as error:
        unfit = Refused(Refusal.REJECTED, str(error), "content")
        return _refused(claimed, channel, job, unfit, ""), unfit
    except Exception:
        log.exception("send_failed", delivery=claimed.delivery)
        return _refused(claimed, channel, job, Refused(Refusal.REJECTED, OURS, FAULT), ""), None
    outcome = await _carry(request, channel, carry)
    if isinstance(outcome, Accepted):
        return _accepted(claimed, channel, job, outcome, step), outcome
    return _refused(claimed, channel, job, outcome, step.shown), outcome


def _answers(claimed: Claimed, job: Job) -> bool:
    """Who wants no broadcasts may still be answered."""
    return job.single and claimed.address_state == "opted_out"


async def _carry(request: Request, channel: ChannelFacts, carry: Carry) -> Outcome:
    try:
        return channel.kind.outcome(await carry(request))
    except NotSent as error:
        return Refused(Refusal.RETRY, error.reason, NOT_SENT)
    except MaybeSent as error:
        return Refused(Refusal.UNKNOWN, error.reason, "maybe_sent")
    except Exception:
        log.exception("reply_failed", channel=channel.name)
        return Refused(Refusal.UNKNOWN, OURS, FAULT)


async def _ask(
    claimed: Claimed, channel: ChannelFacts, job: Job, ask: Ask, carry: Carry
) -> Settlement:
    """Ask the story's webhook. It may be asked again: its key tells it that it was asked before."""
    code, reason, refusal = "story_webhook", "", Refusal.RETRY
    try:
        reply = await carry(ask.request)
        assert isinstance(reply, HttpReply)
        if 200 <= reply.status <= 299:
            settled = given_back(claimed, channel.id)
            settled.progress = ask.answered(claimed.progress, reply)
            return settled
        reason = f"The story's webhook answered {reply.status}. Look for the fault there."
        if 300 <= reply.status <= 499 and reply.status not in {408, 425, 429}:
            refusal = Refusal.REJECTED
    except (NotSent, MaybeSent) as error:
        reason = f"The story's webhook did not answer: {error.reason}"
    except ContentError as error:
        reason, refusal = str(error), Refusal.REJECTED
    return _refused(claimed, channel, job, Refused(refusal, reason, code), "")


def _accepted(
    claimed: Claimed, channel: ChannelFacts, job: Job, outcome: Accepted, step: Send
) -> Settlement:
    sent = [*claimed.progress.sent, step.shown]
    if step.last:
        settled = _completed(claimed, channel, job, sent)
    else:
        settled = given_back(claimed, channel.id)
        settled.maybe_sent = False
        settled.progress = replace(claimed.progress, sent=sent)
    settled.external_id = outcome.external_id
    return settled


def _completed(
    claimed: Claimed, channel: ChannelFacts, job: Job, sent: progress.Sent
) -> Settlement:
    settled = _tried(claimed, channel, job)
    settled.responses = len(sent)
    settled.content = shown_all(sent)
    settled.recovered = claimed.attempts > 0
    return settled


def _refused(
    claimed: Claimed, channel: ChannelFacts, job: Job, outcome: Refused, shown: str
) -> Settlement:
    settled = _tried(claimed, channel, job)
    verdict = judge(outcome, claimed.attempts, claimed.maybe_sent, settled.at, channel.policy)
    settled.state = verdict.state
    settled.attempts = verdict.attempts
    settled.due_at = verdict.due_at
    settled.attempted = verdict.attempted
    settled.maybe_sent = verdict.maybe_sent
    settled.responses = len(claimed.progress.sent)
    settled.content = shown
    settled.code, settled.reason = outcome.code, outcome.reason
    if claimed.progress is not progress.NOTHING:
        settled.progress = claimed.progress
    if outcome.refusal is Refusal.UNREACHABLE:
        settled.mark = outcome.mark
    return settled


def _tried(claimed: Claimed, channel: ChannelFacts, job: Job) -> Settlement:
    """The settlement of a delivery that has come to its end by being sent."""
    now = clock.now_us()
    # A trigger's own beginning says nothing: what counts is the moment it fired for this person.
    since = claimed.due_at if job.fires and claimed.due_at else job.scheduled_at
    return Settlement(
        delivery=claimed.delivery,
        broadcast=claimed.broadcast,
        channel=channel.id,
        address=claimed.address,
        state=D.SENT.value,
        attempts=claimed.attempts + 1,
        at=now,
        attempted=True,
        latency=now - since,
        forgets=claimed.progress is not progress.NOTHING,
    )


def _skipped(claimed: Claimed, channel: ChannelFacts) -> Settlement:
    settled = given_back(claimed, channel.id)
    settled.state = (D.IN_DOUBT if claimed.maybe_sent else D.SKIPPED).value
    settled.code, settled.reason = claimed.address_state, SKIPPED[claimed.address_state]
    return settled


def given_back(claimed: Claimed, channel_id: int) -> Settlement:
    """The settlement of a claimed delivery that has not come to its end: it is queued again."""
    return Settlement(
        delivery=claimed.delivery,
        broadcast=claimed.broadcast,
        channel=channel_id,
        address=claimed.address,
        state=D.QUEUED.value,
        attempts=claimed.attempts,
        at=clock.now_us(),
        due_at=claimed.due_at,
        maybe_sent=claimed.maybe_sent,
        progress=None if claimed.progress is progress.NOTHING else claimed.progress,
    )
