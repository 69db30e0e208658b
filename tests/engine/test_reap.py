"""Leases: what becomes of a dead worker's deliveries."""

import pytest

from clarion.broadcasts.reconcile import reconcile
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.models import Worker
from clarion.kit import db
from clarion.records.deliveries.requeue import requeue
from clarion.records.models import Delivery, Record
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("idempotent", "state"), [(True, "queued"), (False, "in_doubt")])
def test_a_dead_workers_deliveries(idempotent: bool, state: str) -> None:
    channel = factory.channel(idempotent=idempotent)
    factory.people(channel, 4)
    broadcast = factory.sending([channel])
    worker, alive = reap.register(), reap.register()
    claim(channel.pk, worker, 3)
    claim(channel.pk, alive, 1)
    db.execute("UPDATE engine_worker SET lease_until = 1 WHERE id = %s", [worker])

    assert reap.reap() == 3

    assert factory.states(broadcast) == {state: 3, "sending": 1}
    assert list(Worker.objects.values_list("pk", flat=True)) == [alive]
    assert Delivery.objects.filter(maybe_sent=True).count() == (3 if idempotent else 0)
    doubts = Record.objects.filter(status="error", reason__code="worker_died").count()
    assert doubts == (0 if idempotent else 3)
    assert reap.reap() == 0


def test_a_lease_lasts_while_it_is_renewed() -> None:
    worker = reap.register()
    before = Worker.objects.get(pk=worker).lease_until
    assert reap.renew(worker)
    assert Worker.objects.get(pk=worker).lease_until >= before


def test_the_only_engine_may_declare_all_others_dead() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    claim(channel.pk, reap.register(), 2)

    reap.declare_all_dead()
    reap.reap()

    assert factory.states(broadcast) == {"in_doubt": 2}
    assert not Worker.objects.exists()


def test_what_a_claim_took_whose_answer_never_came_is_queued_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    worker, other = reap.register(), reap.register()
    now = db.now_us()
    monkeypatch.setattr(db, "now_us", lambda: now)
    mine = [claimed.delivery for claimed in claim(channel.pk, worker, 2).messages]
    theirs = claim(channel.pk, other, 1).messages[0].delivery

    assert reap.claimed_before(worker) == []  # the answer may still be on its way
    now += reap.SETTLED_BY_NOW + 1
    assert sorted(reap.claimed_before(worker)) == sorted(mine)
    assert requeue(worker, [*mine, theirs]) == 2

    assert factory.states(broadcast) == {"queued": 2, "sending": 1}
    assert reconcile(broadcast.pk).ok
