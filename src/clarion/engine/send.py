"""Sending one claimed message: render, request, and read what the reply means."""

from collections.abc import Awaitable, Callable

from clarion.broadcasts.people import STOPPED
from clarion.channels.contract import (
    Accepted,
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    Reply,
    Request,
    Unsendable,
)
from clarion.contacts.unsubscribe import unsubscribe_url
from clarion.content.rendering import ContentError
from clarion.engine.claim import Claimed
from clarion.engine.retry import judge
from clarion.engine.settle import Settlement
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock
from clarion.records.states import DeliveryState as D
from clarion.transport.errors import MaybeSent, NotSent

Carry = Callable[[Request], Awaitable[Reply]]
NOT_SENT = "not_sent"
SKIPPED = {**STOPPED, "deleted": "The contact was deleted."}


def message_id(key: str, delivery: int) -> str:
    """The id of a delivery's message: the same over all tries, unlike any other's.

    ``key`` is random per broadcast, so that a restored backup, which gives delivery ids out anew,
    never repeats an idempotency key.
    """
    return f"{key}-{delivery}"


async def attempt(
    claimed: Claimed, channel: ChannelFacts, job: Job, carry: Carry
) -> tuple[Settlement, Outcome | None]:
    """Try one delivery; return what to settle, and what the provider said (None: not asked)."""
    if claimed.address_state != "active":
        return _skipped(claimed, channel), None
    content = ""
    try:
        content = job.text.render(claimed.contact)
        request = channel.kind.request(_outgoing(claimed, job, content))
    except (ContentError, Unsendable) as error:
        outcome: Outcome = Refused(Refusal.REJECTED, str(error), "content")
    else:
        outcome = await _carry(request, channel, carry)
    return _settlement(claimed, channel, job, content, outcome), outcome


def _outgoing(claimed: Claimed, job: Job, content: str) -> Outgoing:
    return Outgoing(
        id=message_id(job.key, claimed.delivery),
        broadcast=claimed.broadcast,
        to=claimed.to,
        text=content,
        title=job.title,
        name=str(claimed.contact.get("name", "")),
        unsubscribe_url=unsubscribe_url(claimed.address),
    )


async def _carry(request: Request, channel: ChannelFacts, carry: Carry) -> Outcome:
    try:
        return channel.kind.outcome(await carry(request))
    except NotSent as error:
        return Refused(Refusal.RETRY, error.reason, NOT_SENT)
    except MaybeSent as error:
        return Refused(Refusal.UNKNOWN, error.reason, "maybe_sent")


def _settlement(
    claimed: Claimed, channel: ChannelFacts, job: Job, content: str, outcome: Outcome
) -> Settlement:
    now = clock.now_us()
    settled = Settlement(
        delivery=claimed.delivery,
        broadcast=claimed.broadcast,
        channel=channel.id,
        address=claimed.address,
        state=D.SENT.value,
        attempts=claimed.attempts + 1,
        at=now,
        attempted=True,
        latency=now - job.scheduled_at,
        content=content,
    )
    if isinstance(outcome, Accepted):
        settled.external_id = outcome.external_id
        settled.responses = 1
        settled.recovered = claimed.attempts > 0
        return settled
    verdict = judge(outcome, claimed.attempts, claimed.maybe_sent, now, channel.policy)
    settled.state = verdict.state
    settled.attempts = verdict.attempts
    settled.due_at = verdict.due_at
    settled.attempted = verdict.attempted
    settled.maybe_sent = verdict.maybe_sent
    settled.code, settled.reason = outcome.code, outcome.reason
    if outcome.refusal is Refusal.UNREACHABLE:
        settled.mark = outcome.mark
    return settled


def _skipped(claimed: Claimed, channel: ChannelFacts) -> Settlement:
    settled = given_back(claimed, channel.id)
    settled.state = (D.IN_DOUBT if claimed.maybe_sent else D.SKIPPED).value
    settled.code, settled.reason = claimed.address_state, SKIPPED[claimed.address_state]
    return settled


def given_back(claimed: Claimed, channel_id: int) -> Settlement:
    """The settlement of a claimed delivery that was not tried: it is queued again."""
    return Settlement(
        delivery=claimed.delivery,
        broadcast=claimed.broadcast,
        channel=channel_id,
        address=claimed.address,
        state=D.QUEUED.value,
        attempts=claimed.attempts,
        at=clock.now_us(),
        maybe_sent=claimed.maybe_sent,
    )
