"""A worker that starts after an outage, or on a restored database, asks before it continues."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import singles
from clarion.broadcasts.control import resume
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.moves import move
from clarion.bulk import actions, acts
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.contacts.models import Contact, Import
from clarion.engine import heartbeat, lifecycle, reap
from clarion.engine.fire import watch_segments
from clarion.engine.journal.known import known_beats, remember
from clarion.engine.models import Heartbeat
from clarion.engine.process import ThreadedWorker
from clarion.engine.resumption import ask_before_resuming
from clarion.kit import clock, db
from clarion.records.models import Delivery
from clarion.segments import manage
from clarion.segments.conditions import Condition
from clarion.segments.models import Segment
from clarion.webhooks.endpoints import add_endpoint
from engine.journal.crew import Crew
from support import factory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


def outage(folder: Path) -> None:
    """No worker for longer than the lateness limit."""
    heartbeat.beat()
    away = timedelta(minutes=settings.CLARION.late_minutes, seconds=5)
    Heartbeat.objects.update(at=clock.now() - away)


def restore(folder: Path) -> None:
    """A backup of a minute ago."""
    remember(folder, heartbeat.beat().identity, 100)
    Heartbeat.objects.update(at=clock.now() - timedelta(minutes=1))


def sending() -> Broadcast:
    channel = factory.channel()
    factory.people(channel, 2)
    return factory.sending([channel])


@pytest.mark.parametrize(
    ("happens", "reason"),
    [(outage, "No worker was running from"), (restore, "The database was restored from a backup")],
)
def test_what_is_being_sent_is_paused_with_a_reason_until_somebody_decides(
    folder: Path, happens: Callable[[Path], None], reason: str
) -> None:
    broadcast = sending()
    happens(folder)

    assert ask_before_resuming() == 1

    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert broadcast.state_reason.startswith(reason)
    assert AuditEntry.objects.filter(action="broadcast.pause").count() == 1

    resume(broadcast, by="cli")
    assert ask_before_resuming() == 0
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


def test_a_message_to_one_person_is_not_sent_and_its_sender_sees_that(folder: Path) -> None:
    channel = factory.channel()
    (person,) = factory.people(channel, 1)
    single = singles.send_single(person, by="cli", text="Hello")
    outage(folder)

    assert ask_before_resuming() == 1
    lifecycle.cancel_remaining()

    single.refresh_from_db()
    assert single.state == "stopped"
    assert single.state_reason.startswith("No worker was running")
    assert factory.states(single) == {"unsent": 1}


def test_a_worker_asks_before_it_claims_anything(folder: Path) -> None:
    broadcast = sending()
    restore(folder)

    with ThreadedWorker():
        broadcast.refresh_from_db()
        assert broadcast.state == "paused"
    assert factory.states(broadcast) == {"queued": 2}


def test_a_worker_that_ended_a_moment_ago_asks_nothing(folder: Path) -> None:
    with ThreadedWorker():
        pass
    broadcast = sending()
    beats = known_beats(folder)
    assert beats == {heartbeat.beat().identity: heartbeat.beat().count - 2}

    assert ask_before_resuming() == 0
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


def test_a_backup_of_before_a_workers_end_is_recognised(folder: Path) -> None:
    heartbeat.beat()
    backup = Heartbeat.objects.get()
    with ThreadedWorker():
        pass
    broadcast = sending()
    backup.save()

    assert ask_before_resuming() == 1
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert Heartbeat.objects.get().identity != backup.identity


def test_the_same_backup_restored_once_more_is_asked_about_once_more(folder: Path) -> None:
    broadcast = sending()
    restore(folder)
    backup = Heartbeat.objects.get()
    assert ask_before_resuming() == 1
    with ThreadedWorker():
        pass

    backup.save()
    move(broadcast, "sending")
    assert ask_before_resuming() == 1


def test_a_new_database_and_one_of_another_place_are_asked_about_nothing(folder: Path) -> None:
    broadcast = sending()
    assert ask_before_resuming() == 0  # no worker has ever used it
    remember(folder, "another database", 1_000)
    heartbeat.beat()
    assert ask_before_resuming() == 0
    broadcast.refresh_from_db()
    assert broadcast.state == "sending"


def test_what_was_due_between_backup_and_restore_is_missed(folder: Path) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    due, later = (factory.draft([channel]) for _ in range(2))
    for broadcast, seconds in ((due, -30), (later, 3_600)):
        at = clock.now() + timedelta(seconds=seconds)
        assert move(broadcast, "scheduled", scheduled_at=at)
    restore(folder)

    assert ask_before_resuming() == 1
    lifecycle.start_due()

    assert [Broadcast.objects.get(pk=b.pk).state for b in (due, later)] == ["missed", "scheduled"]
    due.refresh_from_db()
    assert "may have been sent after the backup" in due.state_reason


def test_after_an_outage_what_was_due_is_missed_by_its_own_rule(folder: Path) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    soon = factory.draft([channel])
    assert move(soon, "scheduled", scheduled_at=clock.now() - timedelta(seconds=30))
    outage(folder)

    assert ask_before_resuming() == 0
    lifecycle.start_due()

    soon.refresh_from_db()
    assert soon.state == "sending"


def test_a_periodic_broadcast_whose_run_may_have_been_made_waits(folder: Path) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    ran, runs = (
        factory.draft([channel], recurrence={"every": "day", "at": "09:00"}) for _ in range(2)
    )
    for broadcast, seconds in ((ran, -30), (runs, 3_600)):
        at = clock.now() + timedelta(seconds=seconds)
        assert move(broadcast, "live", next_run_at=at)
    restore(folder)

    assert ask_before_resuming() == 1
    assert lifecycle.spawn_runs() == 0

    assert [Broadcast.objects.get(pk=b.pk).state for b in (ran, runs)] == ["paused", "live"]


def test_whoever_joined_a_segment_between_backup_and_restore_fires_no_trigger_again(
    folder: Path,
) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    condition = Condition.parse("!added:7d")
    week = manage.define(name="A week", conditions=[condition], by="cli")
    trigger = {"on": "segment", "segment": week.pk, "delay": 60}
    factory.live([channel], type="trigger", trigger=trigger)
    look()
    # The week is over after the backup: the trigger fired, which the backup does not know.
    Contact.objects.update(created_at=clock.now() - timedelta(days=8))
    restore(folder)

    ask_before_resuming()
    look()

    assert not Firing.objects.exists()
    factory.people(channel, 1, prefix="later")
    Contact.objects.update(created_at=clock.now() - timedelta(days=8))
    look()
    assert Firing.objects.count() == 1


def look() -> None:
    """Once through all contacts."""
    Segment.objects.update(next_look_at=None)
    while watch_segments():
        pass


def test_journals_of_workers_that_were_killed_know_the_heartbeat_too(folder: Path) -> None:
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.journal.note_beat(50)
    crew.die()

    assert ask_before_resuming() == 1

    crew.broadcast.refresh_from_db()
    assert crew.broadcast.state == "paused"
    # What the backup does not know may have followed: only how a message ended is certain.
    assert crew.states() == ["sent", "in_doubt", "in_doubt", "in_doubt"]


def test_a_message_that_ended_and_waits_in_the_database_shows_that_it_is_older(
    folder: Path,
) -> None:
    """The backup was made between two heartbeats, before the claim."""
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.die()
    Delivery.objects.update(state="queued", worker_id=None)

    assert ask_before_resuming() == 1

    crew.broadcast.refresh_from_db()
    assert crew.broadcast.state == "paused"


def test_the_newest_heartbeat_is_kept_whatever_is_in_the_file(folder: Path) -> None:
    remember(folder, "a", 5)
    remember(folder, "a", 3)
    remember(folder, "b", 1)
    assert known_beats(folder) == {"a": 5, "b": 1}
    (folder / "heartbeats.json").write_text('{"a": 5')
    assert known_beats(folder) == {}
    for number in range(60):
        remember(folder, f"d{number}", 1)
    assert len(known_beats(folder)) == 50


def test_a_full_disk_keeps_a_journal_until_its_heartbeat_can_be_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.die()
    with monkeypatch.context() as patch:
        patch.setattr("clarion.engine.journal.proof.remember", full)
        reap.reap()
    assert len(list(folder.glob("*.journal"))) == 1
    assert crew.states() == ["sent", "queued", "queued", "queued"]

    reap.reap()
    assert not list(folder.glob("*.journal"))
    assert known_beats(folder)


@pytest.mark.parametrize(("happens", "state"), [(outage, "active"), (restore, "disabled")])
def test_a_restored_database_posts_to_no_webhook_endpoint_before_somebody_decides(
    folder: Path, happens: Callable[[Path], None], state: str
) -> None:
    endpoint, _ = add_endpoint(
        name="Shop",
        url="https://shop.example.org/events",
        event_types=["delivery.sent"],
        by=factory.BY,
    )
    happens(folder)

    ask_before_resuming()

    endpoint.refresh_from_db()
    assert endpoint.state == state
    assert ("restored from a backup" in endpoint.state_reason) == (state == "disabled")


@pytest.mark.parametrize(("happens", "state"), [(outage, "waiting"), (restore, "failed")])
def test_imports_and_bulk_actions_of_a_restored_backup_do_not_continue_by_themselves(
    folder: Path, happens: Callable[[Path], None], state: str
) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    row, undone = (
        Import.objects.create(
            channel=channel, filename="people.csv", id_column="id", upload=upload,
            state=import_state, undo_state=undo_state,
        )
        for upload, import_state, undo_state in (("one", "waiting", ""), ("two", "done", "waiting"))
    )  # fmt: skip
    everybody = Selection()
    action = actions.start("tag", everybody, acts.tag_options(["vip"]), by=factory.BY)
    happens(folder)

    ask_before_resuming()

    for waiting in (row, undone, action):
        waiting.refresh_from_db()
    assert (row.state, action.state) == (state, state)
    assert ("restored from a backup" in row.error and "restored from a backup" in action.error) == (
        state == "failed"
    )
    assert undone.undo_state == ("" if state == "failed" else "waiting")


def test_what_is_asked_for_between_a_restore_and_the_first_worker_goes_on(folder: Path) -> None:
    restore(folder)
    db.execute(heartbeat.mark_restored())
    [since] = Heartbeat.objects.values_list("restored_at", flat=True)
    assert since is not None
    channel = factory.channel()
    moments = (since - timedelta(seconds=1), since + timedelta(seconds=1))
    for number, moment in enumerate(moments):
        Import.objects.create(
            channel=channel, upload=f"new {number}", state="waiting", started_at=moment
        )
        Import.objects.create(
            channel=channel, upload=f"undone {number}", state="done", undo_state="waiting",
            undo_at=moment, started_at=moment,
        )  # fmt: skip
        BulkAction.objects.create(
            kind="tag", last_id=0, total=1, actor="Ada", state="running", created_at=moment
        )

    ask_before_resuming()

    imports = Import.objects.order_by("started_at")
    assert [row.state for row in imports.filter(upload__startswith="new")] == ["failed", "waiting"]
    assert [row.undo_state for row in imports.filter(state="done")] == ["", "waiting"]
    ended = BulkAction.objects.order_by("created_at").values_list("state", flat=True)
    assert list(ended) == ["failed", "running"]
    assert not Heartbeat.objects.filter(restored_at__isnull=False).exists()


def test_a_suppression_list_is_imported_after_a_restore_too(folder: Path) -> None:
    """The guide says to import the opt-outs that came after the backup before anything else."""
    action = BulkAction.objects.create(kind="suppress", last_id=0, total=1, actor="Ada")
    restore(folder)

    ask_before_resuming()

    action.refresh_from_db()
    assert (action.state, action.error) == ("waiting", "")
