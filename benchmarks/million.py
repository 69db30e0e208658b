"""A broadcast to very many people whose provider reports every message while it is sent.

    python benchmarks/million.py [PEOPLE]

Runs `clarion web`, a worker and the simulator in a temporary folder (CLARION_DATABASE_URL: an empty
PostgreSQL database instead of SQLite). PEOPLE (1,000,000) get a message each; the simulator answers at once
and calls back for each. Meanwhile a single message is sent every second. Prints what the million took,
how long the single ones took from being stored to being sent, the memory of the worker by the time, and
whether everybody is accounted for. Results: docs/benchmarks.md.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="clarion-million-"))
PORT = 8764
SECRET = "benchmark secret"  # noqa: S105 - of an empty database
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
os.environ.setdefault("CLARION_DATABASE_URL", f"sqlite:///{FOLDER / 'bench.sqlite3'}")
os.environ["CLARION_DATA"] = str(FOLDER)
os.environ.setdefault("CLARION_LOG_LEVEL", "warning")

import django  # noqa: E402 - the settings come first

django.setup()

from django.core.management import call_command  # noqa: E402

from clarion.accounts import audit  # noqa: E402
from clarion.broadcasts import singles  # noqa: E402
from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.broadcasts.reconcile import reconcile  # noqa: E402
from clarion.channels.manage import update_channel  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.cli.benchmark.cpu import cpu_seconds  # noqa: E402
from clarion.cli.benchmark.pipeline import (  # noqa: E402
    measure_expand,
    measure_import,
    write_people,
)
from clarion.contacts.models import Address  # noqa: E402
from clarion.engine.models import Callback  # noqa: E402
from clarion.kit import clock  # noqa: E402
from clarion.records import tallies  # noqa: E402
from clarion.records.models import Record  # noqa: E402


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], text=True, stdout=subprocess.PIPE, stderr=sys.stderr
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def line_of(process: "subprocess.Popen[str]") -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def memory(pid: int) -> int:
    """The resident memory of a process without what other processes share of it, MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) // 1024
    raise ValueError("no Pss in smaps_rollup")


def prepare(people: int, sink: str) -> tuple[Channel, Broadcast]:
    """Everybody, and their deliveries."""
    call_command("migrate", verbosity=0)
    write_people(FOLDER / "people.csv", people)
    channel, imported = measure_import(FOLDER / "people.csv", sink, people)
    channel = Channel.objects.get(pk=channel.pk)
    update_channel(channel, by=audit.COMMAND_LINE, settings={"secret": SECRET})
    broadcast, expanded = measure_expand(channel)
    print(f"imported {imported:,.0f}/s, expanded {expanded:,.0f}/s", flush=True)
    return channel, broadcast


def until_done(broadcast: Broadcast, each_second: Callable[[int], None]) -> float:
    """Wait until all is sent and reported; call back each second. Returns the seconds it took."""
    began = time.monotonic()
    turn = 0
    while True:
        states = tallies.counts([broadcast.pk])[broadcast.pk]
        waiting = Callback.objects.filter(state=Callback.State.WAITING).exists()
        if states["delivered"] == broadcast.total and not waiting:
            return time.monotonic() - began
        turn += 1
        each_second(states["delivered"] + states["sent"])
        time.sleep(max(0.0, began + turn - time.monotonic()))


def singles_took(ids: list[int]) -> list[float]:
    """The seconds from storing to sending of each, sorted."""
    sent = dict(
        Record.objects.filter(broadcast__in=ids, status="completed").values_list(
            "broadcast_id", "recorded_at"
        )
    )
    if len(sent) != len(ids):
        raise ValueError(f"{len(ids) - len(sent)} single messages were not sent")
    stored = Broadcast.objects.filter(pk__in=ids).values_list("pk", "created_at")
    return sorted((sent[key] - at).total_seconds() for key, at in stored)


def main(people: int) -> None:
    """Prepare, send, wait, print."""
    options = {
        "callback_url": f"http://127.0.0.1:{PORT}/hooks/bench/", "callback_secret": SECRET,
        "keep_text": "0",
    }  # fmt: skip
    chosen = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    with running("clarion_simulator", "--http-port", "0", "--smtp-port", "0", *chosen) as simulator:
        sink = line_of(simulator).split()[1]
        _, broadcast = prepare(people, f"{sink}/hook/bench")
        addresses = list(Address.objects.order_by("pk")[:100])
        sent: list[int] = []
        sizes: list[tuple[int, int]] = []  # messages so far, MB
        with running("clarion", "web", "--port", str(PORT)) as web:
            line_of(web)
            with running("clarion", "worker") as worker:
                line_of(worker)
                before = cpu_seconds(worker.pid), cpu_seconds(web.pid)

                def each_second(done: int) -> None:
                    sizes.append((done, memory(worker.pid)))
                    if done < people * 9 // 10:
                        address = addresses[len(sent) % len(addresses)]
                        single = singles.send_single(address, by=audit.COMMAND_LINE, text="Now")
                        sent.append(single.pk)

                seconds = until_done(broadcast, each_second)
                spent = cpu_seconds(worker.pid) - before[0], cpu_seconds(web.pid) - before[1]
        with urllib.request.urlopen(f"{sink}/_/summary") as answer:  # noqa: S310 - our own
            accepted = json.load(answer)["recipients_accepted"]
    report(broadcast, seconds, spent, singles_took(sent), sizes, accepted)


def report(
    broadcast: Broadcast,
    seconds: float,
    spent: tuple[float, float],
    took: list[float],
    sizes: list[tuple[int, int]],
    accepted: int,
) -> None:
    """Print what was measured."""
    total = broadcast.total
    print(f"{clock.now():%Y-%m-%d %H:%M}, load {os.getloadavg()[0]:.1f}")
    print(f"{total:,} sent and reported in {seconds:,.0f} s: {total / seconds:,.0f}/s of each")
    print(
        f"CPU a message: worker {spent[0] / total * 1e6:.0f} µs, web {spent[1] / total * 1e6:.0f} µs"
    )
    p99 = took[min(len(took) - 1, len(took) * 99 // 100)]
    print(
        f"{len(took)} single messages: median {statistics.median(took):.3f} s, p99 {p99:.3f} s, "
        f"slowest {took[-1]:.3f} s"
    )
    for share in (0.1, 0.5, 0.9, 1.0):
        done, size = next(each for each in sizes if each[0] >= min(total, total * share) * 0.999)
        print(f"worker at {done:,}: {size} MB")
    print(f"worker at most: {max(size for _, size in sizes)} MB")
    result = reconcile(broadcast.pk)
    print(*result.lines(), sep="\n")
    print(f"reached according to the provider: {accepted:,}; reconciled: {result.ok}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
