"""Peers on 127.0.0.1 and clients that are closed again; every test runs on both event loops."""

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from types import ModuleType

import pytest
import uvloop

from clarion.transport.http import HttpClient
from clarion.transport.smpp import SmppClient
from clarion.transport.smtp import SmtpPool
from transport.peers import Hourglass, Peer, Serve, SmtpPeer
from transport.smpp_peer import SmppPeer


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if sys.version_info >= (3, 11, 5):
        # Debian 12's 3.11.2 never tells a connection that its peer went away while STARTTLS was
        # under way, so such a send ends by its time-out there. Clarion itself runs on uvloop.
        loops["asyncio"] = asyncio.SelectorEventLoop
    return loops


@pytest.fixture
async def peer() -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Start a peer from a coroutine function (reader, writer) that plays the server."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(serve: Serve, tls: ssl.SSLContext | None = None) -> Peer:
            started = Peer(serve)
            await started.start(tls)
            stack.push_async_callback(started.stop)
            return started

        yield start


@pytest.fixture
async def smtp_peer() -> AsyncIterator[Callable[..., Awaitable[SmtpPeer]]]:
    """Start a scripted SMTP server; keyword arguments are its answers by command."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            tls: ssl.SSLContext | None = None, *, secure: bool = False, **answers: object
        ) -> SmtpPeer:
            started = SmtpPeer(answers, None if secure else tls)
            await started.start(tls if secure else None)
            stack.push_async_callback(started.stop)
            return started

        yield start


@pytest.fixture
async def http() -> AsyncIterator[Callable[..., HttpClient]]:
    """Make HttpClients."""
    async with contextlib.AsyncExitStack() as stack:

        def make(**options: object) -> HttpClient:
            client = HttpClient(**options)  # type: ignore[arg-type]
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
async def smtp() -> AsyncIterator[Callable[..., SmtpPool]]:
    """Make SmtpPools."""
    async with contextlib.AsyncExitStack() as stack:

        def make(**options: object) -> SmtpPool:
            pool = SmtpPool(**options)  # type: ignore[arg-type]
            stack.push_async_callback(pool.close)
            return pool

        yield make


@pytest.fixture
async def smsc() -> AsyncIterator[Callable[..., Awaitable[SmppPeer]]]:
    """Start a scripted SMSC."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            *script: object,
            binds: tuple[int, ...] = (),
            tls: ssl.SSLContext | None = None,
            mute: bool = False,
        ) -> SmppPeer:
            started = SmppPeer(list(script), list(binds), mute=mute)
            await started.start(tls)
            stack.push_async_callback(started.stop)
            return started

        yield start


@pytest.fixture
async def smpp(smsc: object) -> AsyncIterator[Callable[..., SmppClient]]:
    """Make SmppClients, which are closed before the SMSCs."""
    async with contextlib.AsyncExitStack() as stack:

        def make(**options: object) -> SmppClient:
            client = SmppClient(**options)  # type: ignore[arg-type]
            stack.push_async_callback(client.close)
            return client

        yield make


@pytest.fixture
def hourglass(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Hourglass]:
    """Put the time-outs of a module into the hands of the test."""

    def take(module: ModuleType) -> Hourglass:
        glass = Hourglass()
        monkeypatch.setattr(module, "asyncio", glass)
        return glass

    return take
