"""Reading a mailbox: what is new, in bounded pieces, and nothing that was there before."""

import asyncio
import imaplib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from clarion.transport import imap
from clarion.transport.errors import Unavailable
from clarion.transport.imap import ImapClient, _mailbox
from clarion.transport.messages import ImapReply, ImapRequest
from clarion_simulator.imap import Imap, Inbox


@asynccontextmanager
async def serving(protocol: Callable[[], asyncio.BaseProtocol]) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class Mailbox:
    """A mailbox, and what asks it."""

    def __init__(self, inbox: Inbox, client: ImapClient, port: int) -> None:
        self.inbox, self.client, self.port = inbox, client, port

    async def ask(self, **changes: Any) -> ImapReply:
        """The reply to a request."""
        settings: dict[str, Any] = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "username": "bounces",
            "password": 'pass "word" ü', "folder": "INBOX",
        }  # fmt: skip
        return await self.client.send(ImapRequest(**{**settings, **changes}))


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """An empty mailbox."""
    inbox, connections = Inbox(), set[Imap]()
    client = ImapClient()
    async with serving(lambda: Imap(inbox, connections)) as port:
        yield Mailbox(inbox, client, port)
        client.close()
        for connection in list(connections):
            connection.transport.abort()


async def test_the_first_look_reads_nothing_and_notes_where_the_folder_ends(
    mailbox: Mailbox,
) -> None:
    for number in range(3):
        mailbox.inbox.add(b"old %d" % number)
    assert await mailbox.ask() == ImapReply("done", validity=1, last=3)
    mailbox.inbox.add(b"new")
    assert await mailbox.ask(validity=1, after=3) == ImapReply(
        "done", validity=1, last=4, messages=((4, b"new"),)
    )
    assert (await mailbox.ask(validity=1, after=4)).messages == ()


async def test_a_few_messages_at_a_time_and_the_beginning_of_each(mailbox: Mailbox) -> None:
    for number in range(5):
        mailbox.inbox.add(b"%d" % number * 100)
    reply = await mailbox.ask(validity=1, most=2, most_bytes=10)
    assert reply.messages == ((1, b"0" * 10), (2, b"1" * 10))
    assert (reply.last, reply.more) == (2, True)
    reply = await mailbox.ask(validity=1, after=reply.last, most=3)
    assert ([uid for uid, _ in reply.messages], reply.last, reply.more) == ([3, 4, 5], 5, False)


async def test_large_messages_are_fetched_a_megabyte_at_a_time(mailbox: Mailbox) -> None:
    for _ in range(10):
        mailbox.inbox.add(b"x" * 500_000)
    reply = await mailbox.ask(validity=1, most_bytes=400_000)
    assert (len(reply.messages), reply.last, reply.more) == (3, 3, True)


async def test_gaps_between_uids_are_passed_over(mailbox: Mailbox) -> None:
    mailbox.inbox.following = 50_000
    mailbox.inbox.add(b"far away")
    reply = await mailbox.ask(validity=1)
    assert (reply.messages, reply.last) == (((50_000, b"far away"),), 50_000)


async def test_a_message_that_the_server_can_not_give_out_holds_up_no_other(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    obey = Imap._obey

    def refusing(self: Imap, tag: str, verb: str, words: str) -> None:
        if verb == "UID FETCH" and words.startswith(("2 ", "4 ")):
            self._say(f"{tag} NO The message could not be converted")
        else:
            obey(self, tag, verb, words)

    monkeypatch.setattr(Imap, "_obey", refusing)
    for number in range(1, 5):
        mailbox.inbox.add(b"%d" % number)
    reply = await mailbox.ask(validity=1)
    assert (reply.messages, reply.last, reply.more) == (((1, b"1"), (3, b"3")), 3, False)
    reply = await mailbox.ask(validity=1, after=3)
    assert reply.stage == "read", "it may be the server: the message is asked for again"
    assert "could not be converted" in reply.text
    mailbox.inbox.add(b"5")
    reply = await mailbox.ask(validity=1, after=3)
    assert (reply.messages, reply.last) == (((5, b"5"),), 5)


async def test_of_a_slow_server_what_there_is_in_half_the_time_is_read(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(session: Any, uid: int, most: int) -> bytes:
        time.sleep(0.3)
        return b"mail %d" % uid

    monkeypatch.setattr(imap, "_content", slowly)
    for _ in range(10):
        mailbox.inbox.add(b"mail")
    reply = await mailbox.ask(validity=1, timeout=2.0)
    assert 1 <= len(reply.messages) < 10
    assert (reply.last, reply.more) == (len(reply.messages), True)


async def test_a_folder_that_was_numbered_anew_is_not_read_from_the_beginning(
    mailbox: Mailbox,
) -> None:
    for _ in range(3):
        mailbox.inbox.add(b"old")
    mailbox.inbox.number_anew()
    assert await mailbox.ask(validity=1, after=1) == ImapReply(
        "done", validity=2, last=3, more=True
    )


async def test_of_a_folder_that_was_numbered_anew_the_last_days_are_read_again(
    mailbox: Mailbox,
) -> None:
    for day in (20, 21, 22, 23):
        mailbox.inbox.add(b"Date: %d Nov 2026 12:00:00 +0000\r\n\r\nmail" % day)
    assert (await mailbox.ask(since="22-Nov-2026")).last == 4, "it is looked at first"
    assert (await mailbox.ask(validity=9, after=70, since="22-Nov-2026")).last == 2
    assert (await mailbox.ask(validity=9, after=70, since="24-Nov-2026")).last == 4


async def test_a_folder_with_more_mails_than_fit_into_one_answer_is_searched_in_parts(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "_SEARCHED", 10)
    monkeypatch.setattr(imaplib, "_MAXLINE", 100)  # a million characters: 130,000 UIDs
    for day in [*[20] * 35, *[22] * 18]:
        mailbox.inbox.add(b"Date: %d Nov 2026 12:00:00 +0000\r\n\r\nmail" % day)
    assert (await mailbox.ask(validity=9, after=70, since="22-Nov-2026")).last == 35
    assert (await mailbox.ask(validity=9, after=70, since="01-Nov-2026")).last == 0
    assert (await mailbox.ask(validity=9, after=70, since="24-Nov-2026")).last == 53


async def test_only_what_is_named_is_deleted(mailbox: Mailbox) -> None:
    for _ in range(3):
        mailbox.inbox.add(b"mail")
    mailbox.inbox.deleted.add(3)  # somebody else has marked it
    await mailbox.ask(validity=9, delete=(1, 2))
    assert sorted(mailbox.inbox.messages) == [1, 2, 3], "these were UIDs of another numbering"
    await mailbox.ask(validity=1, delete=(1, 2))
    assert sorted(mailbox.inbox.messages) == [3]


@pytest.mark.parametrize(
    ("changes", "stage", "words"),
    [
        ({"password": "wrong"}, "login", "Invalid credentials"),
        ({"folder": "Bounces"}, "folder", "no such folder"),
        ({"security": "starttls"}, "connect", "The server has no STARTTLS"),
    ],
)
async def test_what_the_server_refuses_is_a_reply(
    mailbox: Mailbox, changes: dict[str, Any], stage: str, words: str
) -> None:
    reply = await mailbox.ask(**changes)
    assert reply.stage == stage
    assert words in reply.text


class Babbler(asyncio.Protocol):
    """A server that greets with these bytes, again and again."""

    def __init__(self, greeting: bytes, open_ones: list[asyncio.Transport]) -> None:
        self.greeting, self.open_ones = greeting, open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self.open_ones.append(cast(asyncio.Transport, transport))
        self.open_ones[-1].write(self.greeting)


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"* OK",
        b"* OK hello\r\n* CAPABILITY IMAP4rev1\r\n",
        b"* OK hello\r\n" + b"* OK and on\r\n" * 900_000,
        b"* OK hello\r\n* 1 FETCH (BODY[] {999999999999}\r\n",
        b"220 smtp.example.org ESMTP\r\n",
        b"* BYE too many connections\r\n",
    ],
    ids=["silence", "half a line", "no answers", "endless", "huge", "SMTP", "goodbye"],
)
async def test_a_server_that_makes_no_sense_is_left_in_time(greeting: bytes) -> None:
    client = ImapClient()
    open_ones: list[asyncio.Transport] = []
    async with serving(lambda: Babbler(greeting, open_ones)) as port:
        request = ImapRequest("127.0.0.1", port, "none", "u", "p", "INBOX", timeout=0.3)
        with suppress(Unavailable):
            reply = await asyncio.wait_for(client.send(request), 30)
            assert reply.stage == "connect"
        client.close()
        for transport in open_ones:
            transport.abort()


async def test_no_connection_is_an_error_of_the_transport() -> None:
    async with serving(lambda: Babbler(b"", [])) as port:
        pass
    with pytest.raises(Unavailable, match="nothing accepts connections there"):
        await ImapClient().send(ImapRequest("127.0.0.1", port, "none", "u", "p", "INBOX"))


def test_names_of_folders_are_written_as_imap_writes_them() -> None:
    assert _mailbox("INBOX") == '"INBOX"'
    assert _mailbox('a "b" & c\\') == '"a \\"b\\" &- c\\\\"'
    assert _mailbox("Rückläufer") == '"R&APw-ckl&AOQ-ufer"'  # RFC 3501 5.1.3
    assert _mailbox("~peter/mail/台北/日本語") == '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'
