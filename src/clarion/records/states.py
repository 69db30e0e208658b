"""The states of a delivery and the legal moves between them."""

from collections.abc import Collection

from django.db import models


class DeliveryState(models.TextChoices):
    """Where one person stands in one broadcast."""

    QUEUED = "queued", "Queued"
    HELD = "held", "Held"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    READ = "read", "Read"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"
    UNSENT = "unsent", "Unsent"
    IN_DOUBT = "in_doubt", "In doubt"


S = DeliveryState
MOVES: dict[str, frozenset[str]] = {
    # To in doubt: not to be sent any more, but an earlier try may have got through.
    S.QUEUED: frozenset({S.SENDING, S.HELD, S.SKIPPED, S.UNSENT, S.IN_DOUBT}),
    S.HELD: frozenset({S.QUEUED, S.SKIPPED, S.UNSENT, S.IN_DOUBT}),
    # Back to queued: a retry, a slot not used, or a dead worker's row on a channel that has an
    # idempotency key.
    S.SENDING: frozenset({S.QUEUED, S.SENT, S.DELIVERED, S.READ, S.FAILED, S.SKIPPED, S.IN_DOUBT}),
    S.SENT: frozenset({S.DELIVERED, S.READ, S.FAILED}),
    S.DELIVERED: frozenset({S.READ}),
    S.READ: frozenset(),
    S.FAILED: frozenset({S.DELIVERED, S.READ}),  # recovered: the provider got through after all
    S.SKIPPED: frozenset(),
    S.UNSENT: frozenset(),
    # Proof that came late: the provider's own answer or receipt, or the journal of the worker that
    # had it: back to queued, if that says that it was not sent and its broadcast is not over.
    S.IN_DOUBT: frozenset({S.QUEUED, S.SENT, S.DELIVERED, S.READ, S.FAILED}),
}
COMPLETED = (S.SENT, S.DELIVERED, S.READ)
PENDING = (S.QUEUED, S.HELD, S.SENDING)
ALL: tuple[str, ...] = tuple(S.values)
INITIAL = (S.QUEUED, S.HELD, S.SKIPPED, S.UNSENT)  # what a delivery may be written as


def may_move(before: str, after: str) -> bool:
    """Whether a delivery may go from one state to the other."""
    return after in MOVES[before]


def sources(*afters: str, among: Collection[str] = ALL) -> list[str]:
    """The states from which all of ``afters`` may be reached: the guard of every write.

    ``among``: those that the write takes deliveries from at all.
    """
    return [
        before for before, legal in MOVES.items() if before in among and legal.issuperset(afters)
    ]


def stage_of(state: str) -> str:
    """The stage of a delivery in this state: what its indexes are by, see ``Delivery.stage``."""
    return S.QUEUED.value if state == S.SENDING else str(state)


def states_of(stages: Collection[str]) -> set[str]:
    """The states that have one of these stages."""
    return {state for state in ALL if stage_of(state) in stages}
