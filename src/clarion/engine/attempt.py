"""Attempting one claimed delivery: render, request, read what the reply means.

An attempt ends in a Settlement, which says where the delivery goes. The transport does the sending.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from clarion.broadcasts.gaps import OTHER
from clarion.broadcasts.reasons import KEY_ENDED, OUTSIDE_WINDOW, SKIPPED
from clarion.channels.abilities import pause_after
from clarion.channels.contract import (
    Accepted,
    LimitsChats,
    Outcome,
    Refusal,
    Refused,
    Reply,
    Request,
    Unsendable,
)
from clarion.contacts.states import AddressState
from clarion.content.errors import ContentError, UnreadableUploadError
from clarion.engine.claim import Claimed, NoCode
from clarion.engine.kept_files import KeptFiles, Ways
from clarion.engine.no_reply import WRONG_SETTINGS, without_reply
from clarion.engine.render import MessageStep, NothingLeft, QuestionStep, next_step
from clarion.engine.repeats import Repeats
from clarion.engine.resolving import resolved
from clarion.engine.results import (
    ContentTrouble,
    KnownGap,
    Result,
    StoryAnswered,
    StoryDown,
)
from clarion.engine.retry import judge
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.engine.windows import is_too_late
from clarion.kit import clock
from clarion.records import progress
from clarion.records.deliveries.settle import Settlement
from clarion.records.progress import Progress
from clarion.records.states import DeliveryState as D
from clarion.transport.errors import MaybeSent, NotSent, WrongSettings
from clarion.transport.messages import HttpReply

log = structlog.get_logger()
SendRequest = Callable[[Request], Awaitable[Reply]]  # by the transport
PAUSING = clock.SECOND  # until a pause is read everywhere
FAULT = "fault"
CONTENT = "content"
_SENT = D.SENT.value  # an enumeration's value takes a while to look up
STORY_WEBHOOK = "story_webhook"
OURS = "Clarion had a fault with this message. The worker's log has the details: please report it."
RESUME = "Then resume the broadcast."
START_ANEW = "Stop the broadcast, then duplicate it and correct the duplicate."


class AttemptHost(Protocol):
    """What an attempt needs of its worker."""

    files: KeptFiles
    repeats: Repeats

    def begin(self, delivery: int) -> bool:
        """Note that a message is about to leave; False: it must not."""


# Sends a message in another way than by a request of its own.
Deliver = Callable[[Claimed, Job, MessageStep, Request], Awaitable[tuple[Settlement, Result]]]


async def attempt(
    claimed: Claimed,
    channel: ChannelFacts,
    job: Job,
    send_request: SendRequest,
    host: AttemptHost,
    deliver: Deliver | None = None,
) -> tuple[Settlement, Result]:
    """Attempt one delivery; return what to settle, and what was found out (None: nothing).

    A story's webhook is asked without ``host.begin``: it may be asked again.
    """
    skipped_for = _skipped_for(claimed, channel, job)
    if not skipped_for and await host.repeats.have_ended(claimed, channel, job):
        skipped_for = KEY_ENDED
    if skipped_for:
        return _skipped(claimed, channel, skipped_for), None
    if (job.broken or isinstance(claimed.code, NoCode)) and not job.single:
        return _waits_for_content(claimed, channel), _content_trouble(claimed, job)
    try:
        step = next_step(claimed, job, channel.kind.limits)
        if isinstance(step, QuestionStep):
            return await _ask(claimed, channel, job, step, send_request)
        if isinstance(step, NothingLeft):
            return _completed(claimed, channel, job), None
    except UnreadableUploadError as error:
        return _unreadable(claimed, channel, job, error)
    except (ContentError, Unsendable) as error:
        return _not_made(claimed, channel, job, error)
    except Exception:
        log.exception("attempt_failed", delivery=claimed.delivery)
        return _not_made(claimed, channel, job)
    message = step
    if channel.names is not None and (question := channel.names.resolve(claimed.to)) is not None:
        began = time.perf_counter()
        refused = await resolved(channel.names, question, send_request)
        return concluded(claimed, channel, job, message, refused, began)

    async def send() -> tuple[Settlement, Result]:
        return await _send(claimed, channel, job, message, send_request, host, deliver)

    if message.outgoing.media is None:
        return await send()
    ways = Ways(
        send, lambda: requeued(claimed, channel.id), send_request,
        lambda refused: (_refused(claimed, channel, job, refused, message.shown), refused),
    )  # fmt: skip
    return await host.files.send(channel, message.outgoing, ways)


async def _send(
    claimed: Claimed,
    channel: ChannelFacts,
    job: Job,
    step: MessageStep,
    send_request: SendRequest,
    host: AttemptHost,
    deliver: Deliver | None,
) -> tuple[Settlement, Result]:
    try:
        request = channel.kind.request(step.outgoing)
    except (ContentError, Unsendable) as error:
        return _not_made(claimed, channel, job, error)
    except Exception:
        log.exception("attempt_failed", delivery=claimed.delivery)
        return _not_made(claimed, channel, job)
    if deliver is not None:
        return await deliver(claimed, job, step, request)
    if not host.begin(claimed.delivery):
        return requeued(claimed, channel.id), None
    began = time.perf_counter()
    try:
        outcome = channel.kind.outcome(await send_request(request))
    except (NotSent, MaybeSent) as error:
        outcome = without_reply(error)
    except Exception:
        log.exception("reply_failed", channel=channel.name)
        outcome = Refused(Refusal.UNKNOWN, OURS, FAULT)
    return concluded(claimed, channel, job, step, outcome, began)


def _not_made(
    claimed: Claimed,
    channel: ChannelFacts,
    job: Job,
    error: ContentError | Unsendable | None = None,
) -> tuple[Settlement, Result]:
    """What it means that there is nothing to send; without ``error`` by a fault of ours."""
    if error is None:
        fault = Refused(Refusal.REJECTED, OURS, FAULT)
        return _refused(claimed, channel, job, fault, ""), fault
    unfit = Refused(Refusal.REJECTED, str(error), CONTENT)
    is_known = (getattr(error, "variable", "") or OTHER) in job.gaps
    return _refused(claimed, channel, job, unfit, ""), KnownGap() if is_known else unfit


def _unreadable(
    claimed: Claimed, channel: ChannelFacts, job: Job, error: UnreadableUploadError
) -> tuple[Settlement, Result]:
    """The machine's trouble with a file: nobody fails, and an agent is told."""
    log.error("upload_unreadable", broadcast=claimed.broadcast, error=str(error))
    if job.single:  # can't be paused, so it is attempted again after the retry delay
        later = Refused(Refusal.RETRY, str(error), CONTENT)
        return _refused(claimed, channel, job, later, ""), None
    trouble = ContentTrouble(f"{error} {RESUME}")
    return _waits_for_content(claimed, channel), trouble


def concluded(
    claimed: Claimed,
    channel: ChannelFacts,
    job: Job,
    step: MessageStep,
    outcome: Outcome,
    began: float,
) -> tuple[Settlement, Result]:
    """What to settle of a message whose outcome is known; ``began``: by time.perf_counter()."""
    took = round((time.perf_counter() - began) * clock.SECOND)
    if isinstance(outcome, Refused) and _is_about_one_chat(outcome, channel, claimed.to):
        outcome = replace(outcome, whole_channel=False)
    settlement, result = _ended(claimed, channel, job, outcome, step)
    settlement.request_time = took
    return settlement, result


def was_not_made(result: Result) -> bool:
    """Whether there was no message to send. A fault in reading the reply is another thing: that
    message may have been sent."""
    if not isinstance(result, Refused) or result.refusal is not Refusal.REJECTED:
        return False
    return result.code in {CONTENT, FAULT, STORY_WEBHOOK}


def _skipped_for(claimed: Claimed, channel: ChannelFacts, job: Job) -> str:
    """Why nothing is sent to this person any more, see reasons.SKIPPED; "" where it is."""
    if claimed.address_state != "active" and not _may_be_answered(claimed, job):
        return claimed.address_state
    return OUTSIDE_WINDOW if is_too_late(claimed, channel, job) else ""


def _may_be_answered(claimed: Claimed, job: Job) -> bool:
    """Whoever wants no broadcasts may still get an answer, such as an agent's."""
    return job.answer and claimed.address_state == AddressState.OPTED_OUT


def _is_about_one_chat(outcome: Refused, channel: ChannelFacts, to: str) -> bool:
    """Whether only this chat has to wait, as far as one reply tells."""
    is_throttled, kind = outcome.refusal is Refusal.THROTTLED, channel.kind
    return is_throttled and isinstance(kind, LimitsChats) and kind.limits_chat(to)


async def _ask(
    claimed: Claimed,
    channel: ChannelFacts,
    job: Job,
    question: QuestionStep,
    send_request: SendRequest,
) -> tuple[Settlement, Result]:
    """Ask the story's webhook. It may be asked again: its key tells it that it was asked before."""
    code, reason, refusal = STORY_WEBHOOK, "", Refusal.RETRY
    try:
        reply = await send_request(question.request)
        assert isinstance(reply, HttpReply)
        if 200 <= reply.status <= 299:
            after, attributes = question.answered(claimed.progress, reply)
            settlement = _continued(claimed, channel, after)
            settlement.attributes = attributes
            return settlement, StoryAnswered(question.step, question.request)
        reason = f"The story's webhook answered {reply.status}. Look for the fault there."
        if 300 <= reply.status <= 499 and reply.status not in {408, 425, 429}:
            refusal = Refusal.REJECTED
    except WrongSettings as error:
        reason = f"The story's webhook can't be asked: {error.reason}"
        if not job.single:
            trouble = ContentTrouble(f"{reason} Stop the broadcast, then change the story.")
            return _waits_for_content(claimed, channel), trouble
        code, refusal = WRONG_SETTINGS, Refusal.REJECTED
    except (NotSent, MaybeSent) as error:
        reason = f"The story's webhook did not answer: {error.reason}"
    except ContentError as error:
        reason, refusal = str(error), Refusal.REJECTED
    refused = Refused(refusal, reason, code)
    settlement = _refused(claimed, channel, job, refused, "")
    down = StoryDown(question.step, question.request, reason)
    return settlement, down if refusal is Refusal.RETRY else refused


def _ended(
    claimed: Claimed, channel: ChannelFacts, job: Job, outcome: Outcome, step: MessageStep
) -> tuple[Settlement, Result]:
    """What to settle for an answer, and what it shows."""
    if isinstance(outcome, Accepted):
        return _accepted(claimed, channel, job, outcome, step), outcome
    if outcome.for_everybody and not job.single:
        return _waits_for_content(claimed, channel), ContentTrouble(outcome.reason)
    return _refused(claimed, channel, job, outcome, step.shown), outcome


def _accepted(
    claimed: Claimed, channel: ChannelFacts, job: Job, outcome: Accepted, step: MessageStep
) -> Settlement:
    before = claimed.progress.sent
    if step.last:
        settlement = _completed(claimed, channel, job)
        settlement.responses += 1
    else:
        settlement = _continued(claimed, channel, replace(claimed.progress, sent=before + 1))
        settlement.maybe_sent, settlement.number = False, before
        pause = round(pause_after(channel.kind, claimed.to) * clock.SECOND)
        if gap := max(channel.pair_gap, pause):
            settlement.due_at = settlement.at + gap
    settlement.content = step.shown
    settlement.external_id, settlement.parts = outcome.external_id, outcome.parts
    if outcome.recipient_ids and any(
        recipient != claimed.to for recipient in outcome.recipient_ids
    ):
        settlement.user_ids = (claimed.to, *outcome.recipient_ids)
    return settlement


def _completed(claimed: Claimed, channel: ChannelFacts, job: Job) -> Settlement:
    settlement = _attempted(claimed, channel, job)
    settlement.responses = claimed.progress.sent_by_attempt
    settlement.recovered = claimed.attempts > 0
    return settlement


def _continued(claimed: Claimed, channel: ChannelFacts, after: Progress) -> Settlement:
    """A step of the story is done, and another one follows: queued again, with the new progress."""
    settlement = _unattempted(claimed, channel.id, D.QUEUED)
    settlement.progress = after
    return settlement


def _refused(
    claimed: Claimed, channel: ChannelFacts, job: Job, outcome: Refused, shown: str
) -> Settlement:
    settlement = _attempted(claimed, channel, job)
    verdict = judge(outcome, claimed.attempts, claimed.maybe_sent, settlement.at, channel.policy)
    settlement.state, settlement.attempts = verdict.state, verdict.attempts
    settlement.due_at = verdict.due_at
    settlement.attempted = verdict.attempted
    settlement.maybe_sent = verdict.maybe_sent
    settlement.responses = claimed.progress.sent_by_attempt
    settlement.content = shown
    settlement.code, settlement.reason = outcome.code, outcome.reason
    settlement.refusal = outcome.refusal.value
    if outcome.moved_to:
        settlement.user_ids, settlement.moved_to = (claimed.to,), outcome.moved_to
    settlement.progress = _kept(claimed)
    if settlement.progress is not None and verdict.attempted:
        settlement.progress = replace(settlement.progress, recorded=settlement.progress.sent)
    if outcome.refusal is Refusal.UNREACHABLE:
        settlement.mark = outcome.mark
    return settlement


def _skipped(claimed: Claimed, channel: ChannelFacts, reason: str) -> Settlement:
    after = D.IN_DOUBT if claimed.maybe_sent else D.SKIPPED
    settlement = _unattempted(claimed, channel.id, after)
    settlement.code, settlement.reason = reason, SKIPPED[reason]
    return settlement


def requeued(claimed: Claimed, channel_id: int) -> Settlement:
    """The settlement of a claimed delivery that was not attempted: queued again as it was."""
    return _unattempted(claimed, channel_id, D.QUEUED)


def _content_trouble(claimed: Claimed, job: Job) -> ContentTrouble | None:
    """Why the broadcast has to wait; None where that ends by itself."""
    if job.broken:
        return ContentTrouble(f"{job.broken} {START_ANEW}")
    assert isinstance(claimed.code, NoCode)
    code = claimed.code
    return None if code.may_wait else ContentTrouble(code.reason, code.asked_at)


def _waits_for_content(claimed: Claimed, channel: ChannelFacts) -> Settlement:
    """Queued again as it was, until the broadcast is paused."""
    settlement = requeued(claimed, channel.id)
    settlement.due_at = clock.now_us() + PAUSING
    return settlement


def _unattempted(claimed: Claimed, channel_id: int, after: D) -> Settlement:
    """A settlement that makes no record and uses up no attempt."""
    return Settlement(
        delivery=claimed.delivery,
        broadcast=claimed.broadcast,
        channel=channel_id,
        address=claimed.address,
        state=after.value,
        attempts=claimed.attempts,
        at=clock.now_us(),
        due_at=claimed.due_at,
        maybe_sent=claimed.maybe_sent,
        progress=_kept(claimed),
    )


def _attempted(claimed: Claimed, channel: ChannelFacts, job: Job) -> Settlement:
    """The settlement of an attempt: sent, unless the caller says otherwise."""
    now = clock.now_us()
    # A trigger's own beginning says nothing: what counts is the moment it fired for this person.
    since = claimed.due_at if job.fires and claimed.due_at else job.scheduled_at
    return Settlement(
        claimed.delivery,
        claimed.broadcast,
        channel.id,
        claimed.address,
        _SENT,
        claimed.attempts + 1,
        now,
        attempted=True,
        latency=now - since,
        forgets=claimed.progress is not progress.NOTHING,
    )


def _kept(claimed: Claimed) -> Progress | None:
    """The progress that was there before, None where there was none."""
    return None if claimed.progress is progress.NOTHING else claimed.progress
