"""No statement goes through two long lists crosswise, whatever PostgreSQL believes of its tables.

What the planner knows is a minute old, or a day: a table that was emptied and analysed counts as
empty however much is written into it, and of a broadcast or channel that is younger than the last
look it expects nothing. Plans that suit nothing then take minutes for 20,000 people: a stop once
took 72 s, a restart longer still.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clarion.accounts.models import Agent
from clarion.broadcasts import control, drafts, launch, picker, restarts, retention
from clarion.broadcasts.audience import summary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.chats import control as chats
from clarion.chats.models import Chat
from clarion.consents import grants
from clarion.consents.manage import define
from clarion.consents.models import Consent
from clarion.contacts import tags
from clarion.engine import claim, lifecycle, reap
from clarion.engine.settle import settle
from clarion.kit import clock, db
from clarion.kit.db import estimates
from clarion.records import causes, export, tallies
from clarion.records.deliveries import hold
from clarion.records.deliveries.requeue import requeue
from clarion.records.filters import RecordFilter
from clarion.records.progress import Progress
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.records.search import search
from support import factory
from support.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.only_on("postgresql"),  # SQLite's plans don't follow statistics
]

PEOPLE = 12_000
BATCH = 2_500
MOST = 3.0  # seconds of the server's processor for one statement; each takes less than 0.3
LONGEST = 120  # seconds until a statement is broken off: it would go on for minutes


@contextmanager
def impatient() -> Iterator[None]:
    """Fail at a statement that takes too much work; look at all tables again afterwards.

    Work and not time, which also says how busy the machine is: the server tells after each
    statement how long the processor was at it.
    """
    told: list[float] = []  # seconds

    def note(said: Any) -> None:
        used = re.search(r"([\d.]+) s user, ([\d.]+) s system", said.message_detail or "")
        if used:
            told.append(float(used[1]) + float(used[2]))

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        before = len(told)
        result = execute(sql, params, many, context)
        took = sum(told[before:])
        assert took < MOST, f"{took:.1f} s for {sql}"
        return result

    settings = {
        "statement_timeout": f"'{LONGEST}s'", "log_statement_stats": "on",
        "client_min_messages": "log", "max_parallel_workers_per_gather": "0",
    }  # fmt: skip
    for name, value in settings.items():
        db.execute(f"SET {name} = {value}")
    connection.connection.add_notice_handler(note)
    try:
        with connection.execute_wrapper(watched):
            yield
        assert len(told) > 100, "the server tells nothing of its work"
    finally:
        connection.connection.remove_notice_handler(note)
        for name in settings:
            db.execute(f"RESET {name}")
        db.execute("ANALYZE")


def empty() -> None:
    """Have PostgreSQL take all tables for empty, as after they were emptied and analysed."""
    db.execute("DELETE FROM pg_statistic")
    db.execute(
        "UPDATE pg_class SET reltuples = 0, relpages = 300 WHERE relkind IN ('r', 'i') "
        "AND relnamespace = current_schema()::regnamespace"
    )


def known_of_others() -> None:
    """Have it know all about other people, channels and broadcasts, and nothing of ours."""
    channel = factory.channel(name="older")
    crowd = Crowd(channel, PEOPLE // 8, "Older")
    worker = register()
    for _ in range(3):
        broadcast = factory.sending([channel])
        send_some(channel, worker, claim.claim(channel.pk, worker, BATCH).messages)
        stop(broadcast)
    restarted = restarts.restart(broadcast, by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(restarted)
    stop(restarted)
    chats.close_all([one.pk for one in crowd.addresses], broadcast.pk)
    db.execute("ANALYZE")


def register() -> int:
    """A worker that keeps its lease, however long the test takes."""
    worker = reap.register()
    db.execute("UPDATE engine_worker SET lease_until = lease_until + %s", [3_600 * clock.SECOND])
    return worker


class Crowd:
    """People with a tag and a consent, a quarter of them in a chat with an agent."""

    def __init__(self, channel: Channel, count: int, name: str) -> None:
        self.addresses = factory.people(channel, count, prefix=name)
        self.contacts = [one.contact_id for one in self.addresses]
        tags.assign([name], self.contacts, by=factory.BY)
        self.consent: Consent = define(name=name, by=factory.BY)
        grants.give(self.consent, self.contacts, how="import", by=factory.BY)
        agent = Agent.objects.first() or factory.agent()
        Chat.objects.bulk_create(
            Chat(address=one, state="open", agent=agent, opened_at=clock.now())
            for one in self.addresses[: count // 4]
        )
        self.audience = Audience(kind="tags", tags=[name], consents=[name])


def send_some(channel: Channel, worker: int, claimed: list[claim.Claimed]) -> None:
    """Most of them get it, and that is reported; a few have a message of their story left."""
    some = len(claimed) * 4 // 5
    batch = [
        factory.outcome(one, channel, external_id=f"x{one.delivery}") for one in claimed[:some]
    ]
    settle(worker, batch)
    settle(worker, batch, again=True)
    progress = Progress(sent=1)
    settle(
        worker,
        [
            factory.outcome(one, channel, "queued", number=0, progress=progress)
            for one in claimed[some:]
        ],
    )
    now = clock.now_us()
    apply_receipts(
        [ReceiptUpdate(channel.pk, "delivered", now, now, f"x{one.delivery}") for one in claimed]
    )


def stop(broadcast: Broadcast) -> None:
    control.stop(broadcast, by=factory.BY)
    while lifecycle.cancel_remaining():
        pass


@pytest.mark.parametrize("belief", [empty, known_of_others])
def test_a_broadcast_lives_its_life_whatever_the_planner_believes(
    database_url: str, belief: Callable[[], None]
) -> None:
    belief()
    with impatient():
        channel = factory.channel()
        crowd = Crowd(channel, PEOPLE, "Ours")
        look_again()
        broadcast = launched(channel, crowd)
        assert factory.states(broadcast) == {"queued": PEOPLE * 3 // 4, "held": PEOPLE // 4}

        worker = register()
        send_some(channel, worker, claim.claim(channel.pk, worker, BATCH).messages)
        given_back = claim.claim(channel.pk, worker, BATCH).messages
        assert requeue(worker, [one.delivery for one in given_back]) == BATCH
        claim.claim(channel.pk, worker, BATCH)
        reap.declare_all_dead()
        assert reap.reap() == BATCH

        assert not hold.release_leftover()
        Chat.objects.update(state="closed", agent=None)
        assert hold.release_leftover().total() == PEOPLE // 4
        withdrawn = crowd.contacts[-1_000:]
        grants.withdraw(crowd.consent, withdrawn, how="import", by=factory.BY)
        stop(broadcast)
        left = {"delivered": 2_000, "in_doubt": BATCH, "skipped": 1_000, "unsent": PEOPLE - 5_500}
        assert factory.states(broadcast) == left
        tallies.squash()

        again = restarts.restart(broadcast, by=factory.BY, undo_seconds=0)
        lifecycle.start_due()
        factory.expand(again)
        assert factory.states(again) == {"queued": PEOPLE - 5_500}
        stop(again)
        assert restarts.leftover(again)["unsent"] == PEOPLE - 5_500
        looked_at(broadcast, channel, crowd)
        swept_away()


def look_again() -> None:
    """As the engine does every second; PostgreSQL's own counters are a second late."""
    db.fetch("SELECT pg_stat_force_next_flush()")
    estimates.correct()


def launched(channel: Channel, crowd: Crowd) -> Broadcast:
    draft = drafts.create_draft(
        by=factory.BY, text="Hello", channels=[channel], audience=crowd.audience
    )
    broadcast = launch.start(draft, by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(broadcast)
    return broadcast


def looked_at(broadcast: Broadcast, channel: Channel, crowd: Crowd) -> None:
    """What pages, commands and exports ask about it."""
    assert reconcile(broadcast.pk).by_rows["delivered"] == 2_000
    assert [cause.code for cause in causes.causes(broadcast.pk)] == ["worker_died"]
    wanted = RecordFilter(broadcast=broadcast.pk, status="completed")
    assert len(search(wanted, limit=50).rows) == 50
    assert sum(1 for _ in export.export_csv(wanted)) > 1
    assert summary(crowd.audience, [channel]).total == PEOPLE - 1_000
    hand_picked = drafts.create_draft(
        by=factory.BY, text="Hello", channels=[channel],
        audience=Audience(kind="picks", picked_from="hand"),
    )  # fmt: skip
    assert picker.tick_found(hand_picked) == PEOPLE
    picks = Audience(kind="picks", picked_from="hand")
    assert summary(picks, [channel], broadcast_id=hand_picked.pk).total == PEOPLE
    launch.start(hand_picked, by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(hand_picked)
    assert factory.states(hand_picked) == {"queued": PEOPLE}
    assert tags.remove(["Ours"], crowd.contacts, by=factory.BY) == PEOPLE
    stop(hand_picked)


def swept_away() -> None:
    Broadcast.objects.update(finished_at=clock.now() - timedelta(days=9_000))
    while retention.sweep():
        pass
    assert not db.fetch("SELECT 1 FROM records_delivery LIMIT 1")


@pytest.mark.parametrize("belief", [empty, lambda: db.execute("ANALYZE")], ids=["empty", "known"])
def test_broadcasts_that_share_a_channel_are_looked_up_one_by_one(
    database_url: str, belief: Callable[[], None]
) -> None:
    channel = factory.channel()
    factory.people(channel, 500)
    both = {factory.sending([channel]).pk for _ in range(2)}
    worker = register()
    belief()

    with CaptureQueriesContext(connection) as asked:
        claimed = claim.claim(channel.pk, worker, 20).messages

    assert {message.broadcast for message in claimed} == both
    (question,) = [each["sql"] for each in asked if "records_tally AS t" in each["sql"]]
    plan = "\n".join(line for (line,) in db.fetch(f"EXPLAIN {question}"))
    assert "SubPlan" in plan, plan  # not a join, which reads the tallies of all broadcasts
    assert "records_delivery" not in plan, plan
    db.execute("ANALYZE")


@pytest.fixture
def nobody_else_looks(database_url: str) -> Iterator[None]:
    """Keep autovacuum, which comes once a minute, from being quicker than the engine."""
    tables = ("contacts_address", "contacts_contact")
    for table in tables:
        db.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    yield
    for table in tables:
        db.execute(f"ALTER TABLE {table} RESET (autovacuum_enabled)")


def test_a_table_taken_for_empty_is_looked_at_again(nobody_else_looks: None) -> None:
    channel = factory.channel()
    factory.people(channel, 2_000)
    empty()
    crosswise: set[str] = set()

    def corrected() -> bool:
        db.fetch("SELECT pg_stat_force_next_flush()")
        crosswise.update(estimates.correct())
        return crosswise >= {"contacts_address", "contacts_contact"}

    eventually(corrected)

    assert expected_addresses() > 1_000
    assert not {"contacts_address", "contacts_contact"} & set(estimates.correct())


def test_small_tables_are_not_looked_at_all_the_time(database_url: str) -> None:
    factory.people(factory.channel(), 900)
    empty()
    db.fetch("SELECT pg_stat_force_next_flush()")

    assert "contacts_address" not in estimates.correct()
    db.execute("ANALYZE")


def expected_addresses() -> int:
    (plan,) = db.fetch("EXPLAIN (FORMAT JSON) SELECT * FROM contacts_address")[0]
    return int(plan[0]["Plan"]["Plan Rows"])
