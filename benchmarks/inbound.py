"""What one web process and one worker do with what comes in.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/inbound.py [RECEIPTS [REQUESTS]]

Sends REQUESTS (5,000) to `/healthz` and to the log-in page, then RECEIPTS (100,000), each signed and about a
message of its own, over 32 connections to `clarion web`. Then starts a worker and, while it applies them,
has one of the contacts write STOP. Prints Markdown: requests a second, CPU µs each of the process
concerned, the share of a core that it had, and when the STOP took effect. The database has to be empty.
Results: docs/benchmarks.md.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first

from clarion.accounts import audit  # noqa: E402
from clarion.channels.manage import update_channel  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.cli.benchmark.cpu import cpu_seconds  # noqa: E402
from clarion.cli.benchmark.pipeline import (  # noqa: E402
    measure_expand,
    measure_import,
    write_people,
)
from clarion.contacts.models import Address  # noqa: E402
from clarion.contacts.states import AddressState  # noqa: E402
from clarion.engine import reap  # noqa: E402
from clarion.engine.claim import claim  # noqa: E402
from clarion.engine.models import Callback  # noqa: E402
from clarion.engine.settle import settle  # noqa: E402
from clarion.kit import clock, standard_webhooks  # noqa: E402
from clarion.records.deliveries.settle import Settlement  # noqa: E402
from clarion.records.message_ids import message_id  # noqa: E402
from clarion.records.models import Delivery  # noqa: E402

CONNECTIONS = 32
SECRET = "benchmark secret"  # noqa: S105 - of an empty database
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")


class Caller(asyncio.Protocol):
    """A kept connection that sends one request after the other, until there are none."""

    def __init__(self, requests: Iterator[bytes], statuses: list[int]) -> None:
        self._requests = requests
        self._statuses = statuses
        self._answer = b""
        self._transport: asyncio.Transport
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are of no class
        self._next()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and length and len(body) >= int(length[1]):
            self._statuses.append(int(head[9:12]))
            self._answer = b""
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("The server closed a connection."))

    def _next(self) -> None:
        if request := next(self._requests, b""):
            self._transport.write(request)
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()


def call(port: int, requests: Sequence[bytes]) -> float:
    """Send all; return the seconds that took. Raises ValueError where an answer is not 200."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            _, caller = await loop.create_connection(
                lambda: Caller(source, statuses), "127.0.0.1", port
            )
            callers.append(caller)
        await asyncio.gather(*(caller.done for caller in callers))

    source, statuses, callers = iter(requests), list[int](), list[Caller]()
    began = time.perf_counter()
    uvloop.run(run())
    if wrong := [status for status in statuses if status != 200]:
        raise ValueError(f"{len(wrong)} answers were not 200, the first {wrong[0]}")
    return time.perf_counter() - began


def callback(kind: str, number: int, data: dict[str, str]) -> bytes:
    """A signed callback of a webhook channel."""
    at = int(time.time())
    body = json.dumps({"type": kind, "data": data}).encode()
    name = f"msg_{number}"
    signature = standard_webhooks.sign(SECRET.encode(), name, at, body)
    return (
        f"POST /hooks/bench/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def prepare(people: int) -> list[str]:
    """Send a broadcast to so many people without sending; return the ids of its messages."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder) / "people.csv", people)
        channel, _ = measure_import(Path(folder) / "people.csv", "http://127.0.0.1:9/", people)
    channel = Channel.objects.get(pk=channel.pk)
    update_channel(channel, by=audit.COMMAND_LINE, settings={"secret": SECRET})
    broadcast, _ = measure_expand(channel)
    worker = reap.register()
    while batch := claim(channel.pk, worker, 1_000).messages:
        now = clock.now_us()
        settle(
            worker,
            [
                Settlement(
                    c.delivery, c.broadcast, channel.pk, c.address, "sent", 1, now,
                    attempted=True, responses=1, latency=1_000, content="Hello",
                )
                for c in batch
            ],
        )  # fmt: skip
        reap.renew(worker)
    reap.sign_off(worker)
    return [message_id(broadcast.key, c) for c in Delivery.objects.values_list("pk", flat=True)]


@contextmanager
def clarion(*arguments: str, until: str) -> Iterator[tuple[str, int]]:
    """A process of Clarion: the line that matches ``until``, and its process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "clarion", *arguments], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        line = next((line for line in process.stdout if re.search(until, line)), "")
        if not line:
            raise RuntimeError(f"clarion {arguments[0]} did not start")
        yield line, process.pid
    finally:
        process.terminate()
        process.wait()


def show(what: str, count: int, seconds: float, cpu: float) -> None:
    """A line of the table."""
    print(
        f"| {what} | {count / seconds:,.0f}/s | {cpu / count * 1e6:,.0f} µs | {cpu / seconds:.0%} |"
    )


def measure(port: int, pid: int, what: str, requests: Sequence[bytes]) -> None:
    """Send requests to the web process, and print its line."""
    call(port, requests[: len(requests) // 20])
    rest = requests[len(requests) // 20 :]
    before = cpu_seconds(pid)
    seconds = call(port, rest)
    show(what, len(rest), seconds, cpu_seconds(pid) - before)


def measure_applying(port: int, receipts: int) -> float:
    """Have a worker apply what waits; print its line, return when a STOP took effect (seconds)."""
    waiting = Callback.objects.filter(state=Callback.State.WAITING)
    stopping = {"from": "user-0000007", "text": "STOP"}
    with clarion("worker", until="worker ready") as (_, pid):
        before, began, count = cpu_seconds(pid), time.perf_counter(), waiting.count()
        while waiting.count() > count - receipts // 50:
            time.sleep(0.02)
        call(port, [callback("message.received", receipts + 1, stopping)])
        stored = time.perf_counter()
        stopped = Address.objects.filter(value="user-0000007", state=AddressState.OPTED_OUT)
        while not stopped.exists():
            time.sleep(0.01)
        taken, behind = time.perf_counter() - stored, waiting.count()
        while waiting.exists():
            time.sleep(0.05)
        show("receipts applied", count, time.perf_counter() - began, cpu_seconds(pid) - before)
    print(f"\nA STOP took effect {taken:.2f} s after it was stored, {behind:,} receipts behind it.")
    return taken


def main(receipts: int, requests: int) -> None:
    """Fill, call, apply, print."""
    ids = prepare(receipts)
    print("| what | each second | CPU each | of a core |")
    print("| --- | ---: | ---: | ---: |")
    with clarion("web", "--port", "0", until=r"running at") as (line, pid):
        address = re.search(r":(\d+)", line)
        assert address is not None
        port = int(address[1])
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)  # it has said so a moment before
        for what, path in (("`/healthz`", "/healthz"), ("log-in page", "/account/login/")):
            request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            measure(port, pid, what, [request] * requests)
        signed = [callback("message.delivered", n, {"id": ids[n]}) for n in range(receipts)]
        measure(port, pid, "receipts verified and stored", signed)
        measure_applying(port, receipts)
    print(f"\nLoad: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]), *(100_000, 5_000)[len(sys.argv) - 1 :])
