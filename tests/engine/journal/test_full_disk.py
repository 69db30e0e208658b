"""A worker whose journal can't be written sends nothing, says why, and continues by itself."""

import errno
import os
from typing import NoReturn

import pytest
from django.test import Client

from clarion.cli.maintenance import _workers
from clarion.cli.safety import Weak
from clarion.cli.send import warn_without_worker
from clarion.engine.journal import file
from clarion.engine.process import ThreadedWorker
from clarion.engine.status import troubles
from support import factory
from support.listener import Listener
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
RESERVE = os.posix_fallocate


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_from_the_beginning(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    client: Client,
) -> None:
    client.force_login(factory.agent())
    with Listener() as receiver:
        channel = factory.channel(url=f"{receiver.url}/hook")
        factory.people(channel, 3)
        broadcast = factory.sending([channel])
        monkeypatch.setattr(os, "posix_fallocate", full)
        with ThreadedWorker():
            eventually(troubles)
            (trouble,) = troubles()
            assert "No space left on device" in trouble.reason
            with pytest.raises(Weak, match=r"has stopped sending. The journal in .* can't be"):
                _workers()
            warn_without_worker()
            assert "No space left on device" in capsys.readouterr().err
            html = client.get("/").content.decode()
            assert f"The worker on {trouble.host} has stopped sending." in html
            assert "No space left on device" in html
            assert factory.states(broadcast) == {"queued": 3}
            assert not receiver.heard

            monkeypatch.setattr(os, "posix_fallocate", RESERVE)
            eventually(lambda: factory.states(broadcast) == {"sent": 3})
            eventually(lambda: not troubles())
            assert "1 worker running." in _workers()


def test_a_disk_that_gets_full_while_messages_are_sent(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = 400
    monkeypatch.setattr("clarion.engine.worker.Journal", lambda place: file.Journal(place, 64_000))
    with Listener() as receiver:
        channel = factory.channel(url=f"{receiver.url}/hook")
        factory.people(channel, people)
        with ThreadedWorker():
            monkeypatch.setattr(os, "posix_fallocate", full)
            broadcast = factory.sending([channel], text="Hello {{ contact.name }} " + "x" * 400)
            eventually(troubles)
            sent = factory.states(broadcast).get("sent", 0)
            assert 0 < sent < people

            monkeypatch.setattr(os, "posix_fallocate", RESERVE)
            eventually(lambda: factory.states(broadcast) == {"sent": people}, timeout=120)
    assert len(receiver.heard) == people
