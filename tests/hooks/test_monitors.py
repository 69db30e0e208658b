"""`/metrics`: who may read it, what it says, and that everything that names a metric knows it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clarion.engine import heartbeat
from clarion.engine.models import Callback, DropCount
from clarion.hooks import monitors
from clarion.kit import clock
from clarion.records import counters
from support import factory
from support.programs import ProgramClient

ROOT = Path(__file__).parents[2]
TOKEN = "token-of-the-monitor"


@pytest.fixture
def monitored(settings: Any) -> None:
    use(settings, token=TOKEN)


def use(settings: Any, token: str = "", networks: list[str] | None = None) -> None:
    settings.CLARION = settings.CLARION.model_copy(
        update={"metrics_token": token, "metrics_networks": networks or []}
    )


def read() -> dict[str, float]:
    """The samples, by name and labels as they are written."""
    answered = ProgramClient().get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answered.status_code == 200
    return {
        sample.name
        + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answered.content.decode())
        for sample in family.samples
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "networks", "shown", "status"),
    [
        ("", [], "", 404),
        (TOKEN, [], "", 401),
        (TOKEN, [], "Bearer another", 401),
        (TOKEN, [], "Bearer naïve", 401),
        (TOKEN, [], f"Bearer {TOKEN}", 200),
        ("", ["192.0.2.0/24"], "", 200),
        ("", ["10.0.0.0/8", "::1"], "", 403),
        (TOKEN, ["192.0.2.7"], "", 401),
        (TOKEN, ["10.0.0.1"], f"Bearer {TOKEN}", 403),
    ],
)
def test_who_may_read(
    settings: Any, token: str, networks: list[str], shown: str, status: int
) -> None:
    use(settings, token, networks)
    answered = ProgramClient().get("/metrics", headers={"authorization": shown})
    assert answered.status_code == status
    assert (b"clarion_workers" in answered.content) == (status == 200)
    assert status != 200 or "version=0.0.4" in answered.headers["content-type"]


@pytest.mark.django_db
@pytest.mark.usefixtures("monitored")
def test_n7_what_was_sent_and_what_waits() -> None:
    shop, other = factory.channel("Shop"), factory.channel("Other")
    factory.people(shop, 5)
    factory.sending([shop])
    sent = {"state": "sent", "attempted": True, "latency": 40 * clock.SECOND}
    failed = {"state": "failed", "refusal": "rejected", "reason": "No", "code": "400"}
    factory.settle_each(shop, [dict(sent), dict(sent), failed])
    type(other).objects.filter(pk=other.pk).update(state="paused")
    heartbeat.beat()

    samples = read()
    of_shop = "Shop webhook"
    assert samples[f"clarion_sent_total {of_shop}"] == 2
    assert samples[f"clarion_failed_total {of_shop}"] == 1
    assert samples["clarion_refused_attempts_total Shop rejected webhook"] == 1
    assert samples[f"clarion_deliveries {of_shop} queued"] == 2
    assert samples["clarion_latency_seconds_bucket Shop webhook 30"] == 0
    assert samples["clarion_latency_seconds_bucket Shop webhook 60"] == 2
    assert samples[f"clarion_latency_seconds_count {of_shop}"] == 2
    assert samples[f"clarion_latency_seconds_sum {of_shop}"] == 80
    assert samples[f"clarion_channel_paused {of_shop}"] == 0
    assert samples["clarion_channel_paused Other webhook"] == 1
    assert samples["clarion_broadcasts sending"] == 1
    assert samples["clarion_workers"] == 1
    assert samples["clarion_heartbeat_age_seconds"] < 60


@pytest.mark.django_db
@pytest.mark.usefixtures("monitored")
def test_callbacks_that_wait() -> None:
    channel = factory.channel("Shop")
    ago = clock.from_us(clock.now_us() - 90 * clock.SECOND)
    for _ in range(3):
        Callback.objects.create(
            channel=channel, received_at=ago, body=b"", lane="receipts", next_try_at=ago
        )
    DropCount.objects.create(channel=channel, reason="unknown", count=7, last_at=ago)
    samples = read()
    assert samples["clarion_callbacks_waiting receipts"] == 3
    assert samples["clarion_callbacks_waiting people"] == 0
    assert samples["clarion_callbacks_age_seconds receipts"] >= 90
    assert samples["clarion_inbox_lag_seconds receipts"] >= 90
    assert samples["clarion_callbacks_dropped_total Shop webhook"] == 7


def names() -> set[str]:
    """The names of all samples that there can be."""
    empty = monitors.Numbers(
        channels={1: monitors.metrics.ChannelState("Shop", "webhook", False, False)},
        deliveries={},
        counters={},
        broadcasts={"sending": 0},
        lanes={"people": monitors.metrics.Lane(0, 0.0, 0.0)},
        dropped={},
        workers=monitors.metrics.Workers(1, 0, 0.0),
    )
    return {sample.name for family in monitors.families(empty) for sample in family.samples}


def test_the_docs_list_every_metric_once() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(clarion_\w+)` \| (\w+) \|", page, flags=re.MULTILINE)
    written = {
        (re.sub("_(bucket|sum|count)$", "", name) if "latency" in name else name)
        for name in names()
    }
    assert sorted(name for name, _ in listed) == sorted(written)
    for name, kind in listed:
        assert (kind == "counter") == name.endswith("_total")
        assert (kind == "histogram") == (name == "clarion_latency_seconds")


def expressions() -> Iterator[str]:
    dashboard = json.loads((ROOT / "deploy/grafana/clarion.json").read_text(encoding="utf-8"))
    yield dashboard["templating"]["list"][1]["definition"]
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    alerts = (ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8")
    yield from alerts.split("- alert:")[1:]


def test_the_dashboard_and_the_alerts_name_metrics_that_exist() -> None:
    existing = names()
    for expression in expressions():
        used = set(re.findall(r"\bclarion_\w+", expression))
        assert used, expression
        assert used <= existing, expression
        assert expression.count("(") == expression.count(")")


def test_a_counter_never_gets_smaller() -> None:
    with pytest.raises(ValueError, match="never gets smaller"):
        counters.add({(1, "sent"): -1})


@pytest.mark.django_db
def test_counters_are_the_same_after_a_squash() -> None:
    for _ in range(3):
        counters.add({(1, "sent"): 2, (2, "sent"): 1, (1, "read"): 0})
    before = counters.totals()
    assert before == {(1, "sent"): 6, (2, "sent"): 3}
    assert counters.squash() == 4
    assert counters.totals() == before
