"""The e-mail kind: one message to one person through an SMTP server."""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from clarion.channels.abilities import Fetched
from clarion.channels.catalogue import ListedError
from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
)
from clarion.channels.email import codes
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.mailbox import Mailbox
from clarion.channels.email.outcomes import CHECK_APP, outcome_of
from clarion.channels.email.returned import events_of
from clarion.channels.email.statuses import listed_statuses
from clarion.channels.mailing.kind import LIMITS, MailKind
from clarion.channels.mailing.mailboxes import sender_of
from clarion.channels.wording import tidy
from clarion.transport.messages import ImapRequest, SmtpReply, SmtpRequest

_LARGE = 1_000_000  # bytes
_TIMEOUT = 30.0  # seconds
_TIMEOUT_WHEN_LARGE = 120.0


class EmailKind(MailKind):
    """E-mail through an SMTP server."""

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    account: ClassVar[str] = "a mail server"
    summary: ClassVar[str] = "Sends e-mail through an SMTP server, your own or a provider's."
    # Both by the mailbox of bounces, where the channel has one.
    limits: ClassVar[Limits] = replace(LIMITS, receipts=frozenset({"failed"}), inbound=True)
    Config: ClassVar[type[BaseModel]] = EmailConfig

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The enhanced status codes of mail servers."""
        return listed_statuses()

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        self._password = config.password.get_secret_value()
        self._signer = config.signer()
        self._oauth = config.smtp_oauth
        self._secrets = (
            self._password,
            config.username,
            config.bounce_password.get_secret_value(),
            config.oauth_client_secret.get_secret_value(),
            config.oauth_refresh_token.get_secret_value(),
        )
        self._bounces = config.bounce_address or self._sender.address
        self._mailbox = Mailbox(config)
        self.mailbox, self.deletes_mail = self._mailbox.place, config.bounce_delete

    def request(self, message: Outgoing) -> SmtpRequest:
        """Text and HTML with everything a newsletter needs.

        Raises Unsendable for a bad address and for what an e-mail can't have, as reply buttons.
        """
        recipient, mail = self.built(message, self._sender, self._config.reply_to)
        code = codes.code_of(message.id) if self._mailbox.is_read else ""
        head = mail.head
        if code:
            head = f"{codes.HEADER}: {code}\r\n".encode() + head
        if self._signer is not None:
            head = self._signer.signed(head, mail.tail)
        if not (self._config.bounce_address and self._config.bounce_codes):
            code = ""
        return self._request(recipient, head, codes.with_code(self._bounces, code), mail.tail)

    def outcome(self, reply: Reply) -> Outcome:
        """By the stage of the reply and its codes."""
        return outcome_of(_as_smtp(reply), self._secrets, by_token=self._oauth is not None)

    def check(self) -> SmtpRequest:
        """Connect, secure the connection and log in; nothing is sent."""
        return self._request("", b"", self._bounces)

    def checked(self, reply: Reply) -> str:
        """What happened. Raises ValueError with what the server has against us."""
        smtp = _as_smtp(reply)
        if smtp.stage == "check" and 200 <= smtp.code <= 299:
            login = ", and the login works" if self._config.username else " without a login"
            return f"The mail server can be reached{login}. Nothing was sent.{self._published}"
        words = tidy(smtp.text, self._secrets)
        what = "the login" if smtp.stage == "auth" else "the connection"
        hint = ""
        if smtp.stage == "auth" and self._oauth is not None:
            what, hint = "the access token", f" {CHECK_APP}"
        raise ValueError(
            f"The mail server refused {what} ({smtp.code}{': ' + words if words else ''}).{hint}"
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
        """What an e-mail that was fetched from the mailbox of bounces reports."""
        return events_of(hook.body, hook.received_at, self._bounces, self._sender.domain)

    def fetches(self) -> bool:
        """Whether this channel has a mailbox of bounces."""
        return self._mailbox.is_read

    def fetch(self, cursor: str) -> ImapRequest:
        """The request for what is new in the mailbox."""
        return self._mailbox.fetch(cursor)

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """What is new there."""
        return self._mailbox.fetched(reply, cursor)

    def further_check(self) -> ImapRequest | None:
        """Log in to the mailbox and open its folder."""
        return self._mailbox.fetch("") if self._mailbox.is_read else None

    def further_checked(self, reply: Reply) -> str:
        """That it can be read. Raises ValueError with what its server says instead."""
        return self._mailbox.checked(reply)

    def _request(
        self, recipient: str, message: bytes, sender: str, tail: bytes = b""
    ) -> SmtpRequest:
        config = self._config
        return SmtpRequest(
            host=config.host,
            port=config.port,
            security=config.security,
            username=config.username,
            password=self._password,
            sender=sender,
            recipient=recipient,
            ehlo=config.ehlo,
            message=message,
            tail=tail,
            oauth=self._oauth,
            timeout=_TIMEOUT if len(message) + len(tail) < _LARGE else _TIMEOUT_WHEN_LARGE,
        )


def _as_smtp(reply: Reply) -> SmtpReply:
    return reply if isinstance(reply, SmtpReply) else SmtpReply("data", 0, "")
