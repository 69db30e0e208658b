"""A login by OAuth 2: trouble with tokens is the account's, and uses up nobody's attempts."""

import base64
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from django.db.models import Max

from clarion.broadcasts.reconcile import reconcile
from clarion.channels.manage import end_wait, resume_channel
from clarion.engine.process import ThreadedWorker
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from engine.mailbox import Mailbox, mail_channel, serve
from engine.test_trouble import started
from support import factory
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 5
SECRET, REFRESH = "s3cret of the app", "1//refresh"
REFUSED = (400, b'{"error": "invalid_grant", "error_description": "Token has been revoked."}')
GRANTED = (200, b'{"access_token": "token-1", "expires_in": 3600}')


class TokenMailbox(Mailbox):
    """A mail server that is logged in to by an access token."""

    def __init__(self) -> None:
        super().__init__(mechanism="XOAUTH2")
        self.proofs: set[bytes] = set()

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        self.proofs.add(base64.b64decode(args[1]))
        return AuthResult(success=True)


class TokenServer:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = REFUSED
        self.asked: list[dict[str, list[str]]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.asked.append(parse_qs(body.decode()))
                status, text = listener.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"

    def __enter__(self) -> "TokenServer":
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def assert_nobody_was_charged() -> None:
    """No attempt was counted or recorded."""
    eventually(lambda: not Delivery.objects.exclude(state="queued").exists(), timeout=60)
    assert Delivery.objects.aggregate(most=Max("attempts")) == {"most": 0}
    assert not Record.objects.exists()


def test_a_refused_token_pauses_a_missing_one_waits_and_a_good_one_sends(
    database_url: str, servers: ExitStack
) -> None:
    mailbox = TokenMailbox()
    tokens = servers.enter_context(TokenServer())
    port = serve(servers, mailbox, auth_require_tls=False)
    channel = mail_channel(
        port, username="news", oauth_login="smtp", oauth_token_url=tokens.url,
        oauth_client_id="app", oauth_client_secret=SECRET, oauth_refresh_token=REFRESH,
    )  # fmt: skip
    broadcast = started(channel, PEOPLE)

    def is_paused() -> bool:
        channel.refresh_from_db()
        return channel.state == "paused"

    def waits() -> bool:
        channel.refresh_from_db()
        return channel.waits_until is not None

    with ThreadedWorker():
        eventually(is_paused, timeout=120)
        assert "token server refused a token" in channel.paused_reason
        assert "Check the client id, client secret and refresh token" in channel.paused_reason
        assert "Token has been revoked" in channel.paused_reason
        assert SECRET not in channel.paused_reason
        assert REFRESH not in channel.paused_reason
        assert_nobody_was_charged()

        tokens.answer = (503, b"")
        resume_channel(channel, by=factory.BY)
        eventually(waits, timeout=120)
        assert (channel.state, "token server has trouble" in channel.waits_reason) == (
            "active",
            True,
        )
        assert_nobody_was_charged()

        tokens.answer = GRANTED
        end_wait(channel, by=factory.BY)
        wait_completed(broadcast, 120)
    assert factory.states(broadcast) == {"sent": PEOPLE}
    assert mailbox.proofs == {b"user=news\1auth=Bearer token-1\1\1"}
    assert reconcile(broadcast.pk).ok
