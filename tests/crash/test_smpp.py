"""A worker that is killed while messages are on an SMPP connection, and the one that takes over."""

from pathlib import Path

import pytest

from clarion.accounts import audit
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.manage import add_channel
from clarion.contacts.imports import import_contacts
from clarion.engine.models import Connection
from crash.rehearsal import Provider, broadcast_to_all, start_worker, wait_completed
from support import factory
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
WINDOW, PEOPLE = 5, 40


def test_in_doubt_is_what_was_in_the_window_and_nothing_goes_twice(
    own_database: object, processes: Processes, tmp_path: Path
) -> None:
    provider = Provider(processes, latency="200ms", smpp_binds=1)
    channel = add_channel(
        name="sms",
        kind="smpp",
        settings={
            "host": "127.0.0.1", "port": str(provider.smpp_port), "system_id": "news",
            "allow_private": "true", "window": str(WINDOW),
        },
        rate=None,
        by=audit.COMMAND_LINE,
    )  # fmt: skip
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "".join(f"4915{n:09}\n" for n in range(PEOPLE)), encoding="utf-8")
    import_contacts(path, channel=channel, by=audit.COMMAND_LINE)
    broadcast = broadcast_to_all(channel, text="Hello")

    first = start_worker(processes)
    eventually(lambda: provider.summary()["total"] > 2 * WINDOW, timeout=60)
    first.kill()
    start_worker(processes)
    wait_completed(broadcast, 120)
    eventually(lambda: "sent" not in factory.states(broadcast), timeout=60)  # receipts have come

    states = factory.states(broadcast)
    assert states.get("in_doubt", 0) <= WINDOW
    assert set(states) <= {"delivered", "in_doubt"}
    accepted = provider.accepted()
    assert set(accepted.values()) == {1}
    assert len(accepted) >= PEOPLE - WINDOW
    assert reconcile(broadcast.pk).ok
    assert Connection.objects.count() == 1
