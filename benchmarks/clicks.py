"""What tracked links cost: making them, following them, and finding a million clicks.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py links
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/clicks.py redirect

`redirect` needs an empty database. Both print Markdown; results: docs/benchmarks.md.
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

from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.clicks.links import number_links  # noqa: E402
from clarion.clicks.models import Click  # noqa: E402
from clarion.clicks.tokens import make_token, read_token  # noqa: E402
from clarion.clicks.tracking import Tracking, links_in  # noqa: E402
from clarion.contacts.models import Address, Contact  # noqa: E402
from clarion.content.rendering import compile_text  # noqa: E402
from clarion.hooks.application import HookApplication  # noqa: E402
from clarion.kit import clock  # noqa: E402
from clarion.records.models import Delivery  # noqa: E402
from clarion.server.bodies import Message, Receive, Scope, Send  # noqa: E402

BROWSER = b"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
TARGET = "https://shop.example/sale"
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


if __name__ == "__main__":
    {"links": links, "redirect": redirect}[sys.argv[1]]()
