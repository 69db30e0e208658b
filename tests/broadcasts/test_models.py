"""What the fields of a broadcast say together."""

from itertools import product

import pytest

from clarion.broadcasts.models import IS_LIVE, Broadcast
from clarion.kit import clock

TYPES = Broadcast.Type.values
RECURRENCES = [{}, {"every": "day", "at": "09:00"}]


@pytest.mark.django_db
def test_is_live_is_the_same_for_a_broadcast_and_for_a_query() -> None:
    parent = Broadcast.objects.create()
    fields = ("type", "recurrence", "parent", "scheduled_at")
    every = product(TYPES, RECURRENCES, [None, parent], [None, clock.now()])
    broadcasts = [Broadcast.objects.create(**dict(zip(fields, one, strict=True))) for one in every]

    matches = set(Broadcast.objects.filter(IS_LIVE))

    assert matches == {broadcast for broadcast in broadcasts if broadcast.is_live}
    assert 0 < len(matches) < len(broadcasts)


@pytest.mark.parametrize(
    ("fields", "timing", "is_live"),
    [
        ({}, "now", False),
        ({"scheduled_at": clock.now()}, "scheduled", False),
        ({"recurrence": RECURRENCES[1]}, "periodic", True),
        ({"type": "trigger"}, "trigger", True),
        ({"type": "external"}, "external", True),
        ({"type": "external", "parent_id": 1}, "now", False),
        ({"type": "external", "parent_id": 1, "scheduled_at": clock.now()}, "scheduled", False),
        ({"type": "single"}, "now", False),
    ],
)
def test_when_a_broadcast_is_sent(fields: dict[str, object], timing: str, is_live: bool) -> None:
    broadcast = Broadcast(**fields)
    assert (broadcast.timing, broadcast.is_live) == (timing, is_live)
