"""Waiting for the turn to write on SQLite."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from clarion.channels.models import Channel
from support import environment, factory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(environment.engine_name() != "sqlite", reason="about SQLite's one writer"),
]


@contextmanager
def writer(busy: float, free: float) -> Iterator[threading.Event]:
    """Somebody else's transactions: ``busy`` seconds each, ``free`` seconds between them.

    Yields what is set whenever one of them has begun.
    """
    over, begun = threading.Event(), threading.Event()
    name = connection.settings_dict["NAME"]

    def write() -> None:
        other = sqlite3.connect(name, isolation_level=None, timeout=20)
        while not over.is_set():
            other.execute("BEGIN IMMEDIATE")
            begun.set()
            over.wait(busy)
            other.execute("COMMIT")
            over.wait(free)
        other.close()

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait()
    try:
        yield begun
    finally:
        over.set()
        thread.join()


def test_who_waits_gets_a_turn_between_the_transactions_of_a_busy_writer() -> None:
    channel = factory.channel()
    waited = []
    with writer(busy=0.03, free=0.003) as begun:
        for rate in range(1, 11):
            begun.clear()
            begun.wait()
            began = time.monotonic()
            with transaction.atomic():
                Channel.objects.filter(pk=channel.pk).update(rate=rate)
            waited.append(time.monotonic() - began)

    # Looking every 100 ms, one in eleven looks would succeed: 1 s on the average.
    assert sorted(waited)[5] < 0.4


def test_patience_ends_with_the_usual_error_and_the_connection_is_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = factory.channel()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.2)
    began = time.monotonic()
    with (
        writer(busy=30, free=0),
        pytest.raises(OperationalError, match="locked"),
        transaction.atomic(),
    ):
        Channel.objects.filter(pk=channel.pk).update(rate=1)
    assert time.monotonic() - began < 5

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (200,)
    with transaction.atomic():
        assert Channel.objects.filter(pk=channel.pk).update(rate=2) == 1
