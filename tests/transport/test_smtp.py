"""SMTP: the server's word at every stage, and what its silence means at every stage."""

import asyncio
import base64

import pytest
from aiosmtpd.smtp import SMTP as AiosmtpdServer  # noqa: N811

from clarion.transport import smtp as smtp_module
from clarion.transport.clients import Clients
from clarion.transport.errors import CantReceive, MaybeSent, NotSent, Unavailable, WrongSettings
from clarion.transport.messages import HttpRequest, SmtpReply, SmtpRequest
from support.ports import closed_port
from transport.peers import CLOSE, RESET, SILENT, SmtpPeer, until

SENT = SmtpReply("sent", 250, "queued as 1")


async def test_a_message_is_transmitted_as_it_should_be(smtp_peer, smtp):
    server = await smtp_peer()
    message = b"Subject: x\n\n.\n..dots\rbare\r\n.\r\nMAIL FROM:<evil@x>\nend"
    assert await smtp().send(server.mail(message=message)) == SENT
    assert server.messages == [
        b"Subject: x\r\n\r\n..\r\n...dots\r\nbare\r\n..\r\nMAIL FROM:<evil@x>\r\nend\r\n.\r\n"
    ]
    assert server.commands[1:] == [
        f"MAIL FROM:<we@clarion.example> SIZE={len(message)}",
        "RCPT TO:<you@example.org>",
        "DATA",
    ]


async def test_eight_bit_message_and_null_sender(smtp_peer, smtp):
    server = await smtp_peer()
    await smtp().send(server.mail(message="é\r\n".encode(), sender=""))
    assert server.commands[1] == "MAIL FROM:<> SIZE=4 BODY=8BITMIME"


async def test_with_a_real_server(smtp):
    got = []

    class Handler:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 taken"

    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: AiosmtpdServer(Handler(), enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
    )
    port = listener.sockets[0].getsockname()[1]
    pool = smtp()
    request = SmtpPeer({}, None).mail(port=port, recipient="jürgen@example.org", message=b".\n.a\n")
    try:
        assert await pool.send(request) == SmtpReply("sent", 250, "taken")
        assert got == [("we@clarion.example", ["jürgen@example.org"], b".\r\n.a\r\n")]
    finally:
        await pool.close()
        listener.close()
        await listener.wait_closed()


REFUSALS = [
    ("GREETING", "554 no service", "connect"),
    ("GREETING", "421 busy", "connect"),
    ("AUTH", "535 5.7.8 wrong", "auth"),
    ("AUTH", "454 4.7.0 later", "auth"),
    ("AUTH", "421 4.7.0 too many", "auth"),
    ("MAIL", "451 4.3.0 later", "mail"),
    ("MAIL", "550 5.7.1 not you", "mail"),
    ("RCPT", "450 4.2.0 greylisted", "rcpt"),
    ("RCPT", "550 5.1.1 no such user", "rcpt"),
    ("RCPT", "421 4.3.2 going down", "rcpt"),
    ("DATA", "451 4.3.0 later", "data"),
    ("DATA", "554 5.5.1 no", "data"),
    ("DOT", "452 4.3.1 full", "data"),
    ("DOT", "554 5.7.1 spam\r\n", "data"),
    ("NOOP", "500 what", "check"),
]


@pytest.mark.parametrize(("verb", "answer", "stage"), REFUSALS)
async def test_a_refusal_is_a_reply_with_its_stage(smtp_peer, smtp, verb, answer, stage):
    server = await smtp_peer(**{verb: answer})
    recipient = "" if stage == "check" else "you@example.org"
    request = server.mail(username="tom", password="s3cret", recipient=recipient)
    code, _, text = answer.strip().partition(" ")
    assert await smtp().send(request) == SmtpReply(stage, int(code), text)


async def test_ehlo_and_helo_refused(smtp_peer, smtp):
    server = await smtp_peer(EHLO="502 no", HELO="550 go away")
    assert await smtp().send(server.mail()) == SmtpReply("connect", 550, "go away")


async def test_an_old_server_that_knows_only_helo(smtp_peer, smtp):
    server = await smtp_peer(EHLO="502 no")
    assert await smtp().send(server.mail()) == SENT
    assert "MAIL FROM:<we@clarion.example>" in server.commands


@pytest.mark.parametrize("how", [CLOSE, RESET, SILENT, "garbage", "999 what", "250-endless"])
@pytest.mark.parametrize(
    "verb", ["GREETING", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "DOT", "NOOP", "STARTTLS"]
)
async def test_no_reply(smtp_peer, smtp, server_tls, trusting, hourglass, verb, how):
    glass = hourglass(smtp_module)
    server = await smtp_peer(server_tls, **{verb: how})
    request = server.mail(
        username="tom",
        password="s3cret",
        recipient="" if verb == "NOOP" else "you@example.org",
        security="starttls",
        host="localhost",
    )
    about_the_server = verb not in ("RCPT", "DATA")
    expected = MaybeSent if verb == "DOT" else Unavailable if about_the_server else NotSent
    pool = smtp(tls=trusting)
    sending = asyncio.create_task(pool.send(request))
    takes_for_ever = how in (SILENT, "250-endless")
    if takes_for_ever:
        await until(lambda: verb in server.asked)
        assert not sending.done()
        glass.run_out()
    with pytest.raises(expected) as caught:
        await sending
    assert type(caught.value) is expected
    assert ("no answer for 60 s" in caught.value.reason) == takes_for_ever
    assert caught.value.reason.endswith(".")
    assert "s3cret" not in caught.value.reason
    await until(lambda: not server.open or how is SILENT)
    assert not pool._sessions


async def test_nobody_listens(smtp):
    with closed_port() as port, pytest.raises(Unavailable, match="nothing accepts"):
        await smtp().send(SmtpPeer({}, None).mail(port=port))


async def test_the_guard(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp()
    assert await pool.send(server.mail()) == SENT
    with pytest.raises(NotSent, match="not on the public internet"):
        await pool.send(server.mail(allow_private=False))


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "you@example.org>\r\nDATA"},
        {"recipient": "you@example.org\nDATA"},
        {"recipient": "a b@example.org"},
        {"recipient": "you@example.org> SIZE=1"},
        {"recipient": "You <you@example.org>"},
        {"recipient": "you@example.org,them@example.org"},
        {"recipient": "@relay.example.org:you@example.org"},
        {"recipient": "you@example.org\0"},
        {"recipient": "you"},
        {"sender": "we@example.org\r\nRSET"},
    ],
)
async def test_an_address_that_could_be_misread_is_never_sent(smtp_peer, smtp, changes):
    server = await smtp_peer()
    with pytest.raises(WrongSettings if "sender" in changes else CantReceive):
        await smtp().send(server.mail(**changes))
    assert server.connections == 0


async def test_international_address_at_a_server_without_smtputf8(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp()
    assert await pool.send(server.mail()) == SENT
    with pytest.raises(CantReceive, match="outside a to z"):
        await pool.send(server.mail(recipient="jürgen@example.org"))
    assert await pool.send(server.mail()) == SENT
    assert server.verbs().count("MAIL") == 2
    assert server.connections == 1  # nobody else's connection was lost by it

    with pytest.raises(WrongSettings, match="no sender with letters outside a to z"):
        await pool.send(server.mail(sender="jürgen@example.org"))


async def test_a_reply_fit_for_a_database(smtp_peer, smtp):
    server = await smtp_peer(RCPT="550-a\0b\r\n550 " + "é" * 2000)
    reply = await smtp().send(server.mail())
    assert reply.code == 550
    assert reply.text.startswith("ab\né")
    assert len(reply.text) <= 1000


# Security and log-in


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_secured(smtp_peer, smtp, server_tls, trusting, security):
    server = await smtp_peer(server_tls, secure=security == "tls")
    pool = smtp(tls=trusting)
    request = server.mail(security=security, host="localhost", username="tom", password="pwé")
    for _ in range(2):
        assert await pool.send(request) == SENT
    assert server.connections == 1
    credential = base64.b64encode("\0tom\0pwé".encode()).decode()
    assert f"AUTH PLAIN {credential}" in server.commands
    first = server.verbs().index("AUTH")
    assert server.verbs()[:first].count("STARTTLS") == (security == "starttls")


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_nobody_vouches_for(smtp_peer, smtp, server_tls, security):
    server = await smtp_peer(server_tls, secure=security == "tls")
    request = server.mail(security=security, username="tom", password="s3cret")
    with pytest.raises(WrongSettings, match="certificate is not trusted"):
        await smtp().send(request)
    assert "AUTH" not in server.verbs()


async def test_starttls_that_is_not_offered(smtp_peer, smtp):
    server = await smtp_peer()
    with pytest.raises(WrongSettings, match="does not offer STARTTLS"):
        await smtp().send(server.mail(security="starttls", username="tom", password="s3cret"))
    assert server.verbs() == ["EHLO"]


async def test_starttls_refused(smtp_peer, smtp, server_tls):
    server = await smtp_peer(server_tls, STARTTLS="454 not now")
    reply = await smtp().send(server.mail(security="starttls"))
    assert reply == SmtpReply("connect", 454, "not now")


async def test_log_in_that_is_not_offered(smtp_peer, smtp):
    server = await smtp_peer(EHLO="250 peer")
    with pytest.raises(WrongSettings, match="offers no login"):
        await smtp().send(server.mail(username="tom", password="s3cret"))


async def test_a_wrong_password_is_tried_once(smtp_peer, smtp):
    server = await smtp_peer(AUTH="535 wrong")
    reply = await smtp().send(server.mail(username="tom", password="x"))
    assert reply == SmtpReply("auth", 535, "wrong")
    assert server.verbs().count("AUTH") == 1


async def test_another_mechanism_is_tried_when_one_is_not_taken(smtp_peer, smtp):
    server = await smtp_peer(
        EHLO="250-peer\r\n250 AUTH CRAM-MD5 PLAIN", AUTH=["504 not that one", "235 welcome"]
    )
    assert await smtp().send(server.mail(username="tom", password="x")) == SENT
    assert [line[:13] for line in server.commands if "AUTH" in line] == [
        "AUTH CRAM-MD5",
        "AUTH PLAIN AH",
    ]


async def test_a_refused_log_in_leaves_no_connection_behind(smtp_peer, smtp):
    server = await smtp_peer(AUTH=["535 wrong", "235 welcome"])
    pool = smtp()
    request = server.mail(username="tom", password="x")
    assert (await pool.send(request)).stage == "auth"
    assert await pool.send(request) == SENT
    assert server.connections == 2


async def test_check(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp()
    request = server.mail(recipient="", username="tom", password="x")
    for _ in range(2):
        assert await pool.send(request) == SmtpReply("check", 250, "fine")
    assert server.verbs() == ["EHLO", "AUTH", "NOOP"] * 2  # anew: the password may have changed


# The pool


async def test_connections_are_used_again_but_not_by_other_accounts(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp()
    for _ in range(3):
        assert await pool.send(server.mail(username="tom", password="x")) == SENT
    assert server.connections == 1
    await pool.send(server.mail(username="tom", password="y"))
    await pool.send(server.mail())
    assert server.connections == 3


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_after_a_refusal_the_connection_goes_on(smtp_peer, smtp, verb):
    server = await smtp_peer(**{verb: ["550 no"]})
    pool = smtp()
    assert (await pool.send(server.mail())).code == 550
    assert await pool.send(server.mail()) == SENT
    assert server.connections == 1
    verbs = server.verbs()
    assert ("RSET" in verbs) == (verb != "MAIL")
    if verb != "MAIL":
        assert verbs.index("RSET") < len(verbs) - 1 - verbs[::-1].index("MAIL")


@pytest.mark.parametrize("death", [CLOSE, RESET, "421 idle too long", "garbage"])
@pytest.mark.parametrize("verb", ["MAIL", "RSET"])
async def test_a_pooled_connection_that_died_is_replaced_once(smtp_peer, smtp, verb, death):
    answers = {"RCPT": ["550 no"], "RSET": [death]} if verb == "RSET" else {}
    server = await smtp_peer(**answers or {"MAIL": ["250 ok", death]})
    pool = smtp()
    await pool.send(server.mail())
    assert await pool.send(server.mail()) == SENT
    assert server.connections == 2


async def test_only_once(smtp_peer, smtp):
    server = await smtp_peer(MAIL=["250 ok", CLOSE, CLOSE])
    pool = smtp()
    await pool.send(server.mail())
    with pytest.raises(NotSent):
        await pool.send(server.mail())
    assert server.connections == 2


async def test_a_connection_closed_while_idle(smtp_peer, smtp):
    server = await smtp_peer(DOT=["250 queued as 1"], MAIL="250 ok")
    pool = smtp()
    await pool.send(server.mail())
    for task in list(server._tasks):
        task.cancel()
    await until(lambda: not server.open)
    assert await pool.send(server.mail()) == SENT
    assert server.connections == 2


async def test_a_connection_is_given_up_after_some_messages(smtp_peer, smtp, monkeypatch):
    assert smtp_module._MESSAGES_PER_CONNECTION == 100
    monkeypatch.setattr(smtp_module, "_MESSAGES_PER_CONNECTION", 3)
    server = await smtp_peer()
    pool = smtp()
    for _ in range(7):
        await pool.send(server.mail())
    assert server.connections == 3
    await until(lambda: server.verbs().count("QUIT") == 2)
    await until(lambda: server.open == 1)


async def test_unused_connections_are_closed(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp(idle=0.05)
    await pool.send(server.mail())
    await until(lambda: not server.open and not pool._sessions)
    assert server.verbs()[-1] == "QUIT"
    await until(lambda: pool._timer is None)


async def test_no_more_connections_than_allowed(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp(per_server=2)
    replies = await asyncio.gather(*(pool.send(server.mail()) for _ in range(9)))
    assert replies == [SENT] * 9
    assert server.connections == 2
    assert len(server.messages) == 9


async def test_waiting_too_long(smtp_peer, smtp):
    server = await smtp_peer(DOT=SILENT)
    pool = smtp(per_server=1)
    first = asyncio.create_task(pool.send(server.mail()))
    await until(lambda: server.messages)
    with pytest.raises(NotSent, match="all 1 connections were busy"):
        await pool.send(server.mail(timeout=0.05))
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    await until(lambda: not pool._sessions)


async def test_cancelling_at_any_step_leaks_nothing(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp(per_server=1)
    for steps in range(1, 60, 4):
        send = asyncio.create_task(pool.send(server.mail()))
        for _ in range(steps):
            await asyncio.sleep(0)
        send.cancel()
        await asyncio.wait([send])
        assert not any(pool.taken for pool in pool._pools.values())
    assert await pool.send(server.mail()) == SENT


async def test_closing_settles_everyone(smtp_peer, smtp):
    server = await smtp_peer(DOT=["250 queued as 1", SILENT])
    pool = smtp(per_server=1)
    await pool.send(server.mail())
    flying = asyncio.create_task(pool.send(server.mail()))
    await until(lambda: len(server.messages) == 2)
    waiting = asyncio.create_task(pool.send(server.mail()))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(MaybeSent):
        await flying
    with pytest.raises(NotSent):
        await waiting
    with pytest.raises(NotSent):
        await pool.send(server.mail())


async def test_closing_says_goodbye(smtp_peer, smtp):
    server = await smtp_peer()
    pool = smtp()
    await pool.send(server.mail())
    await pool.close()
    await until(lambda: server.verbs()[-1] == "QUIT")


def test_repr_shows_no_secret():
    request = SmtpPeer({}, None).mail(password="s3cret", message=b"s3cret")
    assert "s3cret" not in repr(request)


async def test_no_more_is_begun_than_one_for_each_connection_and_one_behind_it():
    async with Clients(per_server=1_500) as clients:
        mail = SmtpRequest("mail.example", 25, "none", "", "", "", "", b"")
        assert clients.most_at_once(mail, 1_500) == 2 * clients.smtp.per_server <= 32
        assert clients.most_at_once(mail, 3) == 3
        web = HttpRequest("POST", "https://api.example/")
        assert clients.most_at_once(web, 1_500) == 1_500
