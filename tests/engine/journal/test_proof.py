"""What becomes of a worker's deliveries when it has ended and its journal is read."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from clarion.broadcasts.moves import move
from clarion.channels.registry import KINDS
from clarion.contacts.models import Address
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.journal import format as fmt
from clarion.engine.journal.file import folder_of
from clarion.engine.models import Heartbeat, Worker
from clarion.kit import clock, db
from clarion.records.deliveries.settle import settle_rows
from clarion.records.models import Delivery, DeliveryProgress, Part, Record
from clarion.records.progress import Progress
from engine.batch_kind import BatchKind
from engine.journal.crew import Crew

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


def test_each_is_settled_as_far_as_it_came(folder: Path) -> None:
    crew = Crew()
    refused, accepted, begun, _ = crew.claimed
    crew.answer(accepted, external_id="x1", responses=1)
    crew.answer(refused, "failed", reason="The receiver said no.", code="400", mark="blocked")
    crew.begin(begun)
    crew.die()

    assert reap.reap() == 4  # without waiting for the lease

    assert crew.states() == ["failed", "sent", "in_doubt", "queued"]
    assert not Worker.objects.exists()
    assert not list(folder.glob("*.journal"))
    assert Delivery.objects.get(pk=accepted.delivery).external_id == "x1"
    assert set(Record.objects.values_list("status", "reason__code")) == {
        ("completed", None), ("error", "400"), ("error", "worker_died"),
    }  # fmt: skip
    assert Record.objects.count() == 3
    assert not Delivery.objects.filter(maybe_sent=True).exists()
    assert Address.objects.get(pk=refused.address).state == "blocked"


def test_where_repeats_are_dropped_what_has_begun_is_queued_again() -> None:
    crew = Crew(idempotent=True)
    begun, accepted, *_ = crew.claimed
    crew.begin(begun)
    crew.answer(accepted)
    crew.die()

    reap.reap()

    assert crew.states() == ["queued", "sent", "queued", "queued"]
    assert list(Delivery.objects.filter(maybe_sent=True).values_list("pk", flat=True)) == [
        begun.delivery
    ]


def test_a_worker_that_lives_keeps_its_deliveries() -> None:
    crew = Crew()
    assert reap.reap() == 0
    assert crew.states() == ["sending"] * 4
    crew.journal.close()


def test_answers_that_were_settled_before_are_not_recorded_twice() -> None:
    crew = Crew()
    first = crew.answer(crew.claimed[0])
    crew.answer(crew.claimed[1])
    settle_rows(crew.worker, [first])
    crew.die()

    reap.reap()

    assert crew.states() == ["sent", "sent", "queued", "queued"]
    assert Record.objects.count() == 2


def test_a_story_continues_after_the_message_that_was_answered() -> None:
    crew = Crew()
    one, two, three, _ = crew.claimed
    after = Progress(sent=1)
    for claimed in (one, two, three):
        step = crew.answer(claimed, "queued", attempts=0, attempted=False, progress=after,
                           number=0, external_id=f"m{claimed.delivery}")  # fmt: skip
        if claimed is not one:
            settle_rows(crew.worker, [step])
            crew.journal.settled([step])
    again = {claimed.delivery: claimed for claimed in crew.claim()}
    crew.begin(again[two.delivery])
    crew.die()

    reap.reap()

    # The first message of one was answered, the second of two was on the wire, that of three not.
    assert crew.states() == ["queued", "in_doubt", "queued", "queued"]
    kept = dict(DeliveryProgress.objects.values_list("delivery_id", "sent"))
    assert kept == {key.delivery: 1 for key in (one, two, three)}
    assert Part.objects.filter(delivery_id=one.delivery).count() == 1
    assert set(Delivery.objects.filter(has_progress=True).values_list("pk", flat=True)) == set(kept)


def test_an_answer_that_was_settled_and_claimed_anew_may_be_settled_again() -> None:
    """The process died after the claim, before it was noted."""
    crew = Crew()
    two = crew.claimed[1]
    step = crew.answer(two, "queued", attempts=0, attempted=False, external_id="m1",
                       number=0, progress=Progress(sent=1))  # fmt: skip
    settle_rows(crew.worker, [step])
    claim(crew.channel.pk, crew.worker, 4)
    crew.die()

    reap.reap()

    assert crew.states() == ["queued"] * 4
    assert DeliveryProgress.objects.get().sent == 1
    assert Part.objects.count() == 1


def forget_journal(crew: Crew, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.unlink()


def cut_journal(crew: Crew, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.truncate(path, fmt.HEAD + 9)


def age_journal(crew: Crew, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fmt, "VERSION", "0")


def reboot(crew: Crew, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion.engine.journal.gone.boot_id", lambda: "another")


@pytest.mark.parametrize("mishap", [forget_journal, cut_journal, age_journal, reboot])
def test_without_a_journal_to_believe_it_is_as_without_one(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    mishap: Callable[[Crew, Path, pytest.MonkeyPatch], None],
) -> None:
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.die()
    (path,) = folder.iterdir()
    mishap(crew, path, monkeypatch)
    crew.expire()

    assert reap.reap() == 4

    assert crew.states() == ["in_doubt"] * 4
    assert not list(folder.glob("*.journal"))


def test_a_journal_that_was_cut_proves_how_messages_ended_and_nothing_else(folder: Path) -> None:
    crew = Crew()
    one, two, three, _ = crew.claimed
    crew.answer(one)
    crew.answer(two, "queued", reason="Try again.", code="500")  # what followed may be cut off
    end = crew.journal._end
    crew.begin(three)
    crew.die()
    (path,) = folder.iterdir()
    os.truncate(path, end)

    reap.reap()

    assert crew.states() == ["sent", "in_doubt", "in_doubt", "in_doubt"]


def test_a_journal_newer_than_the_database_proves_how_messages_ended_and_nothing_else() -> None:
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.answer(crew.claimed[1], "queued", reason="Try again.", code="500")
    crew.journal.note_beat(1_000)
    crew.die()

    reap.reap()

    assert crew.states() == ["sent", "in_doubt", "in_doubt", "in_doubt"]


def test_a_journal_of_another_database_is_not_believed_and_stays(folder: Path) -> None:
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.die()
    crew.expire()
    Heartbeat.objects.update(identity="another")

    reap.reap()

    assert crew.states() == ["in_doubt"] * 4
    assert len(list(folder.glob("*.journal"))) == 1


class TestTheReaperWasQuicker:
    """The lease ran out, and all was put in doubt, before the journal could be read."""

    def late(self, crew: Crew) -> None:
        """In doubt, as a reaper on another machine leaves it."""
        path = folder_of(settings.CLARION.data)
        hidden = path.rename(path.with_name("hidden"))
        path.mkdir()
        crew.expire()
        reap.reap()
        assert set(crew.states()) == {"in_doubt"}
        path.rmdir()
        hidden.rename(path)

    def test_what_is_in_doubt_is_resolved(self, folder: Path) -> None:
        crew = Crew()
        accepted, refused, again, begun = crew.claimed
        crew.answer(accepted, external_id="x1")
        crew.answer(refused, "failed", reason="No.", code="400")
        crew.answer(again, "queued", reason="Try again.", code="500", due_at=5)
        crew.begin(begun)
        crew.die()
        self.late(crew)

        reap.reap()

        assert crew.states() == ["sent", "failed", "queued", "in_doubt"]
        row = Delivery.objects.get(pk=again.delivery)
        assert (clock.to_us(row.due_at), row.attempts, row.reason.code) == (5, 1, "500")
        assert not list(folder.glob("*.journal"))

    def test_what_was_never_begun_is_queued_again(self) -> None:
        crew = Crew()
        crew.die()
        self.late(crew)
        reap.reap()
        assert crew.states() == ["queued"] * 4
        assert not Delivery.objects.exclude(reason=None).exists()

    def test_nothing_is_queued_again_in_a_broadcast_that_is_over(self) -> None:
        crew = Crew()
        crew.answer(crew.claimed[0])
        crew.answer(crew.claimed[1], "queued", reason="Try again.", code="500")
        crew.die()
        self.late(crew)
        assert lifecycle.finish() == 1

        reap.reap()

        assert crew.states() == ["sent", "in_doubt", "in_doubt", "in_doubt"]

    def test_a_broadcast_does_not_end_while_something_is_queued_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        crew = Crew()
        crew.die()
        self.late(crew)
        monkeypatch.setattr(lifecycle, "lock_active", lambda _: reap.reap())

        assert lifecycle.finish() == 0
        crew.broadcast.refresh_from_db()
        assert crew.broadcast.state == "sending"

    def test_it_is_done_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever had it next may have died too: that is not what this journal is about."""
        crew = Crew()
        crew.die()
        self.late(crew)
        monkeypatch.setattr(reap, "forget", lambda *_: None)
        reap.reap()
        assert crew.states() == ["queued"] * 4
        other = reap.register()
        claim(crew.channel.pk, other, 4)
        db.execute("UPDATE engine_worker SET lease_until = 1 WHERE id = %s", [other])
        reap.reap()

        reap.reap()

        assert crew.states() == ["in_doubt"] * 4

    def test_what_was_not_begun_is_queued_again_where_messages_share_requests(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(KINDS, "webhook", BatchKind)
        crew = Crew(idempotent=True)
        first, second, *_ = crew.claimed
        assert crew.journal.begin_together([first.delivery, second.delivery])
        crew.die()
        self.late(crew)
        reap.reap()
        assert crew.states() == ["in_doubt", "in_doubt", "queued", "queued"]

    def test_where_repeats_are_dropped_nothing_is_queued_twice(self) -> None:
        crew = Crew(idempotent=True)
        crew.die()
        Delivery.objects.update(state="in_doubt", worker_id=None)
        db.execute("DELETE FROM engine_worker")
        reap.reap()
        assert {d.state for d in Delivery.objects.all()} == {"in_doubt"}


def test_an_answer_that_can_not_be_settled_is_in_doubt_and_its_neighbours_are_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crew = Crew()
    bad, good, *_ = crew.claimed
    crew.answer(bad, "held")  # nothing that is being sent may become that
    crew.answer(good)
    crew.die()

    reap.reap()

    assert crew.states() == ["in_doubt", "sent", "queued", "queued"]


def test_a_stopped_broadcast_sends_nothing_that_is_queued_again() -> None:
    crew = Crew()
    crew.answer(crew.claimed[0])
    crew.die()
    move(crew.broadcast, "stopped", finished_at=clock.now())

    reap.reap()
    lifecycle.cancel_remaining()

    assert crew.states() == ["sent", "unsent", "unsent", "unsent"]


def test_what_shared_a_request_is_in_doubt_where_only_repeated_requests_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "webhook", BatchKind)
    crew = Crew(idempotent=True)
    alone, first, second, _ = crew.claimed
    crew.begin(alone)
    assert crew.journal.begin_together([first.delivery, second.delivery])
    crew.die()

    reap.reap()

    assert crew.states() == ["queued", "in_doubt", "in_doubt", "queued"]
    assert list(Delivery.objects.filter(maybe_sent=True).values_list("pk", flat=True)) == [
        alone.delivery
    ]


def test_without_a_journal_nobody_knows_what_shared_a_request(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setitem(KINDS, "webhook", BatchKind)
    crew = Crew(idempotent=True)
    crew.begin(crew.claimed[0])
    crew.die()
    for path in folder.glob("*.journal"):
        path.unlink()
    crew.expire()

    reap.reap()

    assert crew.states() == ["in_doubt"] * 4
