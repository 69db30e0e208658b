"""Deleting what is past its days (E5)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import control, history, restarts, retention, singles
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast, ExternalCall, Firing
from clarion.broadcasts.reconcile import reconcile
from clarion.contacts.models import Contact
from clarion.engine import lifecycle
from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.models import Delivery, DeliveryProgress, Part, Receipt, Record, Tally
from support import factory

pytestmark = pytest.mark.django_db
NOW = clock.now()


def days(settings: Settings, count: int) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"retention_days": count})


def over(days_ago: float, people: int = 2, **fields: Any) -> Broadcast:
    """A broadcast that everyone got, finished that long ago."""
    channel = factory.channel(f"channel {Broadcast.objects.count()}")
    factory.people(channel, people)
    broadcast = factory.sending([channel])
    factory.settle_all(channel)
    lifecycle.finish()
    return age(broadcast, days_ago, **fields)


def age(broadcast: Broadcast, days_ago: float, **fields: Any) -> Broadcast:
    at = NOW - timedelta(days=days_ago)
    Broadcast.objects.filter(pk=broadcast.pk).update(finished_at=at, **fields)
    broadcast.refresh_from_db()
    return broadcast


def sweep_all(limit: int = retention.STEP) -> int:
    steps = 0
    while retention.sweep(limit):
        steps += 1
        assert steps < 500
    return steps


def left() -> list[int]:
    return list(Broadcast.objects.order_by("pk").values_list("pk", flat=True))


def test_e5_what_is_past_its_days_goes_with_everything_and_nothing_else() -> None:
    old, young = over(91), over(89)
    for broadcast in (old, young):
        delivery = Delivery.objects.filter(broadcast=broadcast.pk)[0]
        common = {"channel_id": delivery.channel_id, "delivery": delivery}
        Receipt.objects.create(**common, external_id="x", status="read", at=NOW, received_at=NOW)
        factory.part(delivery, "One", external_id="part")
        DeliveryProgress.objects.create(delivery=delivery)
        ExternalCall.objects.create(broadcast=broadcast, key="k")
        Firing.objects.create(
            broadcast=broadcast, contact=Contact.objects.all()[0], happened_at=NOW, due_at=NOW
        )
        broadcast.picks.create(address_id=delivery.address_id)
    tables = (Record, Delivery, Tally, Receipt, Part, DeliveryProgress, ExternalCall, Firing)
    before = {table: table.objects.count() for table in tables}

    sweep_all()

    assert left() == [young.pk]
    assert {table: table.objects.count() * 2 for table in tables} == before
    assert reconcile(young.pk).ok
    entry = AuditEntry.objects.get(action="broadcast.expire")
    assert (entry.actor, entry.subject) == ("worker", f"broadcast {old.pk}")
    assert entry.detail["title"] == "Spring"
    assert entry.detail["people"] == 2


def test_e5_steps_are_small_and_a_crash_between_two_is_no_matter() -> None:
    old = over(91, people=9)

    assert retention.sweep(4) == 1  # marked: out of sight at once
    assert not history.visible().filter(pk=old.pk).exists()
    assert history.section("completed").broadcasts == []
    assert Record.objects.count() == 9
    sizes = []
    while gone := retention.sweep(4):
        sizes.append(gone)

    assert max(sizes) <= 4 + 2
    assert left() == []
    assert not Record.objects.exists()
    assert not Delivery.objects.exists()
    assert not Tally.objects.exists()


def test_e5_nothing_goes_when_it_is_kept_for_ever(settings: Settings) -> None:
    old = over(4_000)
    days(settings, 0)

    assert retention.sweep() == 0
    assert retention.due(NOW) == []
    assert retention.summary(NOW).broadcasts == 0
    assert left() == [old.pk]

    days(settings, 4_000)
    sweep_all()
    assert left() == []


@pytest.mark.parametrize("state", ["draft", "scheduled", "sending", "paused", "live", "missed"])
def test_e5_what_is_not_over_never_goes(state: str) -> None:
    broadcast = over(4_000, state=state)

    assert sweep_all() == 0
    assert left() == [broadcast.pk]


def test_e5_a_chain_goes_when_its_youngest_link_may() -> None:
    """Who got an old link must stay known while a young one can be restarted."""
    first = over(200)
    second = over(150, restart_of=first)
    other = over(140, restart_of=first)
    third = over(30, restart_of=second)

    assert sweep_all() == 0
    assert left() == [first.pk, second.pk, other.pk, third.pk]
    assert [one.goes_at for one in retention.due(NOW + timedelta(days=61))] == [
        NOW + timedelta(days=60)
    ] * 4

    age(third, 90.1)
    sweep_all()
    assert left() == []


def test_e5_a_link_that_is_still_sending_keeps_its_chain() -> None:
    first = over(200)
    running = over(100, restart_of=first, state="paused")

    assert sweep_all() == 0
    assert retention.due(NOW) == []
    assert left() == [first.pk, running.pk]


def test_e5_one_with_runs_goes_after_them() -> None:
    parent = over(200, recurrence={"every": "day", "at": "09:00"}, total=0)
    old, young = over(120, parent=parent), over(20, parent=parent)

    sweep_all()

    assert left() == [parent.pk, young.pk]
    age(young, 91)
    sweep_all()
    assert left() == []
    assert old.pk not in left()


def test_f1_a_deleted_parent_goes_when_its_runs_have_gone(settings: Settings) -> None:
    days(settings, 0)
    parent = over(1, recurrence={"every": "day", "at": "09:00"}, total=0, state="live")
    run = over(1, parent=parent)

    control.delete(parent, by=factory.BY)
    sweep_all()
    assert left() == [parent.pk, run.pk]

    days(settings, 1)
    age(run, 2)
    sweep_all()
    assert left() == []


def test_e5_who_is_queued_keeps_it() -> None:
    """The engine was away for months: what it has not wound up yet is not touched."""
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    age(broadcast, 100, state="stopped")
    assert sweep_all() == 0

    while lifecycle.cancel_remaining():
        pass
    sweep_all()

    assert left() == []


def test_e5_one_that_is_still_being_expanded_stays() -> None:
    broadcast = over(100, state="stopped", expanded_at=None)
    assert sweep_all() == 0
    assert left() == [broadcast.pk]


def test_e5_what_agents_wrote_stays_in_its_chat_and_what_buttons_asked_for_goes() -> None:
    channel = factory.channel()
    address = factory.people(channel, 1)[0]
    agent = factory.agent()
    reply = singles.send_single(address, by=agent, text="Good morning")
    asked = singles.send_single(address, by="worker", text="Opening hours")
    factory.settle_all(channel)
    lifecycle.finish()
    for single in (reply, asked):
        age(single, 91)

    assert retention.due(NOW) == []  # singles are no broadcasts
    sweep_all()

    assert left() == [reply.pk]
    assert Record.objects.count() == 1
    assert AuditEntry.objects.get(action="broadcast.expire").detail == {"broadcasts": 1}


def test_e5_it_is_said_beforehand_what_goes_and_when() -> None:
    first, second, far = over(88, people=3), over(80), over(10)

    soon = NOW + timedelta(days=14)
    told = [(one.broadcast.pk, one.goes_at) for one in retention.due(soon)]

    assert told == [
        (first.pk, NOW + timedelta(days=2)),
        (second.pk, NOW + timedelta(days=10)),
    ]
    due = retention.summary(soon)
    assert (due.broadcasts, due.records, due.more) == (2, 5, False)
    assert retention.summary(NOW + timedelta(days=85)).broadcasts == 3
    assert [one.broadcast.pk for one in retention.due(soon, limit=1)] == [first.pk]
    assert far.pk in left()


def test_records_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_COUNTED", 2)
    over(91, people=5)

    due = retention.summary(clock.now())

    assert (due.records, due.more) == (2, True)


def test_a_restart_does_not_begin_while_its_chain_is_deleted() -> None:
    old = over(91)
    assert retention.sweep() == 1

    with pytest.raises(ControlError, match="being deleted"):
        restarts.restart(old, by=factory.BY)


def test_somebody_else_may_still_delete_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broadcast goes only when nothing names it, whatever another process has locked."""
    old = over(91)
    retention.sweep()
    monkeypatch.setattr(retention, "_STEPS", ())

    assert retention.sweep() == 0
    assert left() == [old.pk]
    assert tallies.counts([old.pk])[old.pk]["sent"] == 2


@pytest.mark.only_on("sqlite")  # PostgreSQL plans small tables without indexes: decision 0019
def test_one_reads_by_index() -> None:
    """Every step looks its rows up; no step walks through a table of millions."""
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    old = over(91)
    with connection.execute_wrapper(note):
        sweep_all()
    assert old.pk not in left()
    for sql in seen:
        if sql.startswith(("DELETE FROM records_", "SELECT broadcast_id FROM records_")):
            marks = sql.count("%s")
            params = ["[[1]]"] if "json_each" in sql else [1] * marks
            plan = [row[3] for row in db.fetch(f"EXPLAIN QUERY PLAN {sql}", params)]
            assert not any(step.startswith("SCAN records_") for step in plan), (sql, plan)


def test_f7_a_manager_removes_a_finished_chain_with_its_records() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    old = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed", "sent"])
    lifecycle.finish()
    old.refresh_from_db()
    fresh = restarts.restart(old, by=factory.BY, undo_seconds=0)
    manager, sender = factory.agent("manager", "Mia"), factory.agent("sender", "Sam")

    with pytest.raises(ControlError, match="Only a manager"):
        retention.remove(old, by=sender)
    with pytest.raises(ControlError, match=f"Broadcast {fresh.pk} of the same chain is scheduled"):
        retention.remove(old, by=manager)
    lifecycle.start_due()
    factory.expand(fresh)
    control.stop(fresh, by=factory.BY)
    with pytest.raises(ControlError, match="winding down"):
        retention.remove(old, by=manager)
    while lifecycle.cancel_remaining():
        pass

    goes = retention.removal(old)
    assert ([one.pk for one in goes.broadcasts], goes.people) == ([old.pk, fresh.pk], 4)
    assert goes.records == Record.objects.count() == 3
    assert "remove" in control.actions(old)
    retention.remove(old, by=manager)
    assert not history.visible().exists()
    sweep_all()
    assert not Broadcast.objects.exists()
    assert not Record.objects.exists()
    entries = AuditEntry.objects.filter(action="broadcast.remove", agent=manager)
    assert {one.subject for one in entries} == {f"broadcast {old.pk}", f"broadcast {fresh.pk}"}


def test_f7_what_is_not_over_is_not_removed() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    sending = factory.sending([channel])
    with pytest.raises(ControlError, match="is sending"):
        retention.remove(sending, by=factory.agent("manager"))
