"""Mail servers for tests of the engine: what they refuse is what the test is about."""

from contextlib import ExitStack
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from support import factory
from support.ports import free_port


class Mailbox:
    """A mail server that takes everything, unless ``sender_refused`` says otherwise."""

    def __init__(self, sender_refused: str = "", mechanism: str = "") -> None:
        self.sender_refused = sender_refused
        self.mechanism = mechanism
        self.recipient_refused = ""
        self.received: list[str] = []
        self.froms = 0

    async def handle_EHLO(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*lines[:-1], *([f"250-AUTH {self.mechanism}"] if self.mechanism else []), lines[-1]]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.froms += 1
        if self.sender_refused:
            return self.sender_refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_refused:
            return self.recipient_refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.received += envelope.rcpt_tos
        return "250 taken"


def serve(servers: ExitStack, mailbox: Mailbox, **options: Any) -> int:
    """Start a mail server; return its port."""
    port: int = options.pop("port", 0) or free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    servers.callback(controller.stop)
    return port


def welcome(*_: Any) -> AuthResult:
    return AuthResult(success=True)


def mail_channel(port: int, **settings: str) -> Channel:
    channel = factory.channel("mail", "email", port=port, **({"security": "none"} | settings))
    return update_channel(channel, rate=None, by=factory.BY)
