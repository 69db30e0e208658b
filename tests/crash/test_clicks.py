"""kill -9 of the web server: a click that was answered is stored, whatever the database did."""

import http.client
import os
from pathlib import Path

import pytest

from clarion.broadcasts.reconcile import reconcile
from clarion.clicks.links import number_links
from clarion.clicks.models import Click
from clarion.clicks.spool import FOLDER, Spool
from clarion.clicks.store import Visit
from clarion.clicks.tokens import make_token
from crash import rehearsal
from support import factory
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
TARGET = "https://shop.example/sale"
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}


def test_a_click_that_was_answered_is_stored(
    own_database: object, processes: Processes, free_port: int
) -> None:
    channel = factory.channel()
    broadcast = factory.broadcast("Spring")
    broadcast.channels.add(channel)
    deliveries = [factory.delivery(broadcast, address) for address in factory.people(channel, 60)]
    (link,) = number_links(broadcast.pk, [TARGET]).values()
    answered = 0
    for lot in range(2):
        web = processes.clarion("web", "--port", str(free_port))
        eventually(lambda: _opened(free_port, "/healthz") == 200, timeout=120)
        for delivery in deliveries[lot * 30 : lot * 30 + 30]:
            assert _opened(free_port, f"/c/{make_token(delivery.pk, link)}") == 302
            answered += 1
        web.kill()
        assert Click.objects.filter(clicked_by="person").count() == answered
    # What a process had to keep in a file, because the database was away, the next one stores.
    _left_by_a_killed_process(Visit(deliveries[0].pk, link, factory.START))
    web = processes.clarion("web", "--port", str(free_port))
    eventually(lambda: _opened(free_port, "/healthz") == 200, timeout=120)
    assert _opened(free_port, f"/c/{make_token(deliveries[0].pk, link)}") == 302
    assert Click.objects.count() == answered + 2
    web.kill()
    _left_by_a_killed_process(Visit(deliveries[1].pk, link, factory.START))
    rehearsal.start_worker(processes)
    eventually(lambda: Click.objects.count() == answered + 3, timeout=120)
    said = [sentence for sentence in reconcile(broadcast.pk).differences if "clicked" in sentence]
    assert said == []


def _opened(port: int, path: str) -> int:
    """The status of a request; 0 while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=BROWSER)
        response = connection.getresponse()
        response.read()
    except OSError:
        return 0
    finally:
        connection.close()
    if response.status == 302:
        assert response.headers["Location"] == TARGET
    return response.status


def _left_by_a_killed_process(visit: Visit) -> None:
    child = os.fork()
    if not child:
        Spool(Path(os.environ["CLARION_DATA"])).append(visit)
        os._exit(0)
    os.waitpid(child, 0)
    assert list((Path(os.environ["CLARION_DATA"]) / FOLDER).iterdir())
