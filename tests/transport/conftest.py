"""Peers on 127.0.0.1 and clients that are closed again; every test runs on both event loops."""

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import ModuleType

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clarion.transport.http import HttpClient
from clarion.transport.smtp import SmtpPool
from transport.peers import Hourglass, Peer, Serve, SmtpPeer


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
            made = Peer(serve)
            await made.start(tls)
            stack.push_async_callback(made.stop)
            return made

        yield start


@pytest.fixture
async def smtp_peer() -> AsyncIterator[Callable[..., Awaitable[SmtpPeer]]]:
    """Start a scripted SMTP server; keyword arguments are its answers by command."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(
            tls: ssl.SSLContext | None = None, *, secure: bool = False, **answers: object
        ) -> SmtpPeer:
            made = SmtpPeer(answers, None if secure else tls)
            await made.start(tls if secure else None)
            stack.push_async_callback(made.stop)
            return made

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
def hourglass(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Hourglass]:
    """Put the time-outs of a module into the hands of the test."""

    def take(module: ModuleType) -> Hourglass:
        made = Hourglass()
        monkeypatch.setattr(module, "asyncio", made)
        return made

    return take


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key, for localhost and 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    """A client's context that trusts that certificate."""
    return ssl.create_default_context(cafile=str(certificate))
