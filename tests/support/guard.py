"""Tests reach nothing but loopback: any other connection fails the test that tried it."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

INTERNET = {socket.AF_INET, socket.AF_INET6}


class OutsideConnection(BaseException):
    """A test tried to leave this machine.

    Not an Exception, because the code under test rightly turns those into "the host is down".
    """


@contextmanager
def loopback_only() -> Iterator[list[str]]:
    """Refuse connections that leave this machine; yield the list of those that were refused."""
    refused: list[str] = []
    methods = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}
    for name, method in methods.items():
        setattr(socket.socket, name, _guarded(method, refused))
    try:
        yield refused
    finally:
        for name in methods:
            # They are inherited from the C class, so removing ours brings back the originals.
            delattr(socket.socket, name)


def _guarded(method: Callable[[Any, Any], Any], refused: list[str]) -> Callable[[Any, Any], Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in INTERNET and not _is_loopback(address):
            text = f"a test tried to connect to {address!r}: tests reach nothing but loopback"
            refused.append(text)
            raise OutsideConnection(text)
        return method(self, address)

    return connect


def _is_loopback(address: Any) -> bool:
    host = str(address[0]).partition("%")[0]
    if host in ("localhost", ""):
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback
