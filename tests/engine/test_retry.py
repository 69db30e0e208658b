"""What follows from each outcome class."""

import pytest

from clarion.channels.contract import Refusal, Refused
from clarion.engine.retry import MOST_BACKOFF, Policy, judge

NOW = 1_000_000_000
PLAIN = Policy(attempts=5, backoff=0.1, idempotent=False)
KEYED = Policy(attempts=5, backoff=0.1, idempotent=True)


def refused(refusal: Refusal, **more: float) -> Refused:
    return Refused(refusal, "Because.", "x", **more)  # type: ignore[arg-type]


def test_i5_at_most_five_error_records_by_default() -> None:
    attempts = records = 0
    while True:
        verdict = judge(refused(Refusal.RETRY), attempts, False, NOW, PLAIN)
        attempts, records = verdict.attempts, records + verdict.attempted
        if verdict.state != "queued":
            break
    assert verdict.state == "failed"
    assert records == 5


def test_backoff_doubles_up_to_a_bound() -> None:
    waits = [judge(refused(Refusal.RETRY), n, False, NOW, PLAIN).due_at - NOW for n in range(4)]
    assert waits == [100_000, 200_000, 400_000, 800_000]
    patient = Policy(attempts=100, backoff=60, idempotent=False)
    assert judge(refused(Refusal.RETRY), 50, False, NOW, patient).due_at - NOW == MOST_BACKOFF


def test_throttling_uses_no_try_and_makes_no_record() -> None:
    alone = refused(Refusal.THROTTLED, retry_after=7.0, whole_channel=False)
    verdict = judge(alone, 2, False, NOW, PLAIN)
    assert (verdict.state, verdict.attempts, verdict.attempted) == ("queued", 2, False)
    assert verdict.due_at == NOW + 7_000_000
    # Where the whole channel waits, ending that wait lets the message leave too.
    assert judge(refused(Refusal.THROTTLED, retry_after=7.0), 2, False, NOW, PLAIN).due_at == NOW


def test_a_server_that_is_not_there_uses_no_try_and_makes_no_record() -> None:
    verdict = judge(refused(Refusal.UNAVAILABLE), 4, True, NOW, PLAIN)
    assert (verdict.state, verdict.attempts, verdict.attempted) == ("queued", 4, False)
    assert (verdict.due_at, verdict.maybe_sent) == (NOW, True)


@pytest.mark.parametrize(
    ("refusal", "policy", "maybe", "state"),
    [
        (Refusal.UNKNOWN, PLAIN, False, "in_doubt"),
        (Refusal.UNKNOWN, KEYED, False, "queued"),
        (Refusal.REJECTED, PLAIN, False, "failed"),
        (Refusal.UNREACHABLE, PLAIN, False, "failed"),
        (Refusal.MISCONFIGURED, PLAIN, False, "queued"),
        (Refusal.REJECTED, KEYED, True, "in_doubt"),  # an earlier try may have got through
    ],
)
def test_states(refusal: Refusal, policy: Policy, maybe: bool, state: str) -> None:
    assert judge(refused(refusal), 0, maybe, NOW, policy).state == state


def test_doubt_is_remembered_over_later_tries() -> None:
    unknown = judge(refused(Refusal.UNKNOWN), 3, False, NOW, KEYED)
    last = judge(refused(Refusal.RETRY), unknown.attempts, unknown.maybe_sent, NOW, KEYED)
    assert (unknown.state, last.state) == ("queued", "in_doubt")


def test_one_attempt_is_not_repeated() -> None:
    verdict = judge(refused(Refusal.RETRY), 0, False, NOW, Policy(1, 0.1, False))
    assert (verdict.state, verdict.attempts) == ("failed", 1)
