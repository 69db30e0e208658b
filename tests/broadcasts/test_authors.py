"""Who sent a broadcast, and who drafted it."""

import socket

import pytest

from clarion.broadcasts import control, drafts, history, launch, restarts
from clarion.broadcasts.history import Sought
from clarion.records.filters import FilterError, RecordFilter
from clarion.records.search import search
from support import factory

pytestmark = pytest.mark.django_db


def test_the_agent_is_who_sent_it_and_who_drafted_it_is_another_fact() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    ada, bob = factory.agent(name="Ada"), factory.agent(name="Bob")
    draft = drafts.duplicate(factory.draft([channel]), by=ada)

    def facts() -> tuple[str, str]:
        (row,) = history.facts([draft])
        return row["agent"], row["drafted_by"]

    assert facts() == ("", "Ada")
    launch.start(draft, by=bob)
    assert facts() == ("Bob", "Ada")
    for q in ("ada", "bob"):
        assert draft in history.section("all", Sought(q=q)).broadcasts
    launch.undo(draft, by=bob)
    draft.refresh_from_db()
    assert facts() == ("", "Ada")
    launch.start(draft, by=ada, undo_seconds=0)
    assert facts() == ("Ada", "Ada")


def test_the_command_line_is_the_machine() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    machine = f"{socket.gethostname()} (command line)"
    broadcast = launch.start(factory.draft([channel]), by=factory.BY)

    (facts,) = history.facts([broadcast])
    assert (facts["agent"], facts["drafted_by"]) == (machine, machine)
    assert search(RecordFilter(agent=machine)).rows == []
    with pytest.raises(FilterError):
        search(RecordFilter(agent="nobody"))


def test_a_run_is_sent_by_who_started_its_parent_and_a_restart_by_who_restarts() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    ada, bob = factory.agent(name="Ada"), factory.agent(name="Bob")
    sending = factory.sending([channel])
    control.stop(sending, by=ada)
    (facts,) = history.facts([restarts.restart(sending, by=bob)])
    assert (facts["agent"], facts["drafted_by"]) == ("Bob", "Bob")
