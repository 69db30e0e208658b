"""How fast the dashboard and charts are with 2,000 broadcasts.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/dashboard.py fill
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/dashboard.py measure

`fill` needs an empty database, or one that `record_search.py fill` has made: 1,980 broadcasts over 90
days with their tallies and numbers over time, and one with 1,000,000 recipients. None of the readings
looks at records or deliveries, so there are none. `measure` prints Markdown; results:
docs/benchmarks-records.md.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402

from clarion.accounts.models import Agent  # noqa: E402
from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.insights import attention, dashboard, over_time  # noqa: E402
from clarion.insights.spans import RANGES  # noqa: E402
from clarion.kit import clock, db  # noqa: E402
from clarion.records import measures, tallies  # noqa: E402
from clarion.records.measures import Change  # noqa: E402
from clarion.records.models import Measure, Receipt, Tally  # noqa: E402

BROADCASTS, DAYS = 1_980, 90
PEOPLE = (200, 1_000, 3_000, 10_000)  # of a broadcast, in turn
LARGE = 1_000_000
ZONE = ZoneInfo("Europe/Berlin")


def fill() -> None:
    """Broadcasts that were sent within 20 minutes, and read over two days."""
    chance, now, moment = random.Random(5), clock.now_us(), clock.now()
    call_command("migrate", verbosity=0)
    if not Channel.objects.exists():
        Agent.objects.create_agent(
            name="mira", email="mira@example.org", role="admin", password=None
        )
        kinds = ("telegram", "webhook", "email", "webhook")
        for number, kind in enumerate(kinds, start=1):
            Channel.objects.create(name=f"Channel {number}", kind=kind)
    channels = list(Channel.objects.order_by("pk"))
    for channel in channels[:2]:
        Receipt.objects.get_or_create(
            channel=channel, external_id="bench", status="delivered",
            defaults={"delivery_id": 1, "at": moment, "received_at": moment},
        )  # fmt: skip
    for number in range(BROADCASTS):
        began = now - (BROADCASTS - number) * DAYS * 86_400 * clock.SECOND // BROADCASTS
        _broadcast(f"Newsletter {number}", began, PEOPLE[number % len(PEOPLE)], channels, chance)
    _broadcast("A million", now - 3 * 86_400 * clock.SECOND, LARGE, channels, chance)
    tallies.squash()
    measures.fold()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")


def _broadcast(
    title: str, began: int, people: int, channels: list[Channel], chance: random.Random
) -> None:
    broadcast = Broadcast.objects.create(
        title=title, text="Hello", state="completed", total=people,
        scheduled_at=clock.from_us(began), started_at=clock.from_us(began),
        finished_at=clock.from_us(began + 20 * measures.MINUTE),
    )  # fmt: skip
    with transaction.atomic():
        for channel in chance.sample(channels, 1 + (people > PEOPLE[0])):
            _noted(broadcast.pk, channel.pk, began, people // (1 + (people > PEOPLE[0])), chance)
        measures.fold()


def _noted(broadcast: int, channel: int, began: int, people: int, chance: random.Random) -> None:
    """The moves of all, spread as they are: sent at once, read the more slowly the later."""
    changes: dict[Change, int] = {}
    read, failed = people // 3, people // 50

    def note(before: str, after: str, at: int, count: int) -> None:
        change = Change(broadcast, channel, before, after, at, at, False, False)
        changes[change] = changes.get(change, 0) + count

    for minute in range(20):
        at = began + minute * measures.MINUTE
        note("sending", "sent", at, (people - failed) // 20)
        note("sending", "failed", at, max(1, failed // 20))
        note("sent", "delivered", at, people // 30)
    for _ in range(min(read, 400)):
        at = began + int(chance.expovariate(1 / 6)) * 60 * measures.MINUTE // 4
        if at < clock.now_us():
            note("delivered", "read", at, max(1, read // 400))
    measures.note(changes)
    tallies.add(
        {
            (broadcast, channel, "sent"): people - failed - read,
            (broadcast, channel, "read"): read,
            (broadcast, channel, "failed"): failed,
        }
    )


def measure() -> None:
    """Print what everything takes: the first time, and the median of nine more."""
    print(
        f"{Broadcast.objects.count():,} broadcasts, {Tally.objects.count():,} tallies, "
        f"{Measure.objects.count():,} measures\n"
    )
    large = Broadcast.objects.get(title="A million").pk
    agent = Agent.objects.order_by("pk").first()
    assert agent is not None
    client = Client(headers={"host": "localhost"})
    client.force_login(agent)
    assert client.get("/").status_code == 200
    readings: dict[str, Callable[[], Any]] = {
        "charts of a broadcast to 1,000,000": lambda: over_time.of_broadcast(large, ZONE),
        **{f"numbers and charts of {name}": partial(_range, name) for name in RANGES},
        "what needs attention": lambda: attention.concerns(clock.now()),
        "the dashboard's page": lambda: client.get("/"),
        "the dashboard's page, 90 days": lambda: client.get("/", {"range": "90d"}),
        "its part about now, asked for every 2 s": lambda: client.get("/dashboard/now"),
    }
    print(
        "| reading | first, ms | then, ms | CPU of the process, ms |\n| --- | ---: | ---: | ---: |"
    )
    for label, work in readings.items():
        took, spent = [], []
        for _ in range(10):
            began, cpu = time.perf_counter(), time.process_time()
            work()
            took.append((time.perf_counter() - began) * 1000)
            spent.append((time.process_time() - cpu) * 1000)
        then, busy = statistics.median(took[1:]), statistics.median(spent[1:])
        print(f"| {label} | {took[0]:.0f} | {then:.0f} | {busy:.0f} |", flush=True)


def _range(name: str) -> dashboard.Range:
    return dashboard.in_range(name, ZONE, clock.now())


if __name__ == "__main__":
    {"fill": fill, "measure": measure}[sys.argv[1]]()
