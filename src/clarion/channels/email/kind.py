"""The e-mail kind: one message to one person through an SMTP server."""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.outcomes import outcome_of
from clarion.channels.mailing.kind import MailKind
from clarion.channels.mailing.mailboxes import sender_of
from clarion.channels.wording import tidy
from clarion.transport.messages import SmtpReply, SmtpRequest

_LARGE = 1_000_000  # bytes
_TIMEOUT = 30.0  # seconds
_TIMEOUT_WHEN_LARGE = 120.0


class EmailKind(MailKind):
    """E-mail through an SMTP server."""

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    account: ClassVar[str] = "a mail server"
    summary: ClassVar[str] = "Sends e-mail through an SMTP server, your own or a provider's."
    Config: ClassVar[type[BaseModel]] = EmailConfig

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        self._password = config.password.get_secret_value()
        self._signer = config.signer()
        self._secrets = (self._password, config.username)

    def request(self, message: Outgoing) -> SmtpRequest:
        """Text and HTML with everything a newsletter needs.

        Raises Unsendable for a bad address and for what an e-mail can't have, as reply buttons.
        """
        recipient, mail = self.built(message, self._sender, self._config.reply_to)
        if self._signer is not None:
            mail = self._signer.signed(mail)
        return self._request(recipient, mail)

    def outcome(self, reply: Reply) -> Outcome:
        """By the stage of the reply and its codes."""
        return outcome_of(_as_smtp(reply), self._secrets)

    def check(self) -> SmtpRequest:
        """Connect, secure the connection and log in; nothing is sent."""
        return self._request("", b"")

    def checked(self, reply: Reply) -> str:
        """What happened. Raises ValueError with what the server has against us."""
        smtp = _as_smtp(reply)
        if smtp.stage == "check" and 200 <= smtp.code <= 299:
            login = ", and the login works" if self._config.username else " without a login"
            return f"The mail server can be reached{login}. Nothing was sent.{self._published}"
        words = tidy(smtp.text, self._secrets)
        what = "the login" if smtp.stage == "auth" else "the connection"
        raise ValueError(
            f"The mail server refused {what} ({smtp.code}{': ' + words if words else ''})."
        )

    @property
    def _published(self) -> str:
        """What has to stand in the DNS, where this channel signs."""
        if self._signer is None:
            return ""
        name, text = self._signer.record
        return f" Messages are signed: publish this TXT record at {name}: {text}"

    def verify(self, hook: HookRequest) -> None:
        """Always refuse: SMTP servers do not call back."""
        raise BadSignature("E-mail channels have no callbacks.")

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """Nothing, for there are no callbacks."""
        return ()

    def _request(self, recipient: str, message: bytes) -> SmtpRequest:
        config = self._config
        return SmtpRequest(
            host=config.host,
            port=config.port,
            security=config.security,
            username=config.username,
            password=self._password,
            sender=self._sender.address,
            recipient=recipient,
            ehlo=config.ehlo,
            message=message,
            timeout=_TIMEOUT if len(message) < _LARGE else _TIMEOUT_WHEN_LARGE,
        )


def _as_smtp(reply: Reply) -> SmtpReply:
    return reply if isinstance(reply, SmtpReply) else SmtpReply("data", 0, "")
