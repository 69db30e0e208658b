"""The measurements of Clarion itself, each with the functions that production runs."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db.models import Max, Min

from clarion.accounts import audit
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import BroadcastState
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.cli.benchmark.bare import Pace
from clarion.cli.benchmark.cpu import cpu_seconds
from clarion.contacts.imports import import_contacts
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.expand import expand_chunk
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.records.export import export_csv
from clarion.records.filters import RecordFilter
from clarion.records.models import Record

TEXT = 'Hello {{ contact.name | default("friend") }}, your table in {{ contact.city }} is ready.'
BATCH = 500
WORKER = ("-m", "clarion", "worker")


class BadSinkError(Exception):
    """The sink can't be used; the text says why and what to do."""


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """A simulator process with a perfect provider; yields its address."""
    ready = folder / "simulator.json"
    process = subprocess.Popen(  # noqa: S603 - our own simulator
        [sys.executable, "-m", "clarion_simulator", "--http-port", "0", "--smtp-port", "0",
         "--set", "keep_text=0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1]
    finally:
        process.terminate()
        process.wait()


def write_people(path: Path, people: int) -> None:
    """A CSV of invented people."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "city", "language"])
        for number in range(people):
            writer.writerow([f"user-{number:07d}", f"Person {number}", "Berlin", "en"])


def measure_import(path: Path, sink: str, people: int) -> tuple[Channel, float]:
    """Import everyone to a channel that sends to ``sink``; returns it and lines a second."""
    channel = add_channel(
        name="bench", kind="webhook", by=audit.COMMAND_LINE,
        settings={"url": sink, "allow_private": "true", "idempotent": "true"},
    )  # fmt: skip
    began = time.perf_counter()
    import_contacts(path, channel=channel, by=audit.COMMAND_LINE)
    return channel, people / (time.perf_counter() - began)


def measure_expand(channel: Channel) -> tuple[Broadcast, float]:
    """Write a delivery for everyone; returns the broadcast and deliveries a second."""
    broadcast = drafts.create_draft(
        by=audit.COMMAND_LINE, title="Bench", text=TEXT, channels=[channel],
        audience=Audience(kind="all"),
    )  # fmt: skip
    launch.start(broadcast, by=audit.COMMAND_LINE, undo_seconds=0)
    lifecycle.start_due()
    broadcast.refresh_from_db()
    began = time.perf_counter()
    while expand_chunk(broadcast):
        broadcast.refresh_from_db()
    seconds = time.perf_counter() - began
    broadcast.refresh_from_db()
    return broadcast, broadcast.total / seconds


def measure_claim_and_settle(channel: Channel, people: int) -> tuple[float, float]:
    """Claim and settle everyone without sending; returns claims and settlements a second."""
    broadcast, _ = measure_expand(channel)
    worker = reap.register()
    claiming = settling = 0.0
    done = 0
    while True:
        reap.renew(worker)
        began = time.perf_counter()
        claimed = claim(channel.pk, worker, BATCH).messages
        claiming += time.perf_counter() - began
        if not claimed:
            break
        now = clock.now_us()
        batch = [
            Settlement(
                c.delivery, c.broadcast, channel.pk, c.address, "sent", 1, now,
                attempted=True, responses=1, latency=1_000, content=TEXT,
            )
            for c in claimed
        ]  # fmt: skip
        began = time.perf_counter()
        settle(worker, batch)
        settling += time.perf_counter() - began
        done += len(claimed)
    reap.sign_off(worker)
    move(broadcast, BroadcastState.COMPLETED, finished_at=clock.now())
    return done / claiming, done / settling


def measure_pipeline(broadcast: Broadcast, workers: int, command: Sequence[str] = WORKER) -> Pace:
    """Send an expanded broadcast with worker processes, timed from the first reply to the last.

    ``command`` starts one of them, and has to print a line once it works. Raises BadSinkError if
    the sink does not accept every message.
    """
    crew = [_start_worker(command) for _ in range(workers)]
    before = sum(cpu_seconds(process.pid) for process in crew)
    try:
        while not _is_finished(broadcast):
            time.sleep(0.05)
        spent = sum(cpu_seconds(process.pid) for process in crew) - before
    finally:
        for process in crew:
            process.terminate()
        for process in crew:
            process.wait()
    records = Record.objects.filter(broadcast=broadcast)
    ends = records.aggregate(first=Min("recorded_at"), last=Max("recorded_at"))
    if refused := records.filter(status=Record.Status.ERROR).count():
        raise BadSinkError(
            f"The sink did not accept {refused:,} messages. Use one that answers 200 to all."
        )
    return Pace(broadcast.total, (ends["last"] - ends["first"]).total_seconds(), spent)


def _start_worker(command: Sequence[str]) -> "subprocess.Popen[str]":
    environment = {**os.environ, "CLARION_LOG_LEVEL": "warning"}
    process = subprocess.Popen(  # noqa: S603 - a worker of our own
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _is_finished(broadcast: Broadcast) -> bool:
    broadcast.refresh_from_db()
    if paused := Channel.objects.filter(state=Channel.State.PAUSED).first():
        raise BadSinkError(f"The sink does not accept messages any more: {paused.paused_reason}")
    return broadcast.state == BroadcastState.COMPLETED


def measure_export() -> float:
    """Export every record to CSV; returns records a second."""
    began = time.perf_counter()
    lines = sum(piece.count(b"\n") for piece in export_csv(RecordFilter()))
    return (lines - 1) / (time.perf_counter() - began)
