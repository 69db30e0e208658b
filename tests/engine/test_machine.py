"""Random commands and crashes beside a simple model: every state is the model's, every sum holds.

The model knows no SQL: a dictionary of what state each delivery should be in, moved by the plain
meaning of each command. After every step it is compared with the database.
"""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from clarion.accounts.models import Agent
from clarion.broadcasts import chains, control, launch, restarts
from clarion.broadcasts.errors import ControlError, LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.states import ACTIVE, FINISHED
from clarion.broadcasts.states import may_move as broadcast_may_move
from clarion.channels.contract import Accepted, Refusal, Refused
from clarion.chats import control as chats
from clarion.contacts.addresses import mark
from clarion.contacts.models import Address
from clarion.engine import lifecycle, reap
from clarion.engine.claim import Claimed, claim
from clarion.engine.retry import Policy, judge
from clarion.engine.settle import settle
from clarion.kit import clock, db
from clarion.records.deliveries.requeue import requeue
from clarion.records.models import Delivery
from clarion.records.progress import Progress
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.records.states import may_move
from support import factory

PEOPLE = 6
RECEIVED = {"sent", "delivered", "read"}
WAITING = {"queued", "held"}
OUTCOMES = [Accepted(), *(Refused(refusal, "Because.", "x") for refusal in Refusal)]
WHO = st.integers(0, PEOPLE - 1)
EMPTIED = ("records_delivery", "records_record", "records_tally", "records_deliveryprogress",
           "broadcasts_pick", "chats_message", "chats_chat")  # fmt: skip


class Machine(RuleBasedStateMachine):
    """One channel, chains of broadcasts, agents, and workers that live and die."""

    def __init__(self) -> None:
        super().__init__()
        for table in EMPTIED:
            db.execute(f"DELETE FROM {table}")
        db.execute("UPDATE broadcasts_broadcast SET restart_of_id = NULL")
        Broadcast.objects.all().delete()
        db.execute("DELETE FROM engine_worker")
        number = db.fetch("SELECT count(*) FROM channels_channel")[0][0]
        self.channel = factory.channel(f"sink {number}")
        self.people = factory.people(self.channel, PEOPLE)
        self.policy = Policy(attempts=2, backoff=0.0, idempotent=False)
        self.ada = Agent.objects.first() or factory.agent()
        self.worker = reap.register()
        self.held: list[Claimed] = []  # claimed by the present worker
        self.unheard: list[Claimed] = []  # claimed, but the answer never came
        self.lost: list[tuple[int, Claimed]] = []  # in the hands of workers declared dead
        self.states: dict[int, str] = {}  # the model: delivery -> state
        self.place: dict[int, tuple[int, int]] = {}  # delivery -> broadcast, address
        self.open: set[int] = set()  # addresses in an open chat
        self.gone: set[int] = set()  # addresses that opted out
        self.seen: dict[int, str] = {}  # broadcast -> state before this step
        self.accepted: Counter[int] = Counter()  # what the provider took, by address
        self.again: Counter[int] = Counter()  # how often somebody in doubt was asked for again
        self.expected: set[int] | None = None
        factory.sending([self.channel])
        self._learn([person.pk for person in self.people])

    def newest(self) -> Broadcast:
        return Broadcast.objects.filter(state__in=[*ACTIVE, *FINISHED]).latest("pk")

    def _running(self) -> set[int]:
        return set(Broadcast.objects.filter(state__in=ACTIVE).values_list("pk", flat=True))

    def _of(self, address: int, states: set[str]) -> list[int]:
        return [d for d, (_, a) in self.place.items() if a == address and self.states[d] in states]

    def _learn(self, expected: list[int]) -> None:
        """The deliveries of a broadcast that has just been expanded."""
        newest = Broadcast.objects.latest("pk")
        rows = dict(Delivery.objects.filter(broadcast=newest).values_list("address_id", "pk"))
        assert sorted(rows) == sorted(expected)
        for address, delivery in rows.items():
            self.place[delivery] = (newest.pk, address)
            state = "skipped" if address in self.gone else "queued"
            self.states[delivery] = "held" if state == "queued" and address in self.open else state

    # the engine

    @rule(count=st.integers(1, 4), heard=st.integers(0, 5))
    def claim_some(self, count: int, heard: int) -> None:
        sending = set(Broadcast.objects.filter(state="sending").values_list("pk", flat=True))
        messages = claim(self.channel.pk, self.worker, count).messages
        for c in messages:
            assert self.states[c.delivery] == "queued"
            assert c.broadcast in sending
            self.states[c.delivery] = "sending"
        (self.held if heard else self.unheard).extend(messages)

    @rule()
    def find_lost_claims(self) -> None:
        requeue(self.worker, [c.delivery for c in self.unheard])
        for c in self.unheard:
            self.states[c.delivery] = "queued"
        self.unheard = []

    @rule(outcome=st.sampled_from(OUTCOMES))
    def answer_one(self, outcome: Any) -> None:
        if self.held:
            c = self.held.pop(0)
            self.states[c.delivery] = self._settle(self.worker, c, outcome)

    @rule()
    def accept_the_first_of_two_messages(self) -> None:
        if self.held:
            c = self.held.pop(0)
            accepted = factory.outcome(
                c, self.channel, "queued", attempts=c.attempts, attempted=False,
                progress=Progress(sent=1), number=0, maybe_sent=c.maybe_sent,
            )  # fmt: skip
            settle(self.worker, [accepted])
            self.states[c.delivery] = "queued"

    @rule(outcome=st.sampled_from(OUTCOMES))
    def answer_late(self, outcome: Any) -> None:
        if self.lost:
            worker, c = self.lost.pop(0)
            after = self._settle(worker, c, outcome)
            if after in {"sent", "failed"} and self.states[c.delivery] == "in_doubt":
                self.states[c.delivery] = after  # proven

    def _settle(self, worker: int, c: Claimed, outcome: Any) -> str:
        if isinstance(outcome, Accepted):
            self.accepted[c.address] += 1
            settlement = factory.outcome(c, self.channel, attempts=c.attempts + 1)
        else:
            verdict = judge(outcome, c.attempts, c.maybe_sent, 0, self.policy)
            settlement = factory.outcome(
                c, self.channel, verdict.state, attempts=verdict.attempts,
                attempted=verdict.attempted, reason=outcome.reason, code=outcome.code,
                maybe_sent=verdict.maybe_sent,
            )  # fmt: skip
        settle(worker, [settlement])
        return str(settlement.state)

    @rule()
    def crash(self) -> None:
        self.lost += [(self.worker, c) for c in self.held]
        for c in [*self.held, *self.unheard]:
            self.states[c.delivery] = "in_doubt"
        self.held, self.unheard = [], []
        reap.declare_all_dead()
        reap.reap()
        self.worker = reap.register()

    @rule()
    def keep_house(self) -> None:
        lifecycle.start_due()
        lifecycle.cancel_remaining()
        lifecycle.finish()
        stopped = set(Broadcast.objects.filter(state="stopped").values_list("pk", flat=True))
        for delivery, (broadcast, _) in self.place.items():
            if broadcast in stopped and self.states[delivery] in WAITING:
                self.states[delivery] = "unsent"
        for broadcast in self._running():
            mine = {self.states[d] for d, (b, _) in self.place.items() if b == broadcast}
            assert mine & {"queued", "held", "sending"}, "it should be completed"

    # people's commands

    @rule(action=st.sampled_from([control.pause, control.resume, control.stop]))
    def command(self, action: Any) -> None:
        with suppress(ControlError):  # the state does not allow it: that is an answer too
            action(self.newest(), by=factory.BY)

    @rule(rate=st.sampled_from([None, 1_000_000.0]))
    def change_speed(self, rate: float | None) -> None:
        with suppress(ControlError):
            control.set_rate(self.newest(), rate, by=factory.BY)

    @rule()
    def change_ones_mind(self) -> None:
        """Draft, send, undo, send, delete: nothing of it may touch what is on its way."""
        draft = launch.start(factory.draft([self.channel]), by=factory.BY, undo_seconds=600)
        launch.undo(draft, by=factory.BY)
        launch.start(draft, by=factory.BY, undo_seconds=600)
        with suppress(ControlError):
            control.stop(draft, by=factory.BY)
        control.delete(draft, by=factory.BY)

    @rule(in_doubt=st.booleans())
    def restart(self, in_doubt: bool) -> None:
        old = self.newest()
        chain = {link.pk for link in chains.chain(old)}
        left = {"failed", "unsent", *(["in_doubt"] if in_doubt else [])}
        got = {*RECEIVED, "sending", *([] if in_doubt else ["in_doubt"])}
        if old.state == "stopped":  # it is wound up first
            for delivery, (broadcast, _) in self.place.items():
                if broadcast == old.pk and self.states[delivery] in WAITING:
                    self.states[delivery] = "unsent"
        try:
            fresh = restarts.restart(old, by=factory.BY, in_doubt=in_doubt, undo_seconds=0)
        except (ControlError, LaunchError):
            return
        reached = {a for d, (b, a) in self.place.items() if b in chain and self.states[d] in got}
        doubted = {a for d, (b, a) in self.place.items() if self.states[d] == "in_doubt"}
        expected = [
            a for d, (b, a) in self.place.items()
            if b == old.pk and self.states[d] in left and a not in reached
        ]  # fmt: skip
        self.again.update(set(expected) & doubted)
        lifecycle.start_due()
        factory.expand(fresh)
        self._learn(expected)

    # people themselves

    @rule(who=WHO, state=st.sampled_from(["opted_out", "active"]))
    def move_address(self, who: int, state: str) -> None:
        address = self.people[who].pk
        running = self._running()
        mark(address, state, clock.now())
        if state == "active":
            self.gone.discard(address)
            return
        if address not in self.gone:
            for delivery in self._of(address, WAITING):
                if self.place[delivery][0] in running:
                    self.states[delivery] = "skipped"
        self.gone.add(address)

    @rule(who=WHO)
    def take_over_chat(self, who: int) -> None:
        address = self.people[who].pk
        if address in self.open:
            return
        chats.take_over(address, by=self.ada)
        self.open.add(address)
        running = self._running()
        for delivery in self._of(address, {"queued"}):
            if self.place[delivery][0] in running:
                self.states[delivery] = "held"

    @rule(who=WHO)
    def close_chat(self, who: int) -> None:
        address = self.people[who].pk
        if address in self.open:
            chats.close(address, by=self.ada)
            self.open.discard(address)
            for delivery in self._of(address, {"held"}):
                self.states[delivery] = "queued"

    @rule(who=WHO)
    def release_by_hand(self, who: int) -> None:
        address, newest = self.people[who].pk, self.newest()
        with suppress(ControlError):
            control.release_held(newest, by=factory.BY, address_ids=[address])
            for delivery in self._of(address, {"held"}):
                if self.place[delivery][0] == newest.pk:
                    self.states[delivery] = "queued"

    @rule(status=st.sampled_from(["delivered", "read", "failed"]), who=WHO)
    def receipt(self, status: str, who: int) -> None:
        # Providers report on what they took.
        for delivery in self._of(self.people[who].pk, {"sent", "delivered"}):
            key = Broadcast.objects.get(pk=self.place[delivery][0]).key
            said = ReceiptUpdate(self.channel.pk, status, 1, 2, message_id=f"{key}-{delivery}")
            assert apply_receipts([said]) == []
            if may_move(self.states[delivery], status):
                self.states[delivery] = status

    # what must hold after every step

    @invariant()
    def every_state_is_the_models(self) -> None:
        rows = Delivery.objects.values_list("pk", "state", "maybe_sent")
        for delivery, state, maybe in rows:
            expected = self.states[delivery]
            if state == "in_doubt" and maybe and expected in {"unsent", "skipped"}:
                self.states[delivery] = state  # an earlier try may have got through
            assert state == self.states[delivery], f"{state}, the model says {expected}"
        assert len(rows) == len(self.states)

    @invariant()
    def the_sums_are_right(self) -> None:
        for number in Broadcast.objects.values_list("pk", flat=True):
            result = reconcile(number)
            assert result.ok, result.lines()

    @invariant()
    def broadcasts_move_legally(self) -> None:
        now = dict(Broadcast.objects.values_list("pk", "state"))
        for number, state in now.items():
            before = self.seen.get(number, state)
            assert before == state or _path(before, state), f"{before} -> {state}"
        self.seen = now

    @invariant()
    def nobody_gets_it_twice_without_being_asked_for_in_doubt(self) -> None:
        for address, times in self.accepted.items():
            assert times <= 1 + self.again[address], f"{address} was sent to {times} times"

    @invariant()
    def nobody_is_lost(self) -> None:
        assert {a for _, a in self.place.values()} == set(
            Address.objects.filter(channel=self.channel).values_list("pk", flat=True)
        )


def _path(before: str, after: str) -> bool:
    """Whether legal moves lead from one state to the other (a step may make several)."""
    reached, frontier = {before}, {before}
    while frontier:
        frontier = {
            str(b) for a in frontier for b in factory.BROADCAST_STATES if broadcast_may_move(a, b)
        } - reached
        reached |= frontier
    return after in reached


@pytest.mark.django_db(transaction=True)
def test_random_commands_and_crashes_never_break_the_sums() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
