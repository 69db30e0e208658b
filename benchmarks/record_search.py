"""How fast records are searched, exported and reconciled when there are five million of them.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/record_search.py fill
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/record_search.py measure

`fill` needs an empty database. `measure` prints Markdown; results: docs/benchmarks-records.md.
"""

import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first
from django.db import connection, transaction  # noqa: E402

from clarion.accounts.models import Agent  # noqa: E402
from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.broadcasts.reconcile import reconcile  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.insights.activity import activity  # noqa: E402
from clarion.kit import clock, db  # noqa: E402
from clarion.records.audience import Wanted, detail, export_recipients, recipients  # noqa: E402
from clarion.records.causes import causes  # noqa: E402
from clarion.records.export import export_csv  # noqa: E402
from clarion.records.filters import RecordFilter  # noqa: E402
from clarion.records.search import search  # noqa: E402

CONTACTS = 1_000_000
# People of each of the 20 broadcasts: 5,000,000 in all, the newest last.
SIZES = [1_000_000] * 4 + [62_500] * 16
FIRST = (
    "Ada Ben Cem Dana Elif Finn Gül Hana Ivo Jana Kaan Lena Mert Nora Ömer Pia Quinn Rosa Şükrü Tom"
)
LAST = (
    "Adler Bauer Çelik Demir Ender Fischer Gruber Huber Ilgaz Jensen Kaya Lang Maier Novak Öztürk "
    "Peters Quast Richter Schmidt Toprak Unger Vogel Weber Xander Yilmaz Zimmer"
)
DAY = 86_400 * clock.SECOND
NEWEST = 1_790_000_000 * clock.SECOND


def fill() -> None:
    """Contacts, channels, 20 broadcasts over 80 days, their deliveries, records and tallies."""
    call_command("migrate", verbosity=0)
    agents = [
        Agent.objects.create_agent(
            name=name, email=f"{name}@example.org", role="admin", password=None
        )
        for name in ("mira", "noah", "otto")
    ]
    channels = [
        Channel.objects.create(name=name, kind=kind)
        for name, kind in (
            ("Shop bot", "telegram"),
            ("App", "webhook"),
            ("Newsletter", "email"),
            ("Pilot", "webhook"),
        )
    ]
    with transaction.atomic():
        _people([channel.pk for channel in channels])
        _reasons()
    for index, size in enumerate(SIZES):
        at = NEWEST - (len(SIZES) - index) * 4 * DAY
        broadcast = Broadcast.objects.create(
            title=f"Broadcast {index + 1}",
            state="completed",
            # Mira owns one old broadcast, Otto none, Noah the rest.
            agent=agents[0] if index == 5 else agents[1],
            scheduled_at=clock.from_us(at),
            total=size,
        )
        with transaction.atomic():
            _broadcast(broadcast.pk, index, size, at)
        print(f"broadcast {index + 1} of {len(SIZES)}", flush=True)
    run(f"INSERT INTO records_record ({_RECORD}) SELECT {_RARE}")
    run("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")


def run(sql: str) -> None:
    """One statement, taken as it stands (a percent sign is no placeholder)."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _series(count: int) -> str:
    if db.is_postgres():
        return f"generate_series(1, {count}) AS n(i)"
    return (
        f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        " SELECT i FROM n) AS n"
    )


def _pick(words: str, index: str) -> str:
    """SQL for one of some words, by a number."""
    cases = " ".join(f"WHEN {i} THEN '{word}'" for i, word in enumerate(words.split()))
    return f"CASE {index} {cases} END"


def _people(channels: list[int]) -> None:
    first, last = len(FIRST.split()), len(LAST.split())
    attributes = """('{"city": "Wien", "customer": ' || i || ', "plan": "basic"}')"""
    run(
        "INSERT INTO contacts_contact (name, attributes, language, time_zone, created_at)"
        f" SELECT CASE WHEN i = 777777 THEN 'Zebulon Quartermaine' ELSE"
        f" {_pick(FIRST, f'i % {first}')} || ' ' || {_pick(LAST, f'(i / {first}) % {last}')}"
        f" || ' ' || (i % 9973) END,"
        f" {attributes}{'::jsonb' if db.is_postgres() else ''}, 'de', '', 0"
        f" FROM {_series(CONTACTS)}"
    )
    bot, app, mail, pilot = channels
    run(
        "INSERT INTO contacts_address (contact_id, channel_id, value, state, created_at)"
        f" SELECT id, CASE WHEN id % 5000 = 0 THEN {pilot} WHEN id % 20 < 12 THEN {bot}"
        f" WHEN id % 20 < 19 THEN {app} ELSE {mail} END, '49' || (id + 1000000), 'active', 0"
        " FROM contacts_contact ORDER BY id"
    )


def _reasons() -> None:
    for index in range(40):
        run(
            f"INSERT INTO records_reason (code, refusal, text) VALUES ('{400 + index}',"
            f" 'rejected', 'The provider refused this message: cause number {index + 1}.')"
        )
    run(
        "INSERT INTO records_reason (code, refusal, text)"
        " VALUES ('499', 'rejected', 'A comet hit the data centre.')"
    )


_RECORD = (
    "delivery_id, broadcast_id, channel_id, address_id, attempt, status, reason_id, responses,"
    " latency, recorded_at, content"
)
# Three errors of a cause that occurs nowhere else, in the oldest broadcast.
_RARE = (
    "delivery_id, broadcast_id, channel_id, address_id, 2, 'error', 41, 0, latency, recorded_at,"
    " content FROM records_record WHERE broadcast_id = 1 AND status = 'error' LIMIT 3"
)


def _broadcast(broadcast: int, index: int, size: int, at: int) -> None:
    """One delivery and record per person: 2 % errors, of 40 causes, the first ones the commonest."""
    stride = CONTACTS // size
    # Multiplicative hashing: who fails has nothing to do with names or channels.
    failed = f"((a.id + {index} * 1000003) * 2654435761 % 4294967296 / 65536) % 50 = 0"
    run(
        "INSERT INTO records_delivery (broadcast_id, channel_id, address_id, state, attempts, due_at,"
        " external_id, reason_id, recovered, maybe_sent, moved_at)"
        f" SELECT {broadcast}, channel_id, a.id, CASE WHEN {failed} THEN 'failed'"
        f" WHEN a.id % 3 = 0 THEN 'delivered' WHEN a.id % 1000 = 7 THEN 'read' ELSE 'sent' END, 1, 0,"
        f" CASE WHEN {failed} THEN NULL ELSE '{index}-' || a.id END,"
        f" CASE WHEN {failed} THEN 1 + ((a.id * 31) % 40) * ((a.id * 17) % 40) / 40 END,"
        f" false, false, {at} + a.id * 100"
        f" FROM contacts_address AS a WHERE a.id % {stride} = 0 ORDER BY a.id"
    )
    responses = "CASE WHEN d.address_id % 10 = 0 THEN 3 ELSE 2 END" if index == 3 else "1"
    run(
        f"INSERT INTO records_record ({_RECORD})"
        " SELECT d.id, d.broadcast_id, d.channel_id, d.address_id, 1,"
        " CASE WHEN d.reason_id IS NULL THEN 'completed' ELSE 'error' END, d.reason_id,"
        f" CASE WHEN d.reason_id IS NULL THEN {responses} ELSE 0 END,"
        f" d.moved_at - {at}, d.moved_at,"
        " 'Hello ' || d.address_id || ', our spring sale begins today: everything 20 % off.'"
        f" FROM records_delivery AS d WHERE d.broadcast_id = {broadcast} ORDER BY d.id"
    )
    run(
        "INSERT INTO records_tally (broadcast_id, channel_id, state, delta)"
        " SELECT broadcast_id, channel_id, state, count(*) FROM records_delivery"
        f" WHERE broadcast_id = {broadcast} GROUP BY broadcast_id, channel_id, state"
    )


INDEXES = (
    "record_completed_at", "record_completed", "record_error_at", "record_error", "record_address"
)  # fmt: skip
JULY = {"after": "2026-07-01T00:00", "before": "2026-08-01T00:00"}
SEARCHES: dict[str, dict[str, str]] = {
    "no filter": {},
    "broadcast": {"broadcast": "3"},
    "user id": {"user": "491500005"},
    "status completed": {"status": "completed"},
    "status error": {"status": "error"},
    "recorded after": {"after": "2026-09-01T00:00"},
    "recorded before": {"before": "2026-07-07T11:00"},
    "name that nobody has": {"name": "zzzq"},
    "name that one person has": {"name": "quartermaine"},
    "name that 1,900 people have": {"name": "ada adler"},
    "name that 50,000 people have": {"name": "Ada"},
    "name that nearly everybody has": {"name": "a"},
    "name in another script that nobody has": {"name": "иван"},
    "name with letters beyond ASCII": {"name": "çelik 99"},
    "error that occurred three times": {"error": "comet"},
    "error of all causes": {"error": "refused"},
    "error that never occurred": {"error": "nobody"},
    "responses =7 (nobody)": {"responses": "=7"},
    "responses >0": {"responses": ">0"},
    "responses <1": {"responses": "<1"},
    "responses =3 (one old broadcast)": {"responses": "=3"},
    "channel of most people": {"channel": "Shop bot"},
    "channel of 200 people": {"channel": "Pilot"},
    "agent of one old broadcast": {"agent": "mira"},
    "agent of 19 broadcasts": {"agent": "noah"},
    "agent of none": {"agent": "otto"},
    "broadcast + rare error": {"broadcast": "1", "error": "comet"},
    "broadcast + error that another has": {"broadcast": "20", "error": "comet"},
    "broadcast + status + dates": {"broadcast": "3", "status": "error", **JULY},
    "rare name + error + dates": {"name": "quartermaine", "status": "error", **JULY},
    "common name + error + dates": {"name": "Ada", "status": "error", **JULY},
    "common name + rare error": {"name": "Ada", "error": "comet"},
    "common name + error + responses =7": {"name": "Ada", "status": "error", "responses": "=7"},
    "common name + broadcast + responses =7": {
        "name": "Ada", "broadcast": "2", "responses": "=7"
    },
    "common name + small channel + dates": {"name": "Ada", "channel": "Pilot", **JULY},
    "agent + common name + small channel": {"agent": "mira", "name": "Ada", "channel": "Pilot"},
    "small channel + error": {"channel": "Pilot", "status": "error"},
    "small channel + responses >1": {"channel": "Pilot", "responses": ">1"},
    "broadcast + responses + dates": {"broadcast": "4", "responses": "=3", **JULY},
    "broadcast + responses that it has not": {"broadcast": "4", "responses": "=1"},
    "user id + name of somebody else": {"user": "491777777", "name": "Ada"},
}  # fmt: skip


def measure() -> None:
    """Print what everything takes, the best of several times: others use this machine too."""
    print("| filter | rows | first page, ms | second page, ms |\n| --- | --- | --- | --- |")
    for label, query in SEARCHES.items():
        wanted = RecordFilter.from_query(query)
        took, page = best(partial(search, wanted))
        second = ""
        if page.next_cursor:
            more, _ = best(partial(search, wanted, page.next_cursor))
            second = f"{more * 1000:.1f}"
        print(f"| {label} | {len(page.rows)} | {took * 1000:.1f} | {second} |", flush=True)
    record = search(RecordFilter(broadcast=3), limit=1).rows[0].id
    print("\n| reading | s |\n| --- | --- |")
    others: dict[str, Callable[[], Any]] = {
        "reconcile, 1,000,000 people": lambda: reconcile(3),
        "reconcile, 62,500 people": lambda: reconcile(20),
        "causes of 20,000 errors": lambda: causes(3),
        "one record in detail": lambda: detail(record),
        "people of a broadcast": lambda: recipients(3),
        "activity of a broadcast, first page": lambda: activity(3),
        "its failed ones": lambda: recipients(3, Wanted(("failed",))),
        "652 of 1,000,000 who read it": lambda: recipients(3, Wanted(("read",))),
    }
    for label, work in others.items():
        print(f"| {label} | {best(work, 3)[0]:.3f} |", flush=True)
    print("\n| export | rows | rows/s | memory, MB |\n| --- | --- | --- | --- |")
    _export("all, the first 1,000,000", export_csv(RecordFilter()), 1_000_000)
    _export("one broadcast", export_csv(RecordFilter(broadcast=3)))
    _export("all errors", export_csv(RecordFilter(status="error")))
    _export("one of four channels", export_csv(RecordFilter(channel="Newsletter")))
    _export("name that 1,900 people have", export_csv(RecordFilter(name="ada adler")))
    _export("people of one broadcast", export_recipients(3))
    print("\n| index | MB |\n| --- | --- |")
    for index in INDEXES:
        print(f"| {index} | {_size(index) / 1e6:.0f} |")


def best(work: Callable[[], Any], times: int = 7) -> tuple[float, Any]:
    """The least seconds that something took, and its result."""
    least = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        result = work()
        least = min(least, time.perf_counter() - began)
    return least, result


def _export(label: str, pieces: Iterable[bytes], enough: int = 10**9) -> None:
    began, lines = time.perf_counter(), 0
    for piece in pieces:
        lines += piece.count(b"\n")
        if lines > enough:
            break
    took = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {label} | {lines - 1:,} | {(lines - 1) / took:,.0f} | {memory:.0f} |", flush=True)


def _size(index: str) -> int:
    """Bytes of an index. SQLite tells by the pages that dropping it would free."""
    if db.is_postgres():
        return int(db.fetch("SELECT pg_relation_size(%s)", [index])[0][0])
    with transaction.atomic():
        before = db.fetch("PRAGMA freelist_count")[0][0]
        run(f"DROP INDEX {index}")
        freed = db.fetch("PRAGMA freelist_count")[0][0] - before
        transaction.set_rollback(True)
    return int(freed * db.fetch("PRAGMA page_size")[0][0])


if __name__ == "__main__":
    {"fill": fill, "measure": measure}[sys.argv[1]]()
