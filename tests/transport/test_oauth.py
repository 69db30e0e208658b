"""Access tokens: kept, renewed in time, and what the token server's words mean."""

import asyncio
import base64
import json
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from clarion.transport import oauth as oauth_module
from clarion.transport.clients import Clients
from clarion.transport.errors import Unavailable, WrongSettings
from clarion.transport.messages import ImapRequest, OAuth, SmtpReply
from clarion.transport.oauth import Tokens
from clarion_simulator.imap import Imap, Inbox
from support.ports import closed_port
from transport.peers import read_request

SECRET, REFRESH = "s3cret of the app", "1//refresh"


class TokenServer:
    """Answers with tokens named by their number, unless ``answers`` has something else."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answers: list[tuple[int, object]] = []
        self.lasts: object = 3600

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await read_request(reader):
            self.asked.append(parse_qs(request.partition(b"\r\n\r\n")[2].decode()))
            usual = {"access_token": f"token-{len(self.asked)}", "expires_in": self.lasts}
            status, answer = self.answers.pop(0) if self.answers else (200, usual)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)


@pytest.fixture
def tokens() -> TokenServer:
    """What a token server answers, and what it was asked."""
    return TokenServer()


@pytest.fixture
async def how(peer, tokens):
    """The settings by which it is asked."""
    port = (await peer(tokens.serve)).port
    return OAuth(f"http://127.0.0.1:{port}/t", "app", SECRET, REFRESH, allow_private=True)


@pytest.fixture
def clock(monkeypatch):
    """The time, as far as tokens see it."""
    now = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(oauth_module, "time", SimpleNamespace(monotonic=lambda: now.now))
    return now


async def test_by_refresh_token_or_by_the_credentials_of_the_app(how, tokens, http):
    kept = Tokens(http())
    assert await kept.get(how) == "token-1"
    app = OAuth(how.token_url, "app", SECRET, scope="https://a/.default", allow_private=True)
    assert await kept.get(app) == "token-2"
    login = {"client_id": ["app"], "client_secret": [SECRET]}
    assert tokens.asked == [
        login | {"grant_type": ["refresh_token"], "refresh_token": [REFRESH]},
        login | {"grant_type": ["client_credentials"], "scope": ["https://a/.default"]},
    ]


@pytest.mark.parametrize(
    ("lasts", "until"), [(3600, 3480), ("3600", 3480), (100, 50), (None, 3480), (-1, 3480)]
)
async def test_a_token_is_kept_until_shortly_before_its_end(how, tokens, http, clock, lasts, until):
    kept, tokens.lasts = Tokens(http()), lasts
    assert [await kept.get(how) for _ in range(2)] == ["token-1"] * 2
    clock.now += until - 1
    assert await kept.get(how) == "token-1"
    clock.now += 1
    assert await kept.get(how) == "token-2"


async def test_many_at_once_ask_once(how, tokens, http):
    kept = Tokens(http())
    assert set(await asyncio.gather(*(kept.get(how) for _ in range(20)))) == {"token-1"}
    kept.drop(how, "token-1")
    tokens.answers = [(503, b"")]
    failed = await asyncio.gather(*(kept.get(how) for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in failed} == {Unavailable}
    assert len(tokens.asked) == 2
    assert await kept.get(how) == "token-3"


@pytest.mark.parametrize(
    ("status", "answer", "error", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."},
         WrongSettings, "refresh token of this channel: invalid_grant Token has been expired"),
        (401, {"error": "invalid_client", "error_description":
               "AADSTS7000215: Invalid client secret provided. Trace ID: 1-2\r\nTimestamp: x"},
         WrongSettings, r"AADSTS7000215: Invalid client secret provided\.$"),
        (400, {"error": "invalid_client", "error_description": f"{SECRET} {REFRESH} are wrong"},
         WrongSettings, "… … are wrong"),
        (404, b"<html>", WrongSettings, r"answer \(404\) has no token. Check the token URL"),
        (200, {"access_token": ""}, WrongSettings, "has no token"),
        (200, {"access_token": "a\1b"}, WrongSettings, "has no token"),
        (200, [], WrongSettings, "has no token"),
        (429, b"", Unavailable, r"has trouble \(429\)"),
        (503, b"", Unavailable, r"has trouble \(503\)"),
        (400, {"error": "temporarily_unavailable"}, Unavailable, "has trouble"),
    ],
)  # fmt: skip
async def test_what_its_refusals_mean(how, tokens, http, status, answer, error, words):
    tokens.answers = [(status, answer)]
    kept = Tokens(http())
    with pytest.raises(error, match=words) as refused:
        await kept.get(how)
    assert SECRET not in str(refused.value)
    assert REFRESH not in str(refused.value)
    assert await kept.get(how) == "token-2"  # the next message asks anew


async def test_a_token_server_that_is_away(http):
    with closed_port() as port:
        away = OAuth(f"http://127.0.0.1:{port}/t", "app", SECRET, allow_private=True)
        with pytest.raises(Unavailable, match="token server did not answer"):
            await Tokens(http()).get(away)


def proof(token: str) -> str:
    """What developers.google.com/workspace/gmail/imap/xoauth2-protocol sends."""
    return base64.b64encode(f"user=tom\1auth=Bearer {token}\1\1".encode()).decode()


async def test_mail_is_sent_by_a_token_and_by_a_newer_one_once(how, tokens, smtp_peer):
    server = await smtp_peer(AUTH=["235 welcome", "535 5.7.3 expired", "235 welcome"])
    async with Clients() as clients:
        mail = server.mail(username="tom", oauth=how)
        for _ in range(2):
            assert (await clients.send(mail)).stage == "sent"
        assert (await clients.send(server.mail(username="tom", oauth=how, recipient=""))).code < 300
    logins = [line for line in server.commands if line.startswith("AUTH")]
    assert logins == [f"AUTH XOAUTH2 {proof(f'token-{n}')}" for n in (1, 1, 2)]
    assert len(tokens.asked) == 2


async def test_a_token_that_the_server_refuses_is_a_refused_login(how, smtp_peer):
    server = await smtp_peer(AUTH="334 eyJzdGF0dXMiOiI0MDAifQ==", **{"": "535 5.7.8 refused"})
    async with Clients() as clients:
        reply = await clients.send(server.mail(username="tom", oauth=how))
    assert reply == SmtpReply("auth", 535, "5.7.8 refused")


async def test_a_mailbox_is_read_by_a_token(how, tokens):
    inbox, connections = Inbox(), set[Imap]()
    inbox.add(b"back")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Imap(inbox, connections), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    tokens.answers = [(200, {"access_token": "wrong"})]
    request = ImapRequest("127.0.0.1", port, "none", "tom", "", "INBOX", validity=1, oauth=how)
    try:
        async with Clients() as clients:
            assert (await clients.send(request)).messages == ((1, b"back"),)
            assert len(tokens.asked) == 2
            tokens.answers = [(200, {"access_token": "wrong"})] * 2
            again = ImapRequest(
                "127.0.0.1", port, "none", "tom", "", "INBOX",
                oauth=OAuth(how.token_url, "other", SECRET, allow_private=True),
            )  # fmt: skip
            assert (await clients.send(again)).stage == "login"
    finally:
        server.close()
        for connection in list(connections):
            connection.transport.abort()
        await server.wait_closed()


def test_repr_shows_no_secret():
    text = repr(OAuth("https://t", "app", SECRET, REFRESH))
    assert SECRET not in text
    assert REFRESH not in text
