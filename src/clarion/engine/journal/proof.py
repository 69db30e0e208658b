"""What the journal of a worker that has ended proves about its deliveries, and acting on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from django.db import InterfaceError, OperationalError

from clarion.broadcasts.sending import lock_active
from clarion.channels.models import Channel
from clarion.channels.registry import is_idempotent, sends_batches
from clarion.engine.heartbeat import Beat
from clarion.engine.journal.format import Mark
from clarion.engine.journal.gone import GoneJournal
from clarion.engine.journal.known import remember
from clarion.engine.settle import settle
from clarion.kit import db
from clarion.kit.batches import batches
from clarion.records.deliveries.guards import still_in_state
from clarion.records.deliveries.requeue import requeue_unsent
from clarion.records.deliveries.settle import Settlement
from clarion.records.states import DeliveryState as D

log = structlog.get_logger()
BATCH = 500
NOBODY = 0  # no worker has this id


@dataclass(slots=True)
class Proof:
    """What is certain about a worker's deliveries.

    ``last`` is what was noted last of each. ``complete``: what was not noted was not begun. Where
    it is not, because the journal was cut off or the database is older than it, something may have
    followed what was noted: then only how a message ended is certain.
    """

    last: dict[int, Mark | Settlement] = field(default_factory=dict)
    complete: bool = False
    used: bool = True  # somebody has begun to act on it
    database: str = ""  # its identity
    beat: int = 0  # the newest heartbeat of the database that its worker knew
    stays: bool = False  # it is about another database, to which the settings may lead again

    def answer(self, delivery: int) -> Settlement | None:
        """What is to be settled of a delivery, None if that is not known."""
        last = self.last.get(delivery)
        if not isinstance(last, Settlement):
            return None
        return last if self.complete or last.state != D.QUEUED else None

    def is_unbegun(self, delivery: int) -> bool:
        """Whether no byte of the delivery's message has certainly left since it was claimed."""
        return self.complete and self.last.get(delivery, Mark.CLAIMED) == Mark.CLAIMED

    def was_alone(self, delivery: int) -> bool:
        """Whether the delivery's message, if it has left, certainly had a request of its own."""
        return self.complete and self.last.get(delivery) is Mark.BEGUN

    def settle_answered(self, worker_id: int, deliveries: Sequence[int]) -> int:
        """Settle those of a dead worker's deliveries that were answered; return how many moved."""
        answers = [answer for key in deliveries if (answer := self.answer(key))]
        return sum(self._settle(worker_id, batch) for batch in batches(answers, BATCH))

    def resolve_doubts(self) -> int:
        """Settle, or queue again, what was put in doubt before this was read; return how many.

        Only once: what somebody else has claimed since may be in doubt for another reason.
        """
        if self.used:
            return 0
        resolved = 0
        for some in batches(list(self.last), BATCH):
            resolved += self._resolve(some)
        return resolved

    def _settle(
        self, worker_id: int, answers: Sequence[Settlement], *, reopen: bool = False
    ) -> int:
        try:
            return settle(worker_id, answers, again=True, reopen=reopen, from_journal=True)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(answers) > 1:  # its neighbours must not suffer from it
                return sum(self._settle(worker_id, [answer], reopen=reopen) for answer in answers)
            log.exception("settle_failed", delivery=answers[0].delivery)
            self.last[answers[0].delivery] = Mark.SHARED  # or alone: this proves less
            return 0

    def _resolve(self, deliveries: Sequence[int]) -> int:
        with db.write():
            doubtful = db.fetch(
                "SELECT id, broadcast_id, channel_id FROM records_delivery "
                f"WHERE id {db.in_list()} AND COALESCE(state, '') = 'in_doubt'",
                [db.json_param([key] for key in deliveries)],
            )
            active = lock_active({row[1] for row in doubtful})
            # Where repeats are dropped it was queued again, and may be in doubt because of another.
            # But not where they may have shared a request: without this nothing was known of that.
            channels = Channel.objects.filter(pk__in={row[2] for row in doubtful})
            wary = {c.pk for c in channels if sends_batches(c.kind) or not is_idempotent(c.pk)}
            open_again = [row[0] for row in doubtful if row[1] in active and row[2] in wary]
            answers = {row[0]: a for row in doubtful if (a := self.answer(row[0]))}
            ended = [a for a in answers.values() if a.state in {D.SENT, D.FAILED}]
            waits = [a for key in open_again if (a := answers.get(key)) and a.state == D.QUEUED]
            # Whoever was to be skipped will be, as soon as it is claimed again.
            unbegun = [
                key
                for key in open_again
                if self.is_unbegun(key) or (key in answers and answers[key].state == D.SKIPPED)
            ]
            return (
                self._settle(NOBODY, ended)
                + self._settle(NOBODY, waits, reopen=True)
                + requeue_unsent(unbegun)
            )


def no_proof() -> Proof:
    """Nothing is certain: there is no journal, or it can't be believed."""
    return Proof()


def proof_of(journal: GoneJournal, here: Beat | None) -> Proof:
    """What a journal proves about deliveries of the database with this heartbeat."""
    contents = journal.contents
    if contents is None:
        return no_proof()
    is_of_this = here is not None and contents.head.database == here.identity
    if here is None or not is_of_this or not journal.is_believed:
        return Proof(database=contents.head.database, beat=contents.beat, stays=journal.is_believed)
    beat = max(contents.beat, here.count + 1) if _is_newer(contents.last) else contents.beat
    complete = contents.whole and beat <= here.count
    proof = Proof(contents.last, complete, contents.used, here.identity, beat)
    journal.mark_as_used()
    return proof


def forget(journal: GoneJournal, proof: Proof) -> None:
    """Delete a journal of which all that can be settled is, and keep what it knows of databases."""
    if proof.stays:
        return
    try:
        if proof.database:
            remember(journal.path.parent, proof.database, proof.beat)
        journal.path.unlink(missing_ok=True)
    except OSError as error:  # a full disk: it is tried again
        log.warning("journal_not_deleted", error=str(error), path=str(journal.path))


def _is_newer(last: Mapping[int, Mark | Settlement]) -> bool:
    """Whether a message has ended of which the database says that it has not left: it is older.

    By less than a heartbeat, or that would tell.
    """
    ended = [
        key
        for key, entry in last.items()
        if isinstance(entry, Settlement) and entry.state in {D.SENT, D.FAILED}
    ]
    waiting = still_in_state([D.QUEUED, D.HELD])
    sql = f"SELECT 1 FROM records_delivery WHERE id {db.in_list()} AND {waiting} LIMIT 1"
    return any(
        db.fetch(sql, [db.json_param([key] for key in some)]) for some in batches(ended, BATCH)
    )
