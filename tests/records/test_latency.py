"""Percentiles of latency, compared with a plain reading."""

import math

import pytest

from clarion.kit import clock
from clarion.records.latency import SHARES, latency
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [1, 2, 99, 100, 101])
def test_percentiles_by_nearest_rank(count: int) -> None:
    channel, broadcast, other = factory.channel(), factory.broadcast(), factory.broadcast()
    because = factory.reason()
    took = [(number * 7919) % 1000 * clock.SECOND for number in range(count)]
    for number, each in enumerate(took):
        person = factory.address(channel, f"u{number}")
        delivery = factory.delivery(broadcast, person)
        factory.record(delivery, factory.START + each)
        factory.record(delivery, factory.START + 5_000 * clock.SECOND, because)
        factory.record(factory.delivery(other, person), factory.START + 9_000 * clock.SECOND)

    found = latency(broadcast.pk)

    assert found is not None
    assert found.messages == count
    ordered = sorted(took)
    assert found.within == {s: ordered[math.ceil(count * s / 100) - 1] for s in SHARES}


def test_one_that_has_sent_nothing() -> None:
    assert latency(factory.broadcast().pk) is None
