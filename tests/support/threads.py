"""Wait for threads that others start, such as the live server's, which nobody hands out."""

import socket
import threading
from urllib.parse import urlsplit

from support.waiting import PATIENCE, eventually


def wait_for_threads(name: str, timeout: float = PATIENCE) -> None:
    """Return when no thread whose name contains `name` is left; fail at the deadline.

    A thread is not joined: one that is listed but not started yet cannot be, and raises.
    """
    eventually(lambda: not _listed(name), timeout, what=f"the threads named {name!r} have ended")


def wait_for_requests(url: str, timeout: float = PATIENCE) -> None:
    """Return when a threading server has answered every request made to it before this call.

    Connections are accepted in order: when one of our own has been closed by the server, all
    earlier ones have their threads.
    """
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout) as last:
        last.shutdown(socket.SHUT_WR)
        assert last.recv(1) == b"", f"{url} answered an empty request"
    wait_for_threads("process_request_thread", timeout)


def _listed(name: str) -> list[threading.Thread]:
    # A thread leaves this list when its `run` has returned.
    return [thread for thread in threading.enumerate() if name in thread.name]
