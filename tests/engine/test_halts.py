"""Broadcasts that pause by themselves because too many of their messages fail (F6)."""

import json
import re
from typing import Any

import pytest

from clarion.broadcasts import control, restarts
from clarion.broadcasts.models import Broadcast, Event, Pick
from clarion.channels.contract import HookRequest
from clarion.channels.models import Channel
from clarion.engine import callbacks, halts, reap
from clarion.engine.callbacks import Verified
from clarion.engine.claim import claim
from clarion.engine.models import Callback
from clarion.engine.process import ThreadedWorker
from clarion.engine.settle import settle
from clarion.insights.attention import concerns
from clarion.kit import clock
from clarion.records.message_ids import message_id
from clarion.records.models import Delivery, Failure
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from support import factory
from support.listener import Heard, Listener
from support.waiting import eventually

BAD = {"state": "failed", "reason": "The receiver refused the message (400).", "code": "400"}
GONE = {"state": "failed", "reason": "The contact blocked the bot.", "code": "403",
        "mark": "blocked"}  # fmt: skip


def world(people: int, **fields: Any) -> tuple[Channel, Broadcast]:
    channel = factory.channel()
    factory.people(channel, people)
    return channel, factory.sending([channel], **fields)


def settled(channel: Channel, broadcast: Broadcast, *outcomes: tuple[int, Any]) -> Broadcast:
    """Settle so many with each outcome as one batch, as a worker does."""
    each = [outcome for count, outcome in outcomes for _ in range(count)]
    factory.settle_each(channel, each)
    halts.judge([broadcast.pk])
    broadcast.refresh_from_db()
    return broadcast


@pytest.mark.django_db
def test_f6_a_fifth_of_the_last_200_rejected_pauses_the_broadcast() -> None:
    channel, broadcast = world(700)
    settled(channel, broadcast, (300, "sent"))
    for _ in range(4):
        settled(channel, broadcast, (41, "sent"), (9, BAD))
    assert broadcast.state == "sending"  # 36 of the last 200

    settled(channel, broadcast, (10, BAD))

    assert broadcast.state == "paused"
    assert "46 of the last 210 messages were rejected (limit: 20%)" in broadcast.state_reason
    assert "The receiver refused the message (400)." in broadcast.state_reason
    event = Event.objects.get(broadcast=broadcast, kind="pause")
    assert (event.actor, event.detail["reason"]) == ("Clarion", broadcast.state_reason)
    assert "paused" in [each.kind for each in concerns(clock.now())]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("people", "bad", "pauses"),
    [(9, 8, False), (12, 10, True), (50, 9, False), (50, 10, True), (200, 39, False),
     (200, 40, True)],
)  # fmt: skip
def test_small_audiences_pause_by_their_own_size(people: int, bad: int, pauses: bool) -> None:
    channel, broadcast = world(people)

    assert (settled(channel, broadcast, (bad, BAD)).state == "paused") is pauses


@pytest.mark.django_db
def test_what_is_among_a_large_batch_counts_among_all_of_it() -> None:
    channel, broadcast = world(1_000)

    assert settled(channel, broadcast, (440, "sent"), (60, BAD)).state == "sending"
    assert settled(channel, broadcast, (300, "sent"), (100, BAD)).state == "paused"


@pytest.mark.django_db
def test_the_failures_of_several_workers_count_together() -> None:
    channel, broadcast = world(400)
    for _ in range(4):
        worker = reap.register()
        claimed = claim(channel.pk, worker, 10).messages
        settle(worker, [factory.outcome(each, channel, **BAD) for each in claimed])
        halts.judge([broadcast.pk])

    broadcast.refresh_from_db()
    assert broadcast.state == "paused"


@pytest.mark.django_db
def test_each_class_has_its_own_limit_and_a_broadcast_its_own() -> None:
    channel, broadcast = world(400)
    assert settled(channel, broadcast, (90, GONE), (60, "sent")).state == "sending"
    assert settled(channel, broadcast, (20, GONE)).state == "paused"
    assert "110 of the last 170 recipients can't be reached (limit: 50%)" in broadcast.state_reason
    control.stop(broadcast, by=factory.BY)

    never = factory.sending([channel], pause_rejected=0, pause_unreachable=0)
    assert settled(channel, never, (100, BAD), (100, GONE)).state == "sending"
    control.stop(never, by=factory.BY)

    strict = factory.sending([channel], pause_rejected=5)
    assert settled(channel, strict, (150, "sent"), (9, BAD)).state == "sending"
    assert settled(channel, strict, (1, BAD)).state == "paused"


@pytest.mark.django_db
def test_resumed_it_does_not_pause_again_for_the_same_errors() -> None:
    channel, broadcast = world(400)
    settled(channel, broadcast, (50, BAD))
    assert broadcast.state == "paused"

    Failure.objects.all().update(since=clock.from_us(1))
    control.resume(broadcast, by=factory.BY)
    assert broadcast.watched_since is not None
    second = broadcast.watched_since.replace(microsecond=0)  # failures are noted by the second
    Broadcast.objects.filter(pk=broadcast.pk).update(watched_since=second)
    assert broadcast.state_reason == ""
    assert settled(channel, broadcast, (30, "sent"), (39, BAD)).state == "sending"
    assert settled(channel, broadcast, (1, BAD)).state == "paused"


@pytest.mark.django_db
def test_a_pause_by_itself_offers_a_restart_to_the_failed_and_the_unsent() -> None:
    channel, broadcast = world(100)
    settled(channel, broadcast, (20, "sent"), (30, BAD))
    assert {"resume", "restart"} <= set(control.actions(broadcast))
    assert restarts.leftover(broadcast) == {"failed": 30, "unsent": 50, "in_doubt": 0}

    fresh = restarts.restart(broadcast, by=factory.BY)

    broadcast.refresh_from_db()
    assert (broadcast.state, fresh.restart_of_id) == ("stopped", broadcast.pk)
    assert Pick.objects.filter(broadcast=fresh).count() == 80
    assert "were rejected" in broadcast.state_reason


@pytest.mark.django_db
def test_nothing_pauses_when_nothing_is_left_to_send() -> None:
    channel, broadcast = world(30)

    assert settled(channel, broadcast, (30, BAD)).state == "sending"


@pytest.mark.django_db
def test_recipients_who_were_known_to_lack_a_variable_are_no_trouble() -> None:
    channel, broadcast = world(100)
    Broadcast.objects.filter(pk=broadcast.pk).update(accepted_gaps=["contact.city"])
    lacking = {"state": "failed", "reason": "The contact has no city.", "code": "content"}

    assert settled(channel, broadcast, (50, lacking)).state == "sending"
    assert settled(channel, broadcast, (20, BAD)).state == "paused"


def reported(channel: Channel, first: int, count: int, status: str, **more: Any) -> None:
    apply_receipts(
        [
            ReceiptUpdate(channel.pk, status, 1, 1, external_id=f"x{n}", code="131026", **more)
            for n in range(first, first + count)
        ]
    )
    halts.judge_noted()


def accepted(channel: Channel, count: int) -> None:
    """Have so many accepted, each with the provider's id x0, x1 …"""
    first = Delivery.objects.filter(external_id__isnull=False).count()
    factory.settle_each(
        channel,
        [{"state": "sent", "external_id": f"x{n}"} for n in range(first, first + count)],
    )


@pytest.mark.django_db
def test_what_is_reported_late_counts_among_the_reports() -> None:
    channel, broadcast = world(900)
    accepted(channel, 300)
    reported(channel, 0, 170, "delivered")
    reported(channel, 170, 30, "failed", reason="Not delivered.")
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"  # 30 of the last 200

    reported(channel, 200, 20, "failed", reason="Not delivered.")

    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert "were rejected" in broadcast.state_reason
    assert "Not delivered." in broadcast.state_reason


@pytest.mark.django_db
def test_many_receipts_at_once_are_no_trouble_because_the_bad_ones_are_many() -> None:
    channel, broadcast = world(900)
    accepted(channel, 700)
    reported(channel, 0, 450, "delivered")
    reported(channel, 450, 49, "failed", reason="Not delivered.")  # the last of a long queue
    reported(channel, 499, 191, "delivered")

    broadcast.refresh_from_db()
    assert broadcast.state == "paused"  # 49 of the last 200 that were reported on
    Broadcast.objects.filter(pk=broadcast.pk).update(state="sending")
    Failure.objects.all().delete()
    reported(channel, 690, 9, "failed", reason="Not delivered.")
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


@pytest.mark.django_db
def test_late_failures_of_people_who_can_not_be_reached_have_that_limit() -> None:
    channel, broadcast = world(900)
    accepted(channel, 300)
    reported(channel, 0, 60, "failed", reason="No WhatsApp.", unreachable=True)
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"

    reported(channel, 60, 45, "failed", reason="No WhatsApp.", unreachable=True)
    broadcast.refresh_from_db()
    assert "recipients can't be reached" in broadcast.state_reason


@pytest.mark.django_db
def test_what_was_attempted_before_it_was_resumed_may_be_reported_after() -> None:
    channel, broadcast = world(900)
    accepted(channel, 300)
    control.pause(broadcast, by=factory.BY)
    Delivery.objects.filter(state="sent").update(moved_at=clock.from_us(1))
    control.resume(broadcast, by=factory.BY)
    reported(channel, 0, 100, "failed", reason="Not delivered.")

    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


@pytest.mark.django_db
def test_a_batch_that_is_written_again_counts_once() -> None:
    channel, broadcast = world(400)
    worker = reap.register()
    claimed = claim(channel.pk, worker, 30).messages
    batch = [factory.outcome(each, channel, **BAD) for each in claimed]
    for _ in range(3):
        settle(worker, batch, again=True)
    halts.judge([broadcast.pk])

    broadcast.refresh_from_db()
    assert broadcast.state == "sending"
    assert [row.people for row in Failure.objects.all()] == [30]


@pytest.mark.django_db
def test_what_is_looked_at_no_more_is_deleted() -> None:
    channel, broadcast = world(1_700)
    settled(channel, broadcast, (1, BAD), (999, "sent"))
    settled(channel, broadcast, (1, BAD), (500, "sent"))
    halts.tidy()
    assert [row.attempted for row in Failure.objects.order_by("pk")] == [1_000, 1_501]
    settled(channel, broadcast, (1, BAD), (150, "sent"))
    settled(channel, broadcast, (1, BAD))
    Failure.objects.filter(attempted=1_000).update(attempted=600)
    halts.tidy()
    assert [row.attempted for row in Failure.objects.order_by("pk")] == [1_501, 1_652, 1_653]

    control.stop(broadcast, by=factory.BY)
    halts.tidy()
    assert not Failure.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_worker_pauses_what_a_receiver_refuses(database_url: str) -> None:
    def refuse(heard: Heard) -> tuple[int, Any]:
        return 422, {"error": "Too long"}

    with Listener(refuse) as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=400)
        factory.people(channel, 600)
        broadcast = factory.sending([channel])
        with ThreadedWorker():
            eventually(
                lambda: Broadcast.objects.filter(pk=broadcast.pk, state="paused").exists(), 60
            )
            eventually(lambda: factory.states(broadcast).get("sending", 0) == 0, 60)

    assert factory.states(broadcast)["queued"] > 200
    broadcast.refresh_from_db()
    assert re.match(r"(\d+) of the last \1 messages were rejected", broadcast.state_reason)
    control.stop(broadcast, by=factory.BY)


@pytest.mark.django_db(transaction=True)
def test_a_worker_pauses_what_a_receiver_reports_as_failed(database_url: str) -> None:
    def fail(channel: Channel, broadcast: Broadcast, delivery: int) -> None:
        data = {"id": message_id(broadcast.key, delivery), "reason": "Not delivered"}
        body = json.dumps({"type": "message.failed", "data": data}).encode()
        hook = HookRequest({}, "", body, clock.now())  # verified already
        callbacks.store([Verified(channel.pk, hook, Callback.Lane.RECEIPTS)])

    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=300)
        factory.people(channel, 6_000)
        broadcast = factory.sending([channel])
        failed: set[int] = set()
        with ThreadedWorker():

            def is_paused() -> bool:
                for delivery in Delivery.objects.filter(state="sent").values_list("pk", flat=True):
                    if delivery not in failed:
                        failed.add(delivery)
                        fail(channel, broadcast, delivery)
                return Broadcast.objects.filter(pk=broadcast.pk, state="paused").exists()

            eventually(is_paused, 60)

    broadcast.refresh_from_db()
    assert "The receiver reported: Not delivered." in broadcast.state_reason
    assert factory.states(broadcast)["queued"] > 2_000
    control.stop(broadcast, by=factory.BY)
