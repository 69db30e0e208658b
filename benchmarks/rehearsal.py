"""A broadcast of one channel kind to 10,000 people, through a simulated provider with faults.

    python benchmarks/rehearsal.py KIND [PEOPLE]

Runs `clarion web`, a worker and the simulator in a temporary folder (CLARION_DATABASE_URL: an empty
PostgreSQL database instead of SQLite), with a channel as the kind's fixtures describe it. Of a hundred
requests one is refused with 500, one is reset before it arrived and one after; of a thousand five are
refused as wrong, five as blocked and two are throttled; two messages in a hundred are reported as failed.
Prints what became of everybody, whether `reconcile` agrees, and compares each person's state with what
the provider noted: exits with 1 if anybody got it who has failed, did not who is called sent, or got it
twice. Results: docs/benchmarks.md.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(tempfile.mkdtemp(prefix="clarion-rehearsal-"))
ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
os.environ.setdefault("CLARION_DATABASE_URL", f"sqlite:///{FOLDER / 'clarion.sqlite3'}")
os.environ["CLARION_DATA"] = str(FOLDER)
os.environ.setdefault("CLARION_LOG_LEVEL", "warning")
sys.path.insert(0, str(ROOT / "tests"))

import django  # noqa: E402 - the settings come first

django.setup()

from channels.cases import CASES  # noqa: E402
from channels.rehearsal import SECRET, Rehearsal  # noqa: E402
from clarion.accounts import audit  # noqa: E402
from clarion.broadcasts import drafts, launch  # noqa: E402
from clarion.broadcasts.models import Broadcast  # noqa: E402
from clarion.broadcasts.query import Audience  # noqa: E402
from clarion.broadcasts.reconcile import reconcile  # noqa: E402
from clarion.channels.manage import add_channel, check_channel, update_channel  # noqa: E402
from clarion.channels.models import Channel  # noqa: E402
from clarion.cli.pages import usable_port  # noqa: E402
from clarion.contacts.imports import import_contacts  # noqa: E402
from clarion.contacts.models import Address  # noqa: E402
from clarion.engine.models import Callback  # noqa: E402
from clarion.kit import clock  # noqa: E402
from clarion.kit.db.schema import bring_up_to_date  # noqa: E402
from clarion.records.models import Delivery  # noqa: E402

FAULTS = {
    "error_500": 1, "throttle": 0.2, "reset_before": 1, "reset_after": 1, "error_400": 0.5,
    "error_403": 0.5, "failed": 2, "latency": "1ms..15ms",
}  # fmt: skip
GOT_IT = {"sent", "delivered", "read"}
# A provider may report later that a message it had accepted failed; in doubt is what nobody knows.
EITHER = {"failed", "in_doubt"}


@contextmanager
def running(*command: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that has printed its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], text=True, stdout=subprocess.PIPE, stderr=sys.stderr
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def line_of(process: "subprocess.Popen[str]") -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def channel_of(rehearsal: Rehearsal, simulator: Any) -> Channel:
    """A checked channel of that kind at the simulator, without a limit of its own."""
    settings = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in rehearsal.settings(simulator).items()
    }
    channel = add_channel(
        name="rehearsal", kind=rehearsal.kind, settings=settings, by=audit.COMMAND_LINE
    )
    print(check_channel(channel))
    update_channel(channel, by=audit.COMMAND_LINE, rate=2_000.0, backoff=0.1)
    channel.refresh_from_db()
    return channel


def import_people(
    channel: Channel, rehearsal: Rehearsal, people: int, simulator: Any
) -> dict[str, str]:
    """That many contacts; returns the user id as it is stored by the one in the provider's log."""
    assert rehearsal.person is not None
    named = [rehearsal.person(number) for number in range(people)]
    ids = [rehearsal.address(simulator, each) for each in named]
    path = FOLDER / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name"])
        writer.writerows((each, f"Person {number}") for number, each in enumerate(ids))
    done = import_contacts(path, channel=channel, id_column="id", by=audit.COMMAND_LINE)
    assert done.created == people, done
    # Some platforms take messages to those who wrote a short time ago only.
    Address.objects.update(has_written=True, wrote_at=clock.now())
    user_id = CASES[rehearsal.kind].make().user_id
    return {name: user_id(each) for name, each in zip(named, ids, strict=True)}


def send(channel: Channel) -> Broadcast:
    """Send to all, and wait until the last message is settled and the last receipt applied."""
    draft = drafts.create_draft(
        by=audit.COMMAND_LINE, title="Rehearsal", text="Hello from the rehearsal", channels=[channel],
        audience=Audience(kind="all"),
    )  # fmt: skip
    broadcast = launch.start(draft, by=audit.COMMAND_LINE, undo_seconds=0)
    began, moved, before = time.monotonic(), time.monotonic(), None
    while True:
        time.sleep(0.5)
        broadcast.refresh_from_db()
        waiting = Callback.objects.filter(state=Callback.State.WAITING).count()
        now = (broadcast.state, waiting, reconcile(broadcast.pk).by_rows)
        if now == before and broadcast.state != "sending" and time.monotonic() - moved > 3:
            print(f"It took {time.monotonic() - began - 3:.1f} s.")
            return broadcast
        if now != before:
            before, moved = now, time.monotonic()
        if time.monotonic() - moved > 120:
            raise SystemExit(f"Nothing has moved for two minutes: {now}")


def compare(broadcast: Broadcast, stored: dict[str, str], log: Path) -> list[str]:
    """What the states of people and the provider's log say against each other."""
    accepted: Counter[str] = Counter()
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry.get("outcome") == "accepted":
            recipient = entry["recipient"]
            accepted[stored.get(recipient, recipient)] += 1
    differences = []
    rows = Delivery.objects.filter(broadcast=broadcast).values_list("address__value", "state")
    for value, state in rows.iterator():
        if state in GOT_IT and not accepted[value]:
            differences.append(f"{value} is {state}, and the provider has no message")
        if state not in GOT_IT | EITHER and accepted[value]:
            differences.append(f"{value} is {state}, and the provider has a message")
        if accepted[value] > 1:
            differences.append(f"{value} got it {accepted[value]} times")
    print(f"The provider accepted messages for {len(accepted):,} people.")
    if len(accepted) < len(stored) * 0.9:
        differences.append("That are too few.")
    return differences


def main(kind: str, people: int) -> int:
    """Prepare, send, compare, print; return the exit code."""
    rehearsal = CASES[kind].rehearsal
    if rehearsal is None or rehearsal.person is None:
        raise SystemExit(f"The fixtures of {kind} describe no rehearsal of many people.")
    bring_up_to_date()
    port, log = usable_port("127.0.0.1", 0), FOLDER / "simulator.jsonl"
    knobs = {
        **FAULTS, "callback_url": f"http://127.0.0.1:{port}/hooks/rehearsal/",
        "callback_secret": SECRET, "keep_text": "0",
    }  # fmt: skip
    os.environ["CLARION_PUBLIC_URL"] = (
        f"http://127.0.0.1:{port}"  # some sign the URL that they call
    )
    words = [word for name, value in knobs.items() for word in ("--set", f"{name}={value}")]
    ready = FOLDER / "ready.json"
    ports = [f"--{protocol}-port=0" for protocol in ("http", "smtp", "smpp", "imap")]
    ports += ["--log", str(log), "--ready-file", str(ready)]
    with running("clarion_simulator", *ports, *words) as simulator:
        line_of(simulator)
        told = json.loads(ready.read_text(encoding="utf-8"))
        where = SimpleNamespace(**told, http_url=told["http"], smtp_url=told["smtp"])
        channel = channel_of(rehearsal, where)
        stored = import_people(channel, rehearsal, people, where)
        with running("clarion", "web", "--port", str(port)) as web:
            line_of(web)
            with running("clarion", "worker") as worker:
                line_of(worker)
                broadcast = send(channel)
    result = reconcile(broadcast.pk)
    print("\n".join(result.lines()))
    differences = [*result.differences, *compare(broadcast, stored, log)]
    print("\n".join(differences[:20]) or "Every state agrees with what the provider noted.")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000))
