"""The tables of legal moves, walked pair by pair."""

import pytest

from clarion.broadcasts import states as broadcasts
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.records import states as deliveries

PAIRS = [(a, b) for a in broadcasts.BroadcastState.values for b in broadcasts.BroadcastState.values]


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_broadcast_moves_exactly_where_the_table_says(before: str, after: str) -> None:
    broadcast = Broadcast.objects.create(state=before)

    moved = move(broadcast, after)

    assert moved == broadcasts.may_move(before, after)
    assert Broadcast.objects.get().state == (after if moved else before)


def test_every_state_of_a_broadcast_is_in_the_table_and_can_be_reached() -> None:
    assert set(broadcasts.MOVES) == set(broadcasts.BroadcastState.values)
    reached = {state for afters in broadcasts.MOVES.values() for state in afters}
    assert reached | {"draft"} == set(broadcasts.BroadcastState.values)


def test_every_state_of_a_delivery_is_in_the_table() -> None:
    assert set(deliveries.MOVES) == set(deliveries.DeliveryState.values)


def test_deliveries_never_go_back_once_the_provider_has_answered() -> None:
    answered = {"sent", "delivered", "read", "failed", "skipped", "unsent"}
    waiting = {"queued", "held", "sending"}
    for state in answered:
        assert not deliveries.MOVES[state] & waiting  # type: ignore[index]
    # A worker's journal may prove that a message was never begun: only then it is queued again.
    assert deliveries.MOVES["in_doubt"] & waiting == {"queued"}  # type: ignore[index]


def test_receipts_rank_forward_only() -> None:
    assert deliveries.may_move("sent", "read")
    assert deliveries.may_move("failed", "delivered")
    assert not deliveries.may_move("read", "delivered")
    assert not deliveries.may_move("delivered", "failed")
