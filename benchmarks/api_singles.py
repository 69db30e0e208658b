"""How long `POST /messages` takes for many clients at once while a broadcast is queued.

    python benchmarks/api_singles.py [PEOPLE] [CLIENTS] [SECONDS] [PER_SECOND]

It runs the web server, a worker and a sink in a temporary folder (CLARION_DATABASE_URL: an empty
PostgreSQL database instead of SQLite). PEOPLE are queued on the channel that the messages go
through, which has a send rate, so that they stay queued. Each client sends one message after the
other; PER_SECOND is how many all of them send in a second, 0 for as many as they can. Prints
Markdown; results: docs/benchmarks.md.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="clarion-api-bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
os.environ.setdefault("CLARION_DATABASE_URL", f"sqlite:///{FOLDER / 'bench.sqlite3'}")
os.environ["CLARION_DATA"] = str(FOLDER)
os.environ["CLARION_API_PER_MINUTE"] = "1000000"

import aiohttp  # noqa: E402
import django  # noqa: E402 - the settings come first
import httpx  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from clarion.accounts import audit  # noqa: E402
from clarion.accounts.scopes import SCOPES  # noqa: E402
from clarion.accounts.tokens import create_token  # noqa: E402
from clarion.broadcasts import drafts, launch  # noqa: E402
from clarion.broadcasts.query import Audience  # noqa: E402
from clarion.channels.manage import update_channel  # noqa: E402
from clarion.cli.benchmark.cpu import cpu_seconds  # noqa: E402
from clarion.cli.benchmark.pipeline import measure_import, write_people  # noqa: E402
from clarion.engine import lifecycle  # noqa: E402
from clarion.engine.expand import expand_chunk  # noqa: E402
from clarion.records.models import Delivery  # noqa: E402

BY = audit.COMMAND_LINE
RATE = 200.0  # messages a second of the channel


def prepare(people: int, sink: str) -> str:
    """A broadcast to that many people, all queued; returns a token."""
    call_command("migrate", verbosity=0)
    write_people(FOLDER / "people.csv", people)
    channel, _ = measure_import(FOLDER / "people.csv", sink, people)
    update_channel(channel, by=BY, rate=RATE)
    draft = drafts.create_draft(
        by=BY, title="Queued", text="Hello {{ contact.name }}", channels=[channel],
        audience=Audience(kind="all"),
    )  # fmt: skip
    broadcast = launch.start(draft, by=BY, undo_seconds=0)
    lifecycle.start_due()
    while expand_chunk(broadcast):
        pass
    return create_token(name="Bench", scopes=SCOPES, expires_at=None, by=BY)[1]


async def client(
    http: aiohttp.ClientSession, number: int, until: float, pause: float
) -> list[float]:
    """Send one message after the other; returns the seconds that each took."""
    took: list[float] = []
    await asyncio.sleep(pause * number / 100)
    while time.monotonic() < until:
        body = {"chat_number": number + 1, "content": {"type": "text", "text": "Your code"}}
        key = {"Idempotency-Key": f"{until}-{number}-{len(took)}"}
        began = time.perf_counter()
        async with http.post("/api/v1/messages", json=body, headers=key) as answer:
            text = await answer.text()
        took.append(time.perf_counter() - began)
        assert answer.status == 202, text
        await asyncio.sleep(max(0.0, pause - took[-1]))
    return took


async def run(clients: int, seconds: float, per_second: float, url: str, token: str) -> list[float]:
    """All clients at once; returns what each request took, sorted."""
    pause = clients / per_second if per_second else 0.0
    headers = {"Authorization": f"Bearer {token}"}
    # One for all, with a connection for each client. With httpx the clients were what took longest.
    connector = aiohttp.TCPConnector(limit=clients)
    timeout = aiohttp.ClientTimeout(60)
    async with aiohttp.ClientSession(
        url, headers=headers, timeout=timeout, connector=connector
    ) as http:
        until = time.monotonic() + seconds
        several = await asyncio.gather(
            *(client(http, number, until, pause) for number in range(clients))
        )
    return sorted(second for some in several for second in some)


def main(people: int, clients: int, seconds: float, per_second: float) -> None:
    """Prepare, run and print."""
    ready = FOLDER / "simulator.json"
    simulator = subprocess.Popen(
        [sys.executable, "-m", "clarion_simulator", "--http-port", "0", "--smtp-port", "0",
         "--set", "keep_text=0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert simulator.stdout is not None
    sink = simulator.stdout.readline().split()[1]
    processes = [simulator]
    try:
        token = prepare(people, f"{sink}/webhook")
        processes += [
            subprocess.Popen(
                [sys.executable, "-m", "clarion", *part],
                stdout=subprocess.DEVNULL,
                stderr=(FOLDER / f"{part[0]}.log").open("w"),
                text=True,
            )
            for part in (["web", "--port", "8765"], ["worker"])
        ]
        url = "http://127.0.0.1:8765"
        while True:
            try:
                if httpx.get(f"{url}/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        asyncio.run(run(1, 1, per_second, url, token))  # what is loaded with the first request
        before = [cpu_seconds(process.pid) for process in processes[1:]]
        took = asyncio.run(run(clients, seconds, per_second, url, token))
        spent = [
            1000 * (cpu_seconds(process.pid) - had) / len(took)
            for process, had in zip(processes[1:], before, strict=True)
        ]
        queued = Delivery.objects.filter(state="queued").count()
        shares = {
            share: took[min(len(took) - 1, int(len(took) * share))] for share in (0.5, 0.9, 0.99)
        }
        print(
            "| queued | clients | requests a second | median, ms | p90 | p99 | longest "
            "| CPU of the web server, ms each | of the worker |"
        )
        print(
            f"| {queued:,} | {clients} | {len(took) / seconds:.0f} | "
            + " | ".join(f"{1000 * value:.0f}" for value in (*shares.values(), took[-1]))
            + " | "
            + " | ".join(f"{value:.1f}" for value in spent)
            + " |"
        )
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


if __name__ == "__main__":
    given = [float(argument) for argument in sys.argv[1:]]
    defaults = (1_000_000.0, 100.0, 20.0, 100.0)
    chosen = (*given, *defaults[len(given) :])
    main(int(chosen[0]), int(chosen[1]), chosen[2], chosen[3])
