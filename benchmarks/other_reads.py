"""How fast chats, the audit log, the suppression list and monitors are read with millions of rows.

    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/other_reads.py fill
    CLARION_DATA=FOLDER CLARION_DATABASE_URL=URL python benchmarks/other_reads.py measure

`fill` needs a database that `record_search.py fill` has made. It adds 3,000,000 entries of the audit
log, 1,000,000 messages in 200,000 chats, 300,000 contacts who opted out, and 200,000 reports of
bounces with their entries of the suppression list. `measure` prints Markdown: CPU time, that of
PostgreSQL's process for the connection and that of this one; results: docs/benchmarks-records.md.
"""

import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from record_search import NEWEST, _series, run  # noqa: E402 - beside this file

from clarion.accounts import audit_log  # noqa: E402
from clarion.broadcasts.conversations import conversations, thread  # noqa: E402
from clarion.channels.contract import SeenUntil  # noqa: E402
from clarion.chats.listing import ChatFilter  # noqa: E402
from clarion.contacts.suppressions import listing, reports  # noqa: E402
from clarion.engine import connections, metrics  # noqa: E402
from clarion.kit import clock, db  # noqa: E402
from clarion.records import watermarks  # noqa: E402

ENTRIES, MESSAGES, REPORTED = 3_000_000, 1_000_000, 200_000
YEAR = 365 * 86_400 * clock.SECOND


def fill() -> None:
    """Add the rows, in SQL."""
    empty = "'{}'::jsonb" if db.is_postgres() else "'{}'"
    with transaction.atomic():
        run(
            "INSERT INTO accounts_auditentry (at, agent_id, actor, action, subject, detail)"
            f" SELECT {NEWEST - YEAR} + CAST(i AS bigint) * {YEAR // ENTRIES}, NULL,"
            " CASE WHEN i % 100000 = 7 THEN 'rare' WHEN i % 2 = 0 THEN 'worker' ELSE 'mira' END,"
            " CASE WHEN i % 50000 = 9 THEN 'channel.add' WHEN i % 3 = 0 THEN 'broadcast.start'"
            f" ELSE 'contact.edit' END, 'contact ' || (i % 1000000), {empty}"
            f" FROM {_series(ENTRIES)}"
        )
    with transaction.atomic():
        run(
            "INSERT INTO chats_chat (address_id, state, last_message_at)"
            f" SELECT id, CASE WHEN id % 1000 = 0 THEN 'open' ELSE 'bot' END, {NEWEST} - id * 1000"
            " FROM contacts_address WHERE id % 5 = 0"
        )
        run(
            "INSERT INTO chats_message (chat_id, inbound, text, payload, external_id, at)"
            f" SELECT 5 * (1 + i % 200000), true, 'Hello, it is me ' || i, {empty}, 'm' || i,"
            f" {NEWEST - YEAR} + CAST(i AS bigint) * {YEAR // MESSAGES} FROM {_series(MESSAGES)}"
        )
    with transaction.atomic():
        run(
            "UPDATE contacts_address SET state = 'opted_out' WHERE id % 10 < 3"
            " AND channel_id <> (SELECT max(id) FROM channels_channel)"
        )
        mail = "(SELECT id FROM channels_channel WHERE kind = 'email')"
        run(
            "INSERT INTO contacts_addressreport"
            " (channel_id, value, cause, at, detail, message_id, is_listed)"
            f" SELECT {mail}, 'u' || i || '@x.example', 'hard_bounce',"
            f" {NEWEST - YEAR} + i, '550', '', true FROM {_series(REPORTED)}"
        )
        run(
            "INSERT INTO contacts_suppression"
            ' (kind, "match", value, reason, source, note, created_at, applied_at)'
            " SELECT 'email', 'address', 'u' || i || '@x.example', 'bounced', 'provider', '',"
            f" {NEWEST - YEAR} + i, {NEWEST} FROM {_series(REPORTED)}"
        )
    run("VACUUM ANALYZE" if db.is_postgres() else "ANALYZE")


def measure() -> None:
    """Print what everything takes, the mean of three times after the first."""
    connection.ensure_connection()
    old = datetime(2025, 11, 1, tzinfo=UTC)
    middle = (old, datetime(2025, 11, 8, tzinfo=UTC))
    log = audit_log.Wanted
    chat = 5 * 777
    address = db.fetch("SELECT channel_id, value FROM contacts_address WHERE id = %s", [chat])[0]
    seen = SeenUntil(address[1], "read", clock.from_us(NEWEST), clock.from_us(NEWEST))
    readings: dict[str, Callable[[], Any]] = {
        "audit log": partial(audit_log.search, log()),
        "audit log, a busy actor": partial(audit_log.search, log(actor="worker")),
        "audit log, a rare actor": partial(audit_log.search, log(actor="rare")),
        "audit log, an unknown actor": partial(audit_log.search, log(actor="nobody")),
        "audit log, a common action": partial(audit_log.search, log(action="contact.")),
        "audit log, a rare action": partial(audit_log.search, log(action="channel.")),
        "audit log, one object": partial(audit_log.search, log(subject="contact 17")),
        "audit log, until long ago": partial(audit_log.search, log(until=old)),
        "audit log, a week long ago": partial(audit_log.search, log("", "", "", *middle)),
        "audit log, an actor in that week": partial(
            audit_log.search, log("worker", "", "", *middle)
        ),
        "audit log, a rare actor in that week": partial(
            audit_log.search, log("rare", "", "", *middle)
        ),
        "list of chats": partial(conversations, ChatFilter()),
        "list of chats, open ones": partial(conversations, ChatFilter(state="open")),
        "list of chats, a name": partial(conversations, ChatFilter(q="quartermaine")),
        "one chat": partial(thread, chat),
        "suppression list": partial(listing.suppression_list, listing.Wanted()),
        "suppression list, an address": partial(
            listing.suppression_list, listing.Wanted(q="u177777@")
        ),
        "suppression list, opted out": partial(
            listing.suppression_list, listing.Wanted(reason="opted_out")
        ),
        "suppression list, blocked (none)": partial(
            listing.suppression_list, listing.Wanted(reason="blocked")
        ),
        "reports to be listed (none)": reports.list_pending,
        "everything until a moment was read": partial(
            watermarks.messages_until, [watermarks.Mark(address[0], seen)]
        ),
        "connections of workers": connections.wanted_now,
        "/metrics": metrics.read,
    }
    print("| reading | PostgreSQL's process, ms | this process, ms |\n| --- | ---: | ---: |")
    for label, work in readings.items():
        work()
        began, server = time.process_time(), _server()
        for _ in range(3):
            work()
        spent = (_server() - server, time.process_time() - began)
        print(f"| {label} | {spent[0] / 3 * 1000:.0f} | {spent[1] / 3 * 1000:.0f} |", flush=True)


def _server() -> float:
    """Seconds of CPU time of PostgreSQL's process for this connection, on this machine."""
    if not db.is_postgres():
        return 0.0
    pid = db.fetch("SELECT pg_backend_pid()")[0][0]
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    {"fill": fill, "measure": measure}[sys.argv[1]]()
