"""The whole server while somebody holds as many connections as he likes."""

import http.client
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.processes import Processes
from support.waiting import eventually

pytestmark = [pytest.mark.crash, pytest.mark.django_db(transaction=True)]
HOST = "127.0.0.1"
IDLE, HALF, SLOW = 1_200, 1_200, 100
PATIENT = 60.0  # seconds; before there were limits, no page came at all
HALVES = (
    b"GET / HT",
    b"POST /hooks/1/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc",
)
READ_SLOWLY = b"GET /assets/0/web/css/all.css HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4


@pytest.fixture
def many_files() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = IDLE + HALF + SLOW + 500
    if before[1] != resource.RLIM_INFINITY and before[1] < needed:
        pytest.skip(f"{before[1]} open files are too few here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], needed), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_files")
def test_pages_and_callbacks_go_on(processes: Processes, tmp_path: Path) -> None:
    web = processes.clarion("web", "--port", "0", env={"CLARION_DATA": str(tmp_path)})
    port = int(web.wait_for_line(r"The web server is running at http://\S+:(\d+)")[1])
    eventually(lambda: _status(port, "GET", "/account/login/") == 200, PATIENT, what="a page")
    with ExitStack() as held:

        def hold(sends: bytes) -> None:
            sock = held.enter_context(socket.create_connection((HOST, port), PATIENT))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sock.sendall(sends)

        for number in range(IDLE):
            hold(b"")
            hold(HALVES[number % 2])
            if number % (IDLE // SLOW) == 0:
                hold(READ_SLOWLY)
        assert _status(port, "GET", "/account/login/") == 200
        assert _status(port, "POST", "/hooks/1/") == 404
        assert _status(port, "GET", "/healthz") == 200


def _status(port: int, method: str, path: str) -> int:
    """The status of an answer, 0 for none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENT)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
