"""Imports by real workers: one that is killed in the middle, and one that is told to stop."""

import pytest
from django.conf import settings

from clarion.accounts.models import Agent
from clarion.contacts import imports, uploads
from clarion.contacts.models import Address, Contact, Import
from contacts.hanging import CHUNK, hanging_import
from support import factory
from support.processes import Process, Processes
from support.waiting import eventually

LEASE = {"CLARION_LEASE_SECONDS": "3"}


def ask(lines: int) -> Import:
    agent = Agent.objects.create(name="Ada", email="ada@example.org", role="manager")
    rows = "id,name\n" + "".join(f"u{number},Person {number}\n" for number in range(lines))
    return imports.request_import(
        uploads.keep([rows.encode()]), filename="people.csv", channel=factory.channel(), by=agent
    )


def start(processes: Processes, seconds: float) -> Process:
    env = {"DJANGO_SETTINGS_MODULE": "clarion.settings", **LEASE}
    return processes.python(hanging_import(seconds), "worker", env=env)


def is_done(row: Import) -> bool:
    row.refresh_from_db()
    return row.state == "done"


@pytest.mark.crash
@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_its_import_to_the_next(processes: Processes) -> None:
    count = CHUNK * 4
    row = ask(count)
    worker = start(processes, 600)
    worker.wait_for_line("the third chunk is written")
    worker.kill()
    row.refresh_from_db()
    assert (row.state, row.lines) == ("running", CHUNK * 2)
    assert Address.objects.count() == CHUNK * 2

    processes.clarion("worker", env=LEASE)

    eventually(lambda: is_done(row), 120, what="the next worker has finished the import")
    assert (row.lines, row.created, row.updated, row.interruptions) == (count, count, 0, 1)
    assert Address.objects.count() == Contact.objects.count() == count
    eventually(lambda: not uploads.exists(row.upload), 60)  # is removed after the last line


@pytest.mark.crash
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_told_to_stop_gives_its_import_back(processes: Processes) -> None:
    count = CHUNK * 4
    row = ask(count)
    worker = start(processes, 2)
    worker.wait_for_line("the third chunk is written")
    worker.terminate()
    assert worker.wait() == 0
    row.refresh_from_db()
    assert (row.state, row.worker_id, row.interruptions) == ("waiting", None, 0)
    assert row.lines == CHUNK * 3

    processes.clarion("worker", env=LEASE)

    eventually(lambda: is_done(row), 120, what="the next worker has finished the import")
    assert (row.created, row.updated) == (count, 0)
    assert settings.CLARION.data.exists()
