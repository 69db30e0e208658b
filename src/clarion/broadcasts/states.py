"""The states of a broadcast and the legal moves between them."""

from django.db import models


class BroadcastState(models.TextChoices):
    """Where a broadcast stands."""

    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Scheduled"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused"
    STOPPED = "stopped", "Stopped"
    COMPLETED = "completed", "Completed"
    MISSED = "missed", "Missed"
    LIVE = "live", "Live"


S = BroadcastState
MOVES: dict[str, frozenset[str]] = {
    S.DRAFT: frozenset({S.SCHEDULED, S.LIVE}),
    S.SCHEDULED: frozenset({S.DRAFT, S.SENDING, S.MISSED}),
    S.SENDING: frozenset({S.PAUSED, S.STOPPED, S.COMPLETED}),
    S.PAUSED: frozenset({S.SENDING, S.LIVE, S.STOPPED, S.COMPLETED}),
    S.STOPPED: frozenset({S.LIVE}),  # restarted: those that make runs or fire
    S.COMPLETED: frozenset(),
    S.MISSED: frozenset({S.DRAFT, S.SCHEDULED}),
    # Periodic, trigger and external: until somebody ends it. Paused, it resumes as live.
    S.LIVE: frozenset({S.PAUSED, S.STOPPED}),
}
DELETABLE = frozenset({S.DRAFT, S.SCHEDULED, S.MISSED})  # nothing has left
ACTIVE = frozenset({S.SENDING, S.PAUSED, S.LIVE})
RUNNING = frozenset({S.SENDING, S.LIVE})  # its queued deliveries are claimed
FINISHED = frozenset({S.STOPPED, S.COMPLETED})


def may_move(before: str, after: str) -> bool:
    """Whether a broadcast may go from one state to the other."""
    return after in MOVES[before]


def sources(after: str) -> list[str]:
    """The states from which ``after`` may be reached; used as the guard of writes."""
    return [before for before, afters in MOVES.items() if after in afters]
