"""For crash tests: a simulated provider with faults, people, and the sums afterwards."""

import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clarion.accounts import audit
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.states import BroadcastState
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.contacts.imports import import_contacts
from clarion.kit import db
from support.listener import Listener
from support.measured import assert_measured
from support.processes import Process, Processes
from support.waiting import eventually

FAULTS = {"error_500": 1, "throttle": 1, "reset_before": 0.5, "reset_after": 0.5}


class Provider:
    """The simulator as a process, and what it saw."""

    def __init__(self, processes: Processes, port: int = 0, **knobs: object) -> None:
        settings = [part for key, value in knobs.items() for part in ("--set", f"{key}={value}")]
        ports = ("--http-port", str(port), "--smtp-port", "0", "--smpp-port", "0")
        self.process = processes.simulator(*ports, *settings)
        ready = self.process.wait_for_line(r"ready (\S+) smtp://\S+:(\d+) smpp://\S+:(\d+)")
        self.url, self.smtp_port, self.smpp_port = ready[1], int(ready[2]), int(ready[3])

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            return bytes(reply.read())

    def post(self, path: str, **fields: object) -> None:
        """Order something."""
        request = urllib.request.Request(self.url + path, json.dumps(fields).encode())
        with urllib.request.urlopen(request, timeout=60):
            pass

    def summary(self) -> dict[str, Any]:
        """All totals."""
        return dict(json.loads(self.get("/_/summary")))

    def accepted(self) -> dict[str, int]:
        """How often each recipient's message was accepted."""
        lines = self.get("/_/accepted").splitlines()
        return {row["recipient"]: row["count"] for row in map(json.loads, lines)}


def people_file(folder: Path, people: int) -> Path:
    """A CSV of invented people."""
    path = folder / "people.csv"
    rows = (f"u{number:07d},Person {number}\n" for number in range(people))
    path.write_text("id,name\n" + "".join(rows), encoding="utf-8")
    return path


def prepare(
    folder: Path,
    provider: Provider | Listener,
    people: int,
    *,
    idempotent: bool,
    rate: float | None = None,
    fields: Mapping[str, Any] = MappingProxyType({}),
    **settings: str,
) -> Broadcast:
    """People, a channel to the provider, and a broadcast to all of them that is due now."""
    channel = add_channel(
        name="sink",
        kind="webhook",
        settings={
            "url": f"{provider.url}/hook/sink",
            "allow_private": "true",
            "idempotent": str(idempotent).lower(),
            **settings,
        },
        rate=rate,
        by=audit.COMMAND_LINE,
    )
    import_contacts(people_file(folder, people), channel=channel, by=audit.COMMAND_LINE)
    return broadcast_to_all(channel, **fields)


def broadcast_to_all(channel: Channel, **fields: Any) -> Broadcast:
    """A broadcast to everybody on the channel that is due now; ``fields`` as of a draft."""
    usual: dict[str, Any] = {"title": "Rehearsal", "text": "Hello {{ contact.name }}"}
    broadcast = drafts.create_draft(
        by=audit.COMMAND_LINE,
        channels=[channel],
        audience=Audience(kind="all"),
        **(usual | fields),
    )
    return launch.start(broadcast, by=audit.COMMAND_LINE, undo_seconds=0)


def start_worker(processes: Processes, **env: str) -> Process:
    """A worker process that has begun to work; `env` adds to its environment."""
    worker = processes.clarion("worker", env=env)
    worker.wait_for_line("worker ready")
    return worker


def kill_workers(
    processes: Processes, broadcast: Broadcast, people: int, kills: int, chance: random.Random
) -> None:
    """kill -9 of a worker this often, spread over the whole of the work; then one that ends it.

    Each comes a random moment after its goal.
    """
    for kill in range(kills):
        worker = start_worker(processes)
        goal = people * kill // (kills + 1)
        eventually(lambda goal=goal: settled(broadcast) >= goal, timeout=600)
        time.sleep(chance.uniform(0, 0.4))
        worker.kill()
    start_worker(processes)
    wait_completed(broadcast, timeout=900)


def settled(broadcast: Broadcast) -> int:
    """How many deliveries have come to an end by now."""
    return int(
        db.fetch(
            "SELECT count(*) FROM records_delivery WHERE broadcast_id = %s "
            "AND state NOT IN ('queued', 'held', 'sending')",
            [broadcast.pk],
        )[0][0]
    )


def claimed(broadcast: Broadcast) -> int:
    """How many deliveries some worker has claimed, dead or alive."""
    return int(
        db.fetch(
            "SELECT count(*) FROM records_delivery WHERE broadcast_id = %s AND state = 'sending'",
            [broadcast.pk],
        )[0][0]
    )


def queued(broadcast: Broadcast) -> int:
    """How many deliveries are waiting."""
    return int(
        db.fetch(
            "SELECT count(*) FROM records_delivery WHERE broadcast_id = %s AND state = 'queued'",
            [broadcast.pk],
        )[0][0]
    )


def wait_completed(broadcast: Broadcast, timeout: float) -> None:
    """Wait until the broadcast says that it is completed."""

    def is_completed() -> bool:
        broadcast.refresh_from_db()
        return broadcast.state == BroadcastState.COMPLETED

    eventually(is_completed, timeout=timeout)


@dataclass(frozen=True)
class Truth:
    """What our rows say, beside what the provider saw."""

    states: Counter[str]
    accepted: dict[str, int]
    state_of: dict[str, str]
    reasonless: int  # in doubt or failed without a reason

    @property
    def lost(self) -> list[str]:
        """Called sent by us, never accepted by the provider."""
        return [
            recipient
            for recipient, state in self.state_of.items()
            if state == "sent" and not self.accepted.get(recipient)
        ]

    @property
    def unaccounted(self) -> list[str]:
        """Accepted by the provider, but neither sent nor in doubt with us."""
        return [
            recipient
            for recipient in self.accepted
            if self.state_of.get(recipient) not in {"sent", "in_doubt"}
        ]

    @property
    def twice(self) -> list[str]:
        """Accepted more than once."""
        return [recipient for recipient, count in self.accepted.items() if count > 1]


def truth(broadcast: Broadcast, provider: Provider) -> Truth:
    """Compare our rows with the provider's log."""
    rows = db.fetch(
        "SELECT a.value, d.state, d.reason_id FROM records_delivery d "
        "JOIN contacts_address a ON a.id = d.address_id WHERE d.broadcast_id = %s",
        [broadcast.pk],
    )
    return Truth(
        states=Counter(row[1] for row in rows),
        accepted=provider.accepted(),
        state_of={row[0]: row[1] for row in rows},
        reasonless=sum(row[1] in {"in_doubt", "failed"} and row[2] is None for row in rows),
    )


def assert_reconciled(broadcast: Broadcast) -> None:
    """The equation O2 holds, from the rows, the tallies and the numbers over time."""
    assert_measured(broadcast)
    result = reconcile(broadcast.pk)
    assert result.ok, "\n".join(result.lines())
