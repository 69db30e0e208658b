"""Codes in broadcasts: one for each contact, the same on a retry, none given twice, none lost."""

import asyncio
from typing import Any

import pytest

from clarion.accounts import audit
from clarion.broadcasts import control, drafts, launch, singles
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview
from clarion.broadcasts.problems import check
from clarion.broadcasts.query import Audience
from clarion.broadcasts.restarts import restart
from clarion.broadcasts.states import BroadcastState
from clarion.channels.contract import Reply, Request
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.codes import batches, issuing, pools, stock
from clarion.codes.errors import CodeError
from clarion.codes.models import Code, CodePool
from clarion.contacts.models import Address
from clarion.engine import attempt, codes, lifecycle, meant, reap, snapshot, stops
from clarion.engine.claim import Claimed, NoCode, claim
from clarion.engine.render import MessageStep, next_step
from clarion.engine.results import ContentTrouble
from clarion.engine.settle import settle
from clarion.kit import clock, db
from engine.ground import Alone
from support import factory

pytestmark = pytest.mark.django_db
TEXT = "Hello {{ contact.name }}, yours is {{ code }}."


@pytest.fixture
def channel() -> Channel:
    return factory.channel()


@pytest.fixture
def people(channel: Channel) -> list[Address]:
    return factory.people(channel, 4)


def pool(count: int = 10, **rules: Any) -> CodePool:
    made = pools.create(pools.Rules(name="Spring", pattern="S-####-????", **rules), by=factory.BY)
    if count:
        batches.carry_out(batches.order_codes(made, count, by=factory.BY))
    return made


def claimed_of(channel: Channel, worker: int) -> list[Claimed]:
    return codes.attach(claim(channel.pk, worker, 100)).messages


def shown(claimed: Claimed) -> str:
    step = next_step(claimed, snapshot.job(claimed.broadcast), kind_class("webhook").limits)
    assert isinstance(step, MessageStep)
    return step.shown


def end(broadcast: Broadcast) -> Broadcast:
    lifecycle.finish()
    broadcast.refresh_from_db()
    return broadcast


def issued() -> set[str]:
    return set(Code.objects.filter(issued_at__isnull=False).values_list("code", flat=True))


def test_l2_each_contact_gets_a_code_in_the_text(channel: Channel, people: list[Address]) -> None:
    factory.sending([channel], text=TEXT, code_pool=pool())
    texts = [shown(claimed) for claimed in claimed_of(channel, reap.register())]
    assert len(texts) == 4
    assert {text.rpartition("yours is ")[2].rstrip(".") for text in texts} == issued()
    assert len(issued()) == 4


def test_l2_the_same_code_on_a_retry_and_after_a_crash(
    channel: Channel, people: list[Address]
) -> None:
    factory.sending([channel], text=TEXT, code_pool=pool())
    worker = reap.register()
    first = claimed_of(channel, worker)
    settle(
        worker,
        [factory.outcome(each, channel, "queued", attempts=1, due_at=1) for each in first],
    )
    again = claimed_of(channel, worker)
    assert {each.delivery: each.code for each in again} == {
        each.delivery: each.code for each in first
    }
    assert meant.meant(channel.pk, [first[0].delivery]) == {first[0].delivery: shown(first[0])}
    assert len(issued()) == 4


def test_l2_codes_never_sent_go_back_and_the_restart_sends_the_same(
    channel: Channel, people: list[Address]
) -> None:
    broadcast = factory.sending([channel], text=TEXT, code_pool=pool())
    worker = reap.register()
    first = claimed_of(channel, worker)
    outcomes = ["sent", "failed", "in_doubt", "skipped"]
    settle(
        worker,
        [
            factory.outcome(each, channel, state)
            for each, state in zip(first, outcomes, strict=True)
        ],
    )
    assert codes.give_back_unsent() == 0  # it is not over yet
    end(broadcast)
    assert codes.give_back_unsent() == 2
    assert codes.give_back_unsent() == 0
    assert issued() == {first[0].code, first[2].code}
    fresh = restart(broadcast, by=factory.BY, undo_seconds=0)
    assert fresh.code_pool_id == broadcast.code_pool_id
    lifecycle.start_due()
    factory.expand(fresh)
    (again,) = claimed_of(channel, worker)
    assert (again.address, again.code) == (first[1].address, first[1].code)


def test_a_part_of_a_story_that_was_sent_keeps_its_code(
    channel: Channel, people: list[Address]
) -> None:
    broadcast = factory.sending([channel], text=TEXT, code_pool=pool())
    worker = reap.register()
    first = claimed_of(channel, worker)
    settle(
        worker,
        [factory.outcome(each, channel, "failed", responses=1 - index % 2) for index, each in
         enumerate(first)],
    )  # fmt: skip
    end(broadcast)
    assert codes.give_back_unsent() == 2
    assert issued() == {first[0].code, first[2].code}


def test_out_of_stock_nobody_uses_up_an_attempt(channel: Channel, people: list[Address]) -> None:
    spring = pool(3)
    factory.sending([channel], text=TEXT, code_pool=spring)
    worker = reap.register()
    messages = claimed_of(channel, worker)
    (without,) = [each for each in messages if isinstance(each.code, NoCode)]
    assert isinstance(without.code, NoCode)
    assert "no free codes left" in without.code.reason
    assert not without.code.may_wait
    CodePool.objects.update(low_at=1, top_up=5)
    settle(worker, [factory.outcome(without, channel, "queued", attempts=0, due_at=1)])
    (without,) = claimed_of(channel, worker)
    assert isinstance(without.code, NoCode)
    assert without.code.may_wait
    assert stock.top_up_low() == 1
    assert batches.run_next()
    settle(worker, [factory.outcome(without, channel, "queued", attempts=0, due_at=1)])
    (served,) = claimed_of(channel, worker)
    assert isinstance(served.code, str)


def test_who_resumes_after_adding_codes_is_not_paused_by_what_was_asked_before(
    channel: Channel, people: list[Address]
) -> None:
    spring = pool(3)
    broadcast = factory.sending([channel], text=TEXT, code_pool=spring)
    messages = claimed_of(channel, reap.register())
    (without,) = [each for each in messages if isinstance(each.code, NoCode)]
    facts, job = snapshot.take().channels[channel.pk], snapshot.job(broadcast.pk)

    async def send(request: Request) -> Reply:
        raise AssertionError("there is nothing to send")

    def attempted() -> str:
        _, result = asyncio.run(attempt.attempt(without, facts, job, send, Alone()))
        assert isinstance(result, ContentTrouble)
        stops.pause_broadcast(broadcast.pk, result.reason, result.known_at)
        broadcast.refresh_from_db()
        return broadcast.state

    assert attempted() == BroadcastState.PAUSED
    batches.carry_out(batches.order_codes(spring, 5, by=factory.BY))
    control.resume(broadcast, by=factory.BY)
    assert attempted() == BroadcastState.SENDING
    stops.pause_broadcast(broadcast.pk, "There are none again.", db.now_us())
    broadcast.refresh_from_db()
    assert broadcast.state == BroadcastState.PAUSED


def test_a_contact_with_two_addresses_gets_one_code(people: list[Address]) -> None:
    other = factory.channel("other")
    twin = Address.objects.create(contact=people[0].contact, channel=other, value="twin")
    factory.sending([people[0].channel, other], text=TEXT, code_pool=pool())
    worker = reap.register()
    messages = claimed_of(people[0].channel, worker) + claimed_of(other, worker)
    of_one = {each.code for each in messages if each.address in {people[0].pk, twin.pk}}
    assert len(of_one) == 1
    assert len(issued()) == 4


def test_a_test_send_and_a_preview_use_no_code_up(channel: Channel, people: list[Address]) -> None:
    spring = pool()
    draft = factory.draft([channel], text=TEXT, code_pool=spring)
    (previewed,) = preview(draft, people[0])
    assert previewed.message is not None
    assert pools.sample(spring) in previewed.message.text
    singles.send_test(draft, people[0], by=factory.BY)
    (claimed,) = claimed_of(channel, reap.register())
    assert pools.sample(spring) in shown(claimed)
    assert issued() == set()


@pytest.mark.parametrize(
    ("text", "with_pool", "problem"),
    [
        (TEXT, False, "code pool"),
        ("Hello", True, "shows no code"),
        (TEXT, True, ""),
    ],
)
def test_what_is_wrong_is_said_before_sending(
    channel: Channel, people: list[Address], text: str, with_pool: bool, problem: str
) -> None:
    draft = factory.draft([channel], text=text, code_pool=pool() if with_pool else None)
    problems = check(draft)
    assert [each for each in problems if problem in each] if problem else not problems
    if problem:
        with pytest.raises(LaunchError):
            launch.start(draft, by=factory.BY)


def test_an_expired_pool_is_refused_and_one_in_use_is_kept(
    channel: Channel, people: list[Address]
) -> None:
    spring = pool()
    draft = factory.draft([channel], text=TEXT, code_pool=spring)
    CodePool.objects.update(valid_until=clock.from_us(1))
    draft.refresh_from_db()
    assert any("have expired" in each for each in check(draft))
    CodePool.objects.update(valid_until=None)
    draft = drafts.duplicate(draft, by=factory.BY)
    assert draft.code_pool == spring
    launch.start(draft, by=factory.BY, undo_seconds=0)
    with pytest.raises(CodeError, match=f"broadcast {draft.pk}"):
        pools.archive(spring, by=audit.COMMAND_LINE)


def test_each_time_a_trigger_fires_it_gives_another_code() -> None:
    spring = pool()
    contact = factory.people(factory.channel(), 1)[0].contact_id
    first = issuing.issue(spring.pk, 5, [(contact, 0)]).codes
    second = issuing.issue(spring.pk, 5, [(contact, 1)]).codes
    assert set(first.values()).isdisjoint(second.values())


def test_audience_of_picks_gets_codes_too(channel: Channel, people: list[Address]) -> None:
    factory.sending(
        [channel],
        text=TEXT,
        code_pool=pool(),
        audience=Audience(kind="picks", picked_from="hand"),
        picks=[people[1].pk],
    )
    (claimed,) = claimed_of(channel, reap.register())
    assert claimed.address == people[1].pk
    assert {claimed.code} == issued()
