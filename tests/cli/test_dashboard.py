"""``clarion dashboard``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.channels.models import Channel
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def half_sent() -> Channel:
    channel = factory.channel("Shop")
    factory.people(channel, 4)
    factory.sending([channel], title="Spring")
    factory.settle_each(channel, ["sent", "failed", "in_doubt"])
    return channel


def test_the_dashboard_as_text(half_sent: Channel, ok: Callable[..., Any]) -> None:
    lines = ok("dashboard", "--range", "24h").splitlines()

    assert "Being sent now" in lines
    (row,) = (line.split() for line in lines if "Spring" in line)
    assert row[1:6] == ["Spring", "sending", "1", "4", "1"]
    assert "  Channel Shop is not checked. Check the channel before you send." in lines
    assert [line.split() for line in lines if line.startswith("sent")] == [["sent", "1", "0"]]
    assert any(line.startswith("delivered") and "not reported" in line for line in lines)
    assert any(line.startswith("Shop") for line in lines)


def test_the_dashboard_as_json(half_sent: Channel, ok_json: Callable[..., Any]) -> None:
    document = ok_json("dashboard", "--range", "7d")

    (running,) = document["under_way"]
    assert (running["completed"], running["failed"], running["total"]) == (1, 1, 4)
    assert running["rate"] > 0
    assert {one["kind"] for one in document["attention"]} == {"channel", "in_doubt"}
    assert document["numbers"]["sent"] == {"now": 1, "before": 0}
    assert document["numbers"]["read"] == {"now": None, "before": None}
    assert [one["sent"] for one in document["over_time"]] == [0] * 6 + [1]
    (channel,) = document["channels"]
    assert (channel["channel"], channel["sent"], channel["failed"]) == ("Shop", 1, 1)


def test_an_empty_database(ok: Callable[..., Any], ok_json: Callable[..., Any]) -> None:
    assert "Being sent now" not in ok("dashboard")
    document = ok_json("dashboard")
    assert (document["under_way"], document["upcoming"], document["channels"]) == ([], [], [])


def test_a_range_that_is_not_there(misused: Callable[..., str]) -> None:
    assert "1y" in misused("dashboard", "--range", "1y")
