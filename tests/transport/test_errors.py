"""Sentences about connections: who sends reads them, and learns no address of a network inside."""

import re
import socket
import ssl
import threading

import pytest

from clarion.transport.errors import TransportError, describe
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpRequest, SmtpRequest
from clarion.transport.smtp import SmtpPool
from support.ports import closed_port
from support.waiting import PATIENCE

HOST = "127.0.0.1"


async def _error_of(
    port: int, kind: str, *, allow: bool = True, host: str = HOST
) -> TransportError:
    request: HttpRequest | SmtpRequest
    if kind == "smtp":
        client, request = SmtpPool(), SmtpRequest(
            host, port, "none", "", "", "a@x.example", "b@x.example", b"",
            allow_private=allow, timeout=PATIENCE,
        )  # fmt: skip
    else:
        client = HttpClient()
        request = HttpRequest(
            "GET", f"{kind}://{host}:{port}/", timeout=PATIENCE, allow_private=allow
        )
    try:
        with pytest.raises(TransportError) as caught:
            await client.send(request)
    finally:
        await client.close()
    return caught.value


@pytest.mark.parametrize("kind", ["http", "https", "smtp"])
async def test_s6_a_refused_connection_names_no_address(kind: str) -> None:
    with closed_port() as port:
        error = await _error_of(port, kind)
    assert error.reason == "No connection to the server: nothing accepts connections there."
    assert str(error) == error.reason
    assert error.named == (
        f"No connection to {HOST} port {port}: nothing accepts connections there."
    )


@pytest.mark.parametrize("kind", ["http", "https", "smtp"])
async def test_s6_a_server_that_hangs_up_is_not_named(kind: str) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(PATIENCE)

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = await _error_of(port, kind)
        thread.join()
    assert not re.search(rf"{HOST}|{port}", error.reason)


@pytest.mark.parametrize("kind", ["http", "smtp"])
async def test_s6_a_private_address_is_not_named(kind: str) -> None:
    error = await _error_of(9, kind, allow=False, host="localhost")
    assert error.reason.startswith("The server is not on the public internet.")
    assert error.named.startswith("localhost is not on the public internet.")


def test_s6_a_certificate_of_another_host_names_neither() -> None:
    problem = ssl.SSLCertVerificationError(
        1, "Hostname mismatch, certificate is not valid for 'mail.internal'."
    )
    problem.verify_message = "Hostname mismatch, certificate is not valid for 'mail.internal'."
    assert describe(problem) == "its TLS certificate is not trusted (Hostname mismatch)"
