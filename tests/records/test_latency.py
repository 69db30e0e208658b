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
    requests = [(number * 31) % 100 + 1 for number in range(count)]
    for number, (each, request) in enumerate(zip(took, requests, strict=True)):
        person = factory.address(channel, f"u{number}")
        delivery = factory.delivery(broadcast, person)
        factory.record(delivery, factory.START + each, request_time=request)
        factory.record(delivery, factory.START + 5_000 * clock.SECOND, because, request_time=9)
        factory.record(factory.delivery(other, person), factory.START + 9_000 * clock.SECOND)

    spans = latency(broadcast.pk)

    assert {span: percentiles.messages for span, percentiles in spans.items()} == {
        "total": count,
        "waiting": count,
        "request": count,
    }
    assert spans["total"].within == by_rank(took)
    assert spans["request"].within == by_rank(requests)
    waits = [each - request for each, request in zip(took, requests, strict=True)]
    assert spans["waiting"].within == by_rank(waits)


def by_rank(values: list[int]) -> dict[int, int]:
    ordered = sorted(values)
    return {share: ordered[math.ceil(len(values) * share / 100) - 1] for share in SHARES}


def test_the_way_from_the_answer_to_the_contact() -> None:
    """By receipts, those of the last message of a story; none takes less than no time."""
    channel, broadcast = factory.channel(), factory.broadcast()
    quick, late, never = (
        factory.delivery(broadcast, factory.address(channel, value)) for value in "abc"
    )
    for delivery in (quick, late, never):
        factory.record(delivery, factory.START + clock.SECOND)
    factory.receipt(quick, "delivered", factory.START)
    factory.receipt(quick, "read", factory.START + 90 * clock.SECOND)
    factory.receipt(late, "delivered", factory.START + 2 * clock.SECOND, external_id="first")
    factory.receipt(late, "delivered", factory.START + 5 * clock.SECOND, external_id="last")

    delivered = latency(broadcast.pk)["delivery"]

    assert delivered.messages == 2
    assert (delivered.within[50], delivered.within[100]) == (0, 4 * clock.SECOND)


def test_where_no_request_was_measured_only_the_whole_is_known() -> None:
    broadcast = factory.broadcast()
    delivery = factory.delivery(broadcast, factory.address(factory.channel(), "a"))
    factory.record(delivery, factory.START + clock.SECOND)
    assert list(latency(broadcast.pk)) == ["total"]


def test_one_that_has_sent_nothing() -> None:
    assert latency(factory.broadcast().pk) == {}
