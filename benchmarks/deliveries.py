"""What claiming and settling cost per message, by phase, on a database of its own.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/deliveries.py [PEOPLE [LETTERS]]

Expands a broadcast to PEOPLE (200,000), then claims and settles it with the functions that a worker
runs; nothing is rendered or sent, a message has LETTERS (66) letters. Prints CPU µs a message of
this process and of its backend (on PostgreSQL, whose server must run on this machine and do nothing
else), and the size of what is left. The database has to be empty. Results: decisions 0038 and 0039.
"""

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first

from clarion.cli.benchmark.pipeline import (  # noqa: E402
    measure_expand,
    measure_import,
    write_people,
)
from clarion.engine import reap  # noqa: E402
from clarion.engine.claim import Claimed, claim  # noqa: E402
from clarion.engine.settle import settle  # noqa: E402
from clarion.kit import clock, db  # noqa: E402
from clarion.records.deliveries.settle import Settlement  # noqa: E402

BATCH = 500
CLOCK = os.sysconf("SC_CLK_TCK")
TABLES = ("records_delivery", "records_record")


class Costs:
    """CPU seconds of this process and of its database backend, by phase."""

    def __init__(self) -> None:
        self.own: defaultdict[str, float] = defaultdict(float)
        self.server: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)
        self._stat: Path | None = None
        if db.is_postgres():
            self._stat = Path(f"/proc/{db.fetch('SELECT pg_backend_pid()')[0][0]}/schedstat")

    @contextmanager
    def of(self, phase: str) -> Iterator[None]:
        """Count what happens meanwhile as this phase's."""
        server, own, wall = self._server(), time.process_time(), time.perf_counter()
        yield
        self.own[phase] += time.process_time() - own
        self.server[phase] += self._server() - server
        self.wall[phase] += time.perf_counter() - wall

    def whole_server(self) -> float:
        """CPU seconds of all processes of the server, those that have ended included."""
        if self._stat is None:
            return 0.0
        postmaster = int((self._stat.parent / "stat").read_text().rpartition(")")[2].split()[1])
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                fields = stat.read_text().rpartition(")")[2].split()
                if int(stat.parent.name) == postmaster:
                    ticks += sum(map(int, fields[11:15]))
                elif int(fields[1]) == postmaster:
                    ticks += sum(map(int, fields[11:13]))
        return ticks / CLOCK

    def _server(self) -> float:
        return int(self._stat.read_text().split()[0]) / 1e9 if self._stat else 0.0


def settlement(claimed: Claimed, now: int, filling: str) -> Settlement:
    """What a provider that takes everything and names each message makes of a claim."""
    return Settlement(
        claimed.delivery, claimed.broadcast, 1, claimed.address, "sent", 1, now,
        external_id=f"wamid.{claimed.delivery:024d}",
        attempted=True, responses=1, latency=1_000,
        content=f"Hello {claimed.contact['name']}, {filling}your table in Berlin is ready.",
    )  # fmt: skip


def main(people: int, letters: int) -> None:
    """Fill, expand, claim and settle, print."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        write_people(Path(folder) / "people.csv", people)
        channel, _ = measure_import(Path(folder) / "people.csv", "http://127.0.0.1:9", people)
    costs = Costs()
    server = costs.whole_server()
    with costs.of("expand"):
        measure_expand(channel)
    worker = reap.register()
    filling = "".join(f"{n} times we thought of you. " for n in range(letters))[: letters - 50]
    done = 0
    while True:
        reap.renew(worker)
        with costs.of("claim"):
            claimed = claim(channel.pk, worker, BATCH).messages
        if not claimed:
            break
        now = clock.now_us()
        batch = [settlement(one, now, filling) for one in claimed]
        with costs.of("settle"):
            settle(worker, batch)
        done += len(batch)
    for phase in costs.own:
        print(
            f"{phase:8} {costs.own[phase] / done * 1e6:7.1f} µs own"
            f" {costs.server[phase] / done * 1e6:7.1f} µs server"
            f" {costs.wall[phase] / done * 1e6:7.1f} µs wall"
        )
    print(f"all processes of the server: {(costs.whole_server() - server) / done * 1e6:.1f} µs")
    _print_rest(done)


def _print_rest(done: int) -> None:
    """Sizes, and on PostgreSQL how many updates needed no index entries."""
    if not db.is_postgres():
        pages, size = (db.fetch(f"PRAGMA {what}")[0][0] for what in ("page_count", "page_size"))
        print(f"{'all tables':24} {pages * size / done:7.1f} bytes a message")
        return
    db.execute("SELECT pg_stat_clear_snapshot()")
    time.sleep(1)
    for table in TABLES:
        updates, hot = db.fetch(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s", [table]
        )[0]
        print(f"{table}: {updates} updates, {hot} of them HOT")
    for name, size in db.fetch(
        "SELECT relname, pg_relation_size(c.oid) FROM pg_class AS c WHERE relkind IN ('r', 'i')"
        " AND (relname LIKE 'record%%' OR relname LIKE 'delivery%%') AND pg_relation_size(c.oid) > 0"
        " AND relnamespace = 'public'::regnamespace ORDER BY relname",
    ):
        print(f"{name:24} {size / done:7.1f} bytes a message")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]), *(200_000, 66)[len(sys.argv) - 1 :])
