"""Waiting for the turn to write on SQLite."""

import gc
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from clarion.channels.models import Channel
from clarion.kit.sqlite import base
from support import factory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.only_on("sqlite"),
]


@dataclass
class Writer:
    """Somebody else who writes; ``begun`` is set whenever one of its transactions has begun."""

    begun: threading.Event = field(default_factory=threading.Event)
    transactions: int = 0


@contextmanager
def writer(busy: float, free: float) -> Iterator[Writer]:
    """Somebody else's transactions: ``busy`` seconds each, ``free`` seconds between them."""
    over, somebody = threading.Event(), Writer()
    name = connection.settings_dict["NAME"]

    def write() -> None:
        other = sqlite3.connect(name, isolation_level=None, timeout=20)
        while not over.is_set():
            other.execute("BEGIN IMMEDIATE")
            somebody.transactions += 1
            somebody.begun.set()
            over.wait(busy)
            other.execute("COMMIT")
            over.wait(free)
        other.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert somebody.begun.wait(60)
        yield somebody
    finally:
        over.set()
        thread.join()


def test_who_waits_gets_a_turn_between_the_transactions_of_a_busy_writer() -> None:
    channel = factory.channel()
    let_go_before = []
    with writer(busy=0.03, free=0.003) as somebody:
        for rate in range(1, 11):
            somebody.begun.clear()
            assert somebody.begun.wait(60)
            before = somebody.transactions
            with transaction.atomic():
                Channel.objects.filter(pk=channel.pk).update(rate=rate)
            let_go_before.append(somebody.transactions - before)

    # Counted, not timed: a busy machine slows both down. Looking every 100 ms, one in eleven looks
    # would succeed, after 30 transactions on the average.
    assert sorted(let_go_before)[5] <= 3


def test_patience_ends_with_the_usual_error_and_the_connection_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = factory.channel()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
    waits: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(waits), sleep=waits.append)
    monkeypatch.setattr(base, "time", clock)
    with (
        writer(busy=30, free=0),
        pytest.raises(OperationalError, match="locked"),
        transaction.atomic(),
    ):
        Channel.objects.filter(pk=channel.pk).update(rate=1)
    assert 0.2 <= sum(waits) <= 0.2 + base.LONGEST

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (200,)
    with transaction.atomic():
        assert Channel.objects.filter(pk=channel.pk).update(rate=2) == 1


def test_waiting_leaves_no_statement_for_another_thread_to_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cursors() -> int:
        return sum(issubclass(type(one), SQLiteCursorWrapper) for one in gc.get_objects())

    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
    gc.collect()
    gc.disable()
    try:
        before = cursors()
        with (
            writer(busy=30, free=0),
            pytest.raises(OperationalError, match="locked"),
            transaction.atomic(),
        ):
            pass
        assert cursors() == before
    finally:
        gc.enable()


def test_a_statement_keeps_its_percent_signs_however_often_it_is_executed() -> None:
    for value in (1, 2):
        with connection.cursor() as cursor:
            cursor.execute("SELECT '5%%', %s", [value])
            assert cursor.fetchone() == ("5%", value)
            cursor.execute("SELECT '5%%'")
            assert cursor.fetchone() == ("5%%",)


def test_kept_statements_are_bounded_in_bytes() -> None:
    base._statements.clear()
    for number in range(100):
        rewritten = base._with_qmarks(f"SELECT {number} -- %s {'x' * (base.LONGEST_KEPT - 20)}")
        assert rewritten.startswith(f"SELECT {number} -- ? x")
        assert base._statements._weight <= base.KEPT
    before = base._statements._weight
    base._with_qmarks("SELECT %s" + "x" * base.LONGEST_KEPT)
    assert base._statements._weight == before
