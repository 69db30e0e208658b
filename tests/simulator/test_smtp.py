import asyncio
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage

import aiosmtplib
import pytest

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import PATIENCE, Line, get

SENDER = "news@clarion.test"


def letter(*to: str, text: str = "Hello\n.\n..dots\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = SENDER
    message["To"] = ", ".join(to)
    message["Subject"] = "News"
    message["Message-ID"] = "<m-1@clarion.test>"
    message.set_content(text)
    return message


async def send(simulator: Simulator, *to: str, **more: str) -> str:
    client = aiosmtplib.SMTP(
        hostname=simulator.host, port=simulator.smtp_port, timeout=PATIENCE, start_tls=False, **more
    )
    try:
        async with client:
            _, reply = await client.send_message(letter(*to))
            return reply
    finally:
        client.close()


@pytest.fixture
async def line(simulator: Simulator) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection(simulator.host, simulator.smtp_port)
    yield Line(reader, writer)
    writer.transport.abort()


async def test_accepts_and_logs(simulator: Simulator) -> None:
    simulator.use(Behaviour(keep_text=1000))
    assert await send(simulator, "anna@x.test", "ben@x.test") == "2.0.0 Ok: queued as sim-2"
    first, second = (await get(simulator, "/_/log"))["entries"]
    assert (first["recipient"], second["recipient"]) == ("anna@x.test", "ben@x.test")
    assert (first["protocol"], first["channel"]) == ("smtp", SENDER)
    assert first["key"] == "<m-1@clarion.test>"
    assert first["text"].startswith("From: news@clarion.test\r\n")
    assert first["text"].endswith("Hello\r\n.\r\n..dots\r\n")
    shared = (await simulator.summary())["keys_for_several_recipients"]
    assert shared == {"count": 1, "first": ["<m-1@clarion.test>"]}


@pytest.mark.parametrize(
    ("do", "code", "outcome"),
    [
        ("500", 451, "refused:500"),
        ("400", 550, "refused:400"),
        ("blocked", 550, "refused:403"),
        ("deactivated", 550, "refused:403"),
    ],
)
async def test_refused_at_rcpt(simulator: Simulator, do: str, code: int, outcome: str) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
        await send(simulator, f"anna+{do}@x.test")
    assert caught.value.recipients[0].code == code
    assert (await simulator.summary())["by_outcome"] == {outcome: 1}


@pytest.mark.parametrize(
    ("do", "code", "outcome"), [("429", 454, "refused:429"), ("html502", 421, "refused:html502")]
)
async def test_refused_after_data(simulator: Simulator, do: str, code: int, outcome: str) -> None:
    with pytest.raises(aiosmtplib.SMTPDataError) as caught:
        await send(simulator, f"anna+{do}@x.test")
    assert caught.value.code == code
    assert (await simulator.summary())["by_outcome"] == {outcome: 1}


@pytest.mark.parametrize("do", ["reset-after", "empty", "cut", "garbage"])
async def test_accepted_without_a_good_reply(simulator: Simulator, do: str) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send(simulator, f"anna+{do}@x.test")
    assert (await simulator.summary())["by_outcome"] == {"accepted": 1}


async def test_reset_before_is_not_accepted(simulator: Simulator) -> None:
    with pytest.raises(aiosmtplib.SMTPException):
        await send(simulator, "anna+reset-before@x.test")
    assert (await simulator.summary())["by_outcome"] == {"reset_before": 1}


async def test_slow_and_latency() -> None:
    async with Simulator(Behaviour(slow_seconds=0.1, latency="50ms")) as simulator:
        begun = time.monotonic()
        assert "queued" in await send(simulator, "anna+slow@x.test")
        assert time.monotonic() - begun >= 0.1


@pytest.mark.usefixtures("clock")
async def test_rate_limit() -> None:
    async with Simulator(Behaviour(rate_limit=1)) as simulator:
        await send(simulator, "anna@x.test")
        with pytest.raises(aiosmtplib.SMTPDataError, match="Maximum sending rate exceeded"):
            await send(simulator, "ben@x.test")


async def test_login(simulator: Simulator) -> None:
    await send(simulator, "anna@x.test", username="any", password="right")
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await send(simulator, "anna@x.test", username="any", password="wrong")
    client = aiosmtplib.SMTP(hostname=simulator.host, port=simulator.smtp_port, start_tls=False)
    async with client:
        await client.auth_login("any", "right")
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await client.auth_login("any", "wrong")


async def test_pipelined_dialogue(simulator: Simulator, line: Line) -> None:
    await line.send(
        b"EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.test>\r\nRSET\r\nMAIL FROM:<a@b.test> SIZE=9\r\n"
        b"RCPT TO:<a+400@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\n"
        b"NOOP\r\nDATA\r\nRCPT TO:<b@x.test>\r\nWHAT\r\nAUTH PLAIN !!\r\nVRFY x\r\nQUIT\r\n"
    )
    lines = (await line.rest()).decode().splitlines()
    codes = [text[:3] for text in lines if text[3] == " "]
    assert " ".join(codes) == (
        "220 250 250 250 250 250 550 250 354 250 250 503 503 500 501 252 221"
    )
    assert simulator.log.entry(2)["text"] == "Subject: x\r\n\r\n.\r\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"x" * 10_000, b"500"), (b"\xff\xfe\r\n", b"500"), (b"MAIL FROM:<a\r\n", b"501")],
)
async def test_bad_lines(line: Line, data: bytes, code: bytes) -> None:
    await line.reader.readline()
    await line.send(data)
    assert (await line.reader.readline()).startswith(code)


async def test_huge_messages_get_552(simulator: Simulator, line: Line) -> None:
    simulator.use(Behaviour(max_body=1000))
    await line.send(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n" + b"x\r\n" * 3000)
    assert b"552" in await line.rest()
    assert len(simulator.log) == 0


async def test_the_final_dot_may_come_in_pieces(simulator: Simulator, line: Line) -> None:
    await line.send(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n")
    for byte in b"hi\r\n.\r\nQUIT\r\n":
        await line.send(bytes([byte]))
        await asyncio.sleep(0.001)
    assert b"queued as sim-1" in await line.rest()
