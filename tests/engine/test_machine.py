"""Random commands and crashes, step by step against O2: whatever happens, the sums are right."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from clarion.broadcasts import control
from clarion.broadcasts.control import ControlError
from clarion.broadcasts.launch import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Accepted, Refusal, Refused
from clarion.contacts.addresses import mark
from clarion.engine import calendar, reap
from clarion.engine.claim import Claimed, claim
from clarion.engine.retry import Policy, judge
from clarion.engine.settle import Settlement, settle
from clarion.kit import clock, db
from clarion.records.models import Delivery
from clarion.records.receipts import Sighting, apply_receipts
from clarion.records.reconcile import reconcile
from clarion.records.states import may_move
from support import factory

PEOPLE = 6
FINAL_FOR_THE_PERSON = {"sent", "delivered", "read"}
OUTCOMES = [Accepted(), *(Refused(refusal, "Because.", "x") for refusal in Refusal)]


class Machine(RuleBasedStateMachine):
    """One channel, one chain of broadcasts, and workers that live and die."""

    def __init__(self) -> None:
        super().__init__()
        for table in ("records_delivery", "records_record", "records_tally", "broadcasts_pick"):
            db.execute(f"DELETE FROM {table}")
        Broadcast.objects.all().delete()
        db.execute("DELETE FROM engine_worker")
        number = db.fetch("SELECT count(*) FROM channels_channel")[0][0]
        self.channel = factory.channel(f"sink {number}")
        self.people = factory.people(self.channel, PEOPLE)
        self.policy = Policy(retries=2, backoff=0.0, idempotent=False)
        factory.sending([self.channel])
        self.worker = reap.register()
        self.held: list[Claimed] = []  # claimed by the present worker
        self.lost: list[tuple[int, Claimed]] = []  # in the hands of workers declared dead
        self.seen: dict[int, str] = {}
        self.accepted: Counter[int] = Counter()  # what the provider took, by address

    def newest(self) -> Broadcast:
        return Broadcast.objects.latest("pk")

    @rule(count=st.integers(1, 4))
    def claim_some(self, count: int) -> None:
        self.held += claim(self.channel.pk, self.worker, count).messages

    @rule(outcome=st.sampled_from(OUTCOMES))
    def answer_one(self, outcome: Any) -> None:
        if self.held:
            self._settle(self.worker, self.held.pop(0), outcome)

    @rule(outcome=st.sampled_from(OUTCOMES))
    def answer_late(self, outcome: Any) -> None:
        if self.lost:
            self._settle(*self.lost.pop(0), outcome)

    def _settle(self, worker: int, c: Claimed, outcome: Any) -> None:
        if isinstance(outcome, Accepted):
            self.accepted[c.address] += 1
            settlement = Settlement(
                c.delivery, c.broadcast, self.channel.pk, c.address, "sent", c.attempts + 1,
                clock.now_us(), attempted=True, responses=1,
            )  # fmt: skip
        else:
            verdict = judge(outcome, c.attempts, c.maybe_sent, 0, self.policy)
            settlement = Settlement(
                c.delivery, c.broadcast, self.channel.pk, c.address, verdict.state,
                verdict.attempts, clock.now_us(), attempted=verdict.attempted,
                reason=outcome.reason, code=outcome.code, maybe_sent=verdict.maybe_sent,
            )  # fmt: skip
        settle(worker, [settlement])

    @rule()
    def crash(self) -> None:
        self.lost += [(self.worker, c) for c in self.held]
        self.held = []
        reap.declare_all_dead()
        reap.reap()
        self.worker = reap.register()

    @rule(action=st.sampled_from([control.pause, control.resume, control.stop]))
    def command(self, action: Any) -> None:
        with suppress(ControlError):  # the state does not allow it: that is an answer too
            action(self.newest(), by=factory.BY)

    @rule(in_doubt=st.just(False))
    def restart(self, in_doubt: bool) -> None:
        try:
            fresh = control.restart(self.newest(), by=factory.BY, in_doubt=in_doubt, undo_seconds=0)
        except (ControlError, LaunchError):
            return
        calendar.start_due()
        factory.expand(fresh)

    @rule()
    def keep_house(self) -> None:
        calendar.wind_up()
        calendar.finish()

    @rule(who=st.integers(0, PEOPLE - 1), state=st.sampled_from(["opted_out", "active"]))
    def move_address(self, who: int, state: str) -> None:
        mark(self.people[who].pk, state, clock.now())

    @rule(status=st.sampled_from(["delivered", "read", "failed"]), who=st.integers(0, PEOPLE - 1))
    def receipt(self, status: str, who: int) -> None:
        # Providers report on what they took.
        taken = Delivery.objects.filter(
            address=self.people[who].pk, state__in=["sent", "delivered"]
        )
        for delivery in taken:
            key = Broadcast.objects.get(pk=delivery.broadcast_id).key
            apply_receipts(
                [Sighting(self.channel.pk, status, 1, 2, message_id=f"{key}-{delivery.pk}")]
            )

    @invariant()
    def the_sums_are_right(self) -> None:
        for number in Broadcast.objects.values_list("pk", flat=True):
            result = reconcile(number)
            assert result.ok, result.lines()

    @invariant()
    def only_legal_moves(self) -> None:
        rows = Delivery.objects.values_list("pk", "state")
        for number, state in rows:
            before = self.seen.get(number, state)
            assert before == state or _path(before, state), f"{before} -> {state}"
        self.seen = dict(rows)

    @invariant()
    def nobody_gets_it_twice_without_doubt(self) -> None:
        for address, times in self.accepted.items():
            assert times <= 1, f"{address} was sent to {times} times"


def _path(before: str, after: str) -> bool:
    """Whether legal moves lead from one state to the other (a step may make several)."""
    reached, frontier = {before}, {before}
    while frontier:
        frontier = {
            b for a in frontier for b in factory.DELIVERY_STATES if may_move(a, b)
        } - reached
        reached |= frontier
    return after in reached


@pytest.mark.django_db(transaction=True)
def test_random_commands_and_crashes_never_break_the_sums() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
