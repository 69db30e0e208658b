"""``/metrics``: numbers for Prometheus, for those who may see them."""

import hmac
import ipaddress
from collections.abc import Iterator
from functools import partial
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from clarion import __version__
from clarion.channels.contract import Refusal
from clarion.engine import metrics
from clarion.engine.group_commit import Runs
from clarion.engine.metrics import Numbers
from clarion.hooks.freshness import Fresh
from clarion.hooks.wire import Answer, Request, busy, not_allowed, sentence
from clarion.records import counters

PATH: Final = "/metrics"
FRESH: Final = 5.0  # seconds for which the same numbers are given out
_CHANNEL: Final = ("channel", "kind")
_COUNTED: Final = {
    "sent": "Messages that the provider accepted.",
    "delivered": "Messages that the provider reported as delivered, read ones too.",
    "read": "Messages that the provider reported as read.",
    "failed": "Deliveries that were given up, or that the provider reported as failed.",
    "recovered": "Deliveries that failed first and were sent on a retry.",
    "clicked": "Deliveries of which a person clicked a tracked link.",
    "opened": "Deliveries whose e-mail a person opened, as far as that can be told.",
}


class Monitoring:
    """The numbers, read at most every five seconds in each web server."""

    def __init__(self, reads: Runs) -> None:
        self._text: Fresh[bytes] = Fresh(partial(reads.run, _text), FRESH)

    async def answer(self, request: Request) -> Answer:
        """The numbers; 404 while neither a token nor networks are set, 401 or 403 for others."""
        if request.method not in ("GET", "HEAD"):
            return not_allowed(b"GET", b"HEAD")
        if refusal := _refusal(request):
            return refusal
        try:
            text = await self._text.get()
        except (DatabaseError, TimeoutError):
            return busy("The database does not answer.")
        return Answer(200, text, CONTENT_TYPE_PLAIN_0_0_4.encode())


def _refusal(request: Request) -> Answer | None:
    """Why this client does not get them; where both are set, it needs the token and the network."""
    token, networks = settings.CLARION.metrics_token, settings.CLARION.metrics_networks
    if not token and not networks:
        return sentence(404, "Set CLARION_METRICS_TOKEN or CLARION_METRICS_NETWORKS for metrics.")
    if networks and not _is_within(request.client, networks):
        return sentence(403, "This address is not in CLARION_METRICS_NETWORKS.")
    shown = request.headers().get("authorization", "")
    if token and not hmac.compare_digest(shown.encode(), f"Bearer {token}".encode()):
        return sentence(401, "Send the metrics token.", (b"www-authenticate", b"Bearer"))
    return None


def _is_within(client: str, networks: list[str]) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:  # a client without an address, such as one on a socket file
        return False
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


class _Collected:
    """What prometheus-client writes out: the families of one moment."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        return families(self._numbers)


def _text() -> bytes:
    return generate_latest(_Collected(metrics.read()))


def families(numbers: Numbers) -> Iterator[Metric]:
    """All metrics. Deleted channels are left out."""
    info = GaugeMetricFamily("clarion_info", "The version of this web server.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info
    yield from _of_channels(numbers)
    yield from _of_attempts(numbers)
    yield from _of_engine(numbers)
    yield from _of_callbacks(numbers)


def _of_channels(numbers: Numbers) -> Iterator[Metric]:
    paused = GaugeMetricFamily(
        "clarion_channel_paused", "1 while the channel is paused.", labels=_CHANNEL
    )
    waits = GaugeMetricFamily(
        "clarion_channel_waiting", "1 while the channel waits for its provider.", labels=_CHANNEL
    )
    for channel in numbers.channels.values():
        paused.add_metric([channel.name, channel.kind], float(channel.paused))
        waits.add_metric([channel.name, channel.kind], float(channel.waiting))
    yield from (paused, waits)
    waiting = GaugeMetricFamily(
        "clarion_deliveries",
        "Deliveries that are queued, sending, held or in doubt now.",
        labels=(*_CHANNEL, "state"),
    )
    for pk, channel in numbers.channels.items():
        for state in metrics.WAITING_STATES:
            number = numbers.deliveries.get((pk, state), 0)
            waiting.add_metric([channel.name, channel.kind, state], number)
    yield waiting


def _of_attempts(numbers: Numbers) -> Iterator[Metric]:
    for name, text in _COUNTED.items():
        counter = CounterMetricFamily(f"clarion_{name}", text, labels=_CHANNEL)
        for pk, channel in numbers.channels.items():
            number = numbers.counters.get((pk, name), 0)
            counter.add_metric([channel.name, channel.kind], number)
        yield counter
    refused = CounterMetricFamily(
        "clarion_refused_attempts",
        "Attempts that were refused or not answered, by the class of the error.",
        labels=(*_CHANNEL, "class"),
    )
    latency = HistogramMetricFamily(
        "clarion_latency_seconds",
        "Time from the moment a broadcast was due until the message was sent.",
        labels=_CHANNEL,
    )
    for pk, channel in numbers.channels.items():
        labels = [channel.name, channel.kind]
        for refusal in Refusal:
            number = numbers.counters.get((pk, f"{counters.REFUSED}{refusal}"), 0)
            refused.add_metric([*labels, str(refusal)], number)
        latency.add_metric(labels, *_histogram(pk, numbers))
    yield refused
    yield latency


def _histogram(channel: int, numbers: Numbers) -> tuple[list[tuple[str, float]], float]:
    """The buckets of a channel, each with what is in those before it, and the sum in seconds."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for number, most in enumerate([*map(str, counters.BUCKETS), "+Inf"]):
        total += numbers.counters.get((channel, f"{counters.LATENCY}{number}"), 0)
        buckets.append((most, total))
    return buckets, numbers.counters.get((channel, counters.LATENCY_SUM), 0) / 1000


def _of_engine(numbers: Numbers) -> Iterator[Metric]:
    workers = numbers.workers
    yield GaugeMetricFamily("clarion_workers", "Workers that are running.", value=workers.alive)
    yield GaugeMetricFamily(
        "clarion_workers_stuck",
        "Workers that are running and can't send, for example because the disk is full.",
        value=workers.stuck,
    )
    if workers.heartbeat_age is not None:
        yield GaugeMetricFamily(
            "clarion_heartbeat_age_seconds",
            "Time since a worker last wrote its heartbeat.",
            value=workers.heartbeat_age,
        )
    broadcasts = GaugeMetricFamily(
        "clarion_broadcasts", "Broadcasts that are not over, by state.", labels=["state"]
    )
    for state, number in numbers.broadcasts.items():
        broadcasts.add_metric([state], number)
    yield broadcasts


def _of_callbacks(numbers: Numbers) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "clarion_callbacks_waiting",
        f"Callbacks that wait to be applied; {metrics.MOST_CALLBACKS:,} means that many or more.",
        labels=["lane"],
    )
    oldest = GaugeMetricFamily(
        "clarion_callbacks_age_seconds",
        "How long the callback that is applied next has been waiting.",
        labels=["lane"],
    )
    lag = GaugeMetricFamily(
        "clarion_inbox_lag_seconds",
        "By how much the callback that is applied next is overdue.",
        labels=["lane"],
    )
    for name, lane in numbers.lanes.items():
        waiting.add_metric([name], lane.waiting)
        oldest.add_metric([name], lane.oldest)
        lag.add_metric([name], lane.lag)
    yield from (waiting, oldest, lag)
    dropped = CounterMetricFamily(
        "clarion_callbacks_dropped",
        "Parts of callbacks that could not be used.",
        labels=_CHANNEL,
    )
    for pk, channel in numbers.channels.items():
        dropped.add_metric([channel.name, channel.kind], numbers.dropped.get(pk, 0))
    yield dropped
