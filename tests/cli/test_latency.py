"""``clarion broadcasts latency``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def test_the_spans_as_a_table_and_as_json(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    broadcast = factory.broadcast()
    number = str(broadcast.pk)
    assert "No message has been sent yet." in ok("broadcasts", "latency", number)
    delivery = factory.delivery(broadcast, factory.address(factory.channel(), "a"))
    factory.record(delivery, factory.START + 2 * clock.SECOND, request_time=500_000)

    spans = ok_json("broadcasts", "latency", number)
    table = ok("broadcasts", "latency", number)

    assert spans["waiting"] == {
        "messages": 1,
        "within_microseconds": dict.fromkeys(("50", "90", "99", "100"), 1_500_000),
    }
    assert list(spans) == ["total", "waiting", "request"]
    assert "network and provider" in table
    assert "0.500 s" in table
