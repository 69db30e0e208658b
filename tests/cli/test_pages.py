"""The port of the pages."""

import socket

import pytest

from clarion.cli import pages
from clarion.cli.failures import Failed
from support.ports import free_port

HOST = "127.0.0.1"


def test_a_free_port_is_none_that_an_outgoing_connection_may_get() -> None:
    with socket.create_server((HOST, 0)) as server:
        given_by_the_system = server.getsockname()[1]
    assert pages.usable_port(HOST, 0) in pages.UNUSED
    assert given_by_the_system not in pages.UNUSED


def test_ports_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as server:
        taken, free = server.getsockname()[1], free_port()
        monkeypatch.setattr(pages, "TRIES", 2)
        monkeypatch.setattr(pages, "UNUSED", [taken, free])
        assert {pages.usable_port(HOST, 0) for _ in range(20)} == {free}

        monkeypatch.setattr(pages, "UNUSED", [taken, taken])
        with pytest.raises(Failed, match="--port"):
            pages.usable_port(HOST, 0)
        with pytest.raises(Failed, match=f"Port {taken} on {HOST} is used"):
            pages.usable_port(HOST, taken)
