"""What tracked links cost: making them, following them, and finding a million clicks.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py links
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py redirect
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py fill
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py find

`redirect` and `fill` each need an empty database; `fill` makes 2,000 broadcasts with 1,000,000 clicks,
and `find` measures the lists of clicks in them, with `plans` behind it the plans too. All print
Markdown; results: docs/benchmarks.md.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
os.environ.setdefault("CLARION_PUBLIC_URL", "https://news.example.org")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first
from django.db import connection  # noqa: E402

from clarion.accounts.models import Agent  # noqa: E402
from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.clicks import tallies  # noqa: E402
from clarion.clicks.filters import ClickFilter  # noqa: E402
from clarion.clicks.links import number_links  # noqa: E402
from clarion.clicks.models import Click, Link  # noqa: E402
from clarion.clicks.rows import export_csv, search  # noqa: E402
from clarion.clicks.sources import sources  # noqa: E402
from clarion.clicks.store import Visit, store  # noqa: E402
from clarion.clicks.tokens import make_token, read_token  # noqa: E402
from clarion.clicks.tracking import Tracking, links_in  # noqa: E402
from clarion.contacts.models import Address, Contact  # noqa: E402
from clarion.content.rendering import compile_text  # noqa: E402
from clarion.hooks.application import HookApplication  # noqa: E402
from clarion.kit import clock, db  # noqa: E402
from clarion.records import measures  # noqa: E402
from clarion.records.models import Delivery  # noqa: E402
from clarion.server.bodies import Message, Receive, Scope, Send  # noqa: E402

BROWSER = b"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
TARGET = "https://shop.example/sale"
BROADCASTS = 2_000
TEXTS = {
    "no link": "Hello {{ contact.name }}, our sale has begun.",
    "one link": f"Hello {{{{ contact.name }}}}, our sale has begun: {TARGET}",
    "one link with a variable": "Hello {{ contact.name }}: https://shop.example/?id={{ contact.id }}",
    "ten links": "Hello {{ contact.name }}:" + "".join(f" {TARGET}/{n}" for n in range(10)),
}


def links() -> None:
    """Print what rendering a message takes without and with tracked links."""
    print("| message | not tracked, µs | tracked, µs |\n| --- | ---: | ---: |")
    contact = {"name": "Ann", "id": "u1234567"}
    for label, text in TEXTS.items():
        tracking = Tracking({link.target: n for n, link in enumerate(links_in([text]), 1_000)})
        plain, marked = compile_text(text), compile_text(tracking.mark(text))

        def with_links(n: int, marked: Any = marked, tracking: Tracking = tracking) -> object:
            return tracking.fill(marked.render(contact, data={}), 1_000_000 + n)

        off = _each(lambda _, plain=plain: plain.render(contact, data={}))  # type: ignore[misc]
        print(f"| {label} | {off:.1f} | {_each(with_links):.1f} |")
    token = make_token(1_000_000, 1_000)
    print(f"\nReading a token: {_each(lambda _: read_token(token)):.1f} µs")


def _each(work: Callable[[int], object], times: int = 10_000) -> float:
    """The CPU time of one call, in microseconds; the median of seven runs."""
    runs = []
    for _ in range(7):
        began = time.process_time()
        for number in range(times):
            work(number)
        runs.append((time.process_time() - began) / times * 1e6)
    return statistics.median(runs)


def redirect(clicks: int = 5_000) -> None:
    """Print what a click takes of the web process, alone and with others at the same time."""
    call_command("migrate", verbosity=0)
    channel = Channel.objects.create(name="bench", kind="webhook")
    broadcast = Broadcast.objects.create(title="bench")
    contact = Contact.objects.create()
    addresses = Address.objects.bulk_create(
        Address(contact=contact, channel=channel, value=str(n)) for n in range(clicks)
    )
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            broadcast=broadcast, channel=channel, address=address, state="sent",
            moved_at=clock.now(),
        )
        for address in addresses
    )  # fmt: skip
    (link,) = number_links(broadcast.pk, [TARGET]).values()
    paths = [f"/c/{make_token(delivery.pk, link)}" for delivery in deliveries]
    print("| clicks at the same time | CPU each, ms | clicks a second |\n| ---: | ---: | ---: |")
    for together, some in ((1, paths[:200]), (50, paths[200:])):
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(_follow(some, together))
        took, spent = time.perf_counter() - began, time.process_time() - cpu
        print(f"| {together} | {spent / len(some) * 1e3:.2f} | {len(some) / took:,.0f} |")
    assert Click.objects.count() == clicks


async def _follow(paths: list[str], together: int) -> None:
    application = HookApplication(_no_page)
    waiting = iter(paths)

    async def one_after_another() -> None:
        for path in waiting:
            scope: Scope = {
                "type": "http", "method": "GET", "path": path, "query_string": b"",
                "headers": [(b"user-agent", BROWSER), (b"accept-language", b"en")],
            }  # fmt: skip
            await application(scope, _nothing, _expect_302)

    await asyncio.gather(*(one_after_another() for _ in range(together)))


async def _nothing() -> Message:
    return {"type": "http.request", "body": b""}


async def _expect_302(message: Message) -> None:
    assert message.get("status", 302) == 302


async def _no_page(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope["path"])


def fill() -> None:
    """2,000 broadcasts of 20 agents on 4 channels to 20,000 contacts, with 1,000,000 clicks."""
    call_command("migrate", verbosity=0)
    channels = [Channel.objects.create(name=f"Channel {n}", kind="webhook") for n in range(4)]
    agents = [
        Agent.objects.create_agent(
            name=f"Agent {n}", email=f"a{n}@example.org", role="admin", password=None
        )
        for n in range(20)
    ]
    contacts = Contact.objects.bulk_create(Contact(name=f"Person {n}") for n in range(20_000))
    addresses = Address.objects.bulk_create(
        Address(contact=contact, channel=channels[n % 4], value=f"u{n}")
        for n, contact in enumerate(contacts)
    )
    by_channel = [addresses[n::4] for n in range(4)]
    for number in range(BROADCASTS):
        _clicked(number, channels[number % 4], by_channel[number % 4], agents[number % 20])
    tallies.squash()
    measures.fold()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")


def _clicked(number: int, channel: Channel, people: list[Address], agent: Agent) -> None:
    """A broadcast of which 250 recipients clicked twice; one of 50 has a link that few know."""
    began = clock.now_us() - (BROADCASTS - number) * 3_600 * clock.SECOND
    broadcast = Broadcast.objects.create(title=f"Newsletter {number}", agent=agent)
    targets = [f"{TARGET}/{number % 100}/{n}" for n in range(4)]
    if number % 50 == 0:
        targets[3] = f"https://rare.example/{number}"
    numbers = list(number_links(broadcast.pk, targets).values())
    start = number * 7 % (len(people) - 250)
    deliveries = Delivery.objects.bulk_create(
        Delivery(
            broadcast=broadcast, channel=channel, address=address, state="sent",
            moved_at=clock.from_us(began),
        )
        for address in people[start : start + 250]
    )  # fmt: skip
    visits = [
        Visit(
            delivery.pk, numbers[(n + again) % 4],
            began + (n * 7 + again) * 60 * clock.SECOND, "agent" if n % 10 == 9 else "",
        )
        for n, delivery in enumerate(deliveries)
        for again in range(2)
    ]  # fmt: skip
    for begin in range(0, len(visits), 500):
        store(visits[begin : begin + 500])


def find() -> None:
    """Print what the first page of each filter takes, and its plan where it is asked for."""
    last = Broadcast.objects.order_by("-pk").values_list("pk", flat=True)[0]
    rare = Link.objects.filter(target__startswith="https://rare").order_by("pk")[0]
    hour = clock.now_us() - 1_000 * 3_600 * clock.SECOND
    filters = {
        "none": ClickFilter(),
        "broadcast": ClickFilter(broadcast=last),
        "broadcast, first click": ClickFilter(broadcast=last, first="yes"),
        "user": ClickFilter(user="u77"),
        "a name that one has": ClickFilter(name="Person 12345"),
        "a name that all have": ClickFilter(name="Person"),
        "a name that nobody has": ClickFilter(name="Nobody"),
        "channel": ClickFilter(channel="Channel 3"),
        "channel, scanner": ClickFilter(channel="Channel 3", clicked_by="scanner"),
        "agent (100 broadcasts)": ClickFilter(agent="Agent 7"),
        "agent, first click": ClickFilter(agent="Agent 7", first="yes"),
        "link": ClickFilter(link=rare.pk),
        "a part of many links": ClickFilter(url="shop.example"),
        "a part of few links": ClickFilter(url="rare.example"),
        "scanner": ClickFilter(clicked_by="scanner"),
        "before": ClickFilter(before=clock.from_us(hour)),
        "scanner, first click (never)": ClickFilter(clicked_by="scanner", first="yes"),
        "one page, 500,000 further on": ClickFilter(
            before=clock.from_us(hour), clicked_by="person"
        ),
    }
    print(
        f"{Click.objects.count():,} clicks\n\n| filter | median, ms | slowest, ms |\n| --- | ---: | ---: |"
    )
    for label, wanted in filters.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            search(wanted)
            took.append((time.perf_counter() - began) * 1e3)
        print(f"| {label} | {statistics.median(took):.1f} | {max(took):.1f} |", flush=True)
        if "plans" in sys.argv:
            for source in sources(wanted):
                sql, params = source.first(51)
                how = "EXPLAIN" if db.is_postgres() else "EXPLAIN QUERY PLAN"
                for row in db.fetch(f"{how} {sql}", params):
                    print("   ", row[-1])
    began, cpu = time.perf_counter(), time.process_time()
    size = sum(map(len, export_csv(ClickFilter())))
    took_all, spent = time.perf_counter() - began, time.process_time() - cpu
    rate = Click.objects.count() / took_all
    print(f"\nExport: {size:,} bytes in {took_all:.1f} s ({spent:.1f} s CPU), {rate:,.0f} clicks/s")
    ids = list(Broadcast.objects.order_by("-pk").values_list("pk", flat=True)[:50])
    began = time.perf_counter()
    tallies.counts(ids)
    print(f"Numbers of 50 broadcasts: {(time.perf_counter() - began) * 1e3:.1f} ms")


if __name__ == "__main__":
    {"links": links, "redirect": redirect, "fill": fill, "find": find}[sys.argv[1]]()
