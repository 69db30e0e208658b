"""What follows from an outcome: where the delivery goes, and whether it is tried again."""

from dataclasses import dataclass

from clarion.channels.contract import Refusal, Refused
from clarion.kit import clock
from clarion.records.states import DeliveryState as D

MOST_BACKOFF = 3600 * clock.SECOND
DEFAULT_WAIT = 1.0  # seconds, when a provider throttles without saying for how long


@dataclass(frozen=True, slots=True)
class Policy:
    """A channel's retry policy.

    ``attempts`` counts the attempts of one delivery that may end in an error (1 or more), so one
    person has at most that many error records (FEATURES I5; docs/decisions/0011-retries.md).
    """

    attempts: int
    backoff: float  # seconds before the second try; doubles with each further one
    idempotent: bool  # whether the receiver drops a repeated message id


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a refused delivery goes."""

    state: str
    attempts: int
    due_at: int = 0  # microseconds
    attempted: bool = True  # whether it makes a record
    maybe_sent: bool = False  # whether any try up to now may have got through


def judge(refused: Refused, attempts: int, maybe_sent: bool, now: int, policy: Policy) -> Verdict:
    """What a refusal means for a delivery that had used up ``attempts`` tries before.

    ``maybe_sent``: one of these may have got through. UNKNOWN on a channel with an idempotency
    key is tried again, for the receiver drops repeats. A delivery that may have got through once
    never ends as failed, but in doubt.
    """
    used = attempts + 1
    left = used < policy.attempts
    give_up = D.IN_DOUBT if maybe_sent else D.FAILED
    match refused.refusal:
        case Refusal.THROTTLED | Refusal.UNAVAILABLE | Refusal.MISCONFIGURED:
            # Where the channel waits, its messages need no wait of their own: a person may end it.
            wait = 0.0 if refused.whole_channel else wait_of(refused)
            due = now + round(wait * clock.SECOND)
            return Verdict(D.QUEUED, attempts, due, attempted=False, maybe_sent=maybe_sent)
        case Refusal.RETRY if left:
            return Verdict(D.QUEUED, used, now + backoff(policy, used), maybe_sent=maybe_sent)
        case Refusal.UNKNOWN if left and policy.idempotent:
            return Verdict(D.QUEUED, used, now + backoff(policy, used), maybe_sent=True)
        case Refusal.UNKNOWN:
            return Verdict(D.IN_DOUBT, used)
        case _:
            return Verdict(give_up, used)


def backoff(policy: Policy, used: int) -> int:
    """Microseconds to wait before another attempt, when ``used`` have been made."""
    doubled: float = policy.backoff * clock.SECOND * 2 ** min(used - 1, 20)
    return min(round(doubled), MOST_BACKOFF)


def wait_of(refused: Refused) -> float:
    """How many seconds to wait where a provider throttles, or is not there, for this message."""
    return DEFAULT_WAIT if refused.retry_after is None else refused.retry_after
