"""The e-mail kind: one message to one person through an SMTP server.

Messages are built in email_message.py; what a server's reply means stands in smtp_replies.py.
"""

import re
from collections.abc import Iterable
from typing import ClassVar

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from clarion.channels.contract import (
    BadSignature,
    Event,
    HookRequest,
    Limits,
    Outcome,
    Outgoing,
    Reply,
    Unsendable,
)
from clarion.channels.email_message import Sender, build, from_header
from clarion.channels.fitting import ensure_fits
from clarion.channels.smtp_replies import outcome_of
from clarion.channels.wording import tidy
from clarion.transport.messages import Security, SmtpReply, SmtpRequest

_LARGE = 1_000_000  # bytes
_PATIENCE = 30.0  # seconds
_PATIENCE_WHEN_LARGE = 120.0
_HOST = re.compile(r"[0-9A-Za-z._-]{1,253}|[0-9a-fA-F:.]{2,45}")
_NAMED = re.compile(r'"?([^"<>]{0,100}?)"? *<([^<>]+)>')
# Names that the world has no use for, but an office's own relay has; the list is there to be
# changed, says the library's README.
for _name in {"local", "localhost", "test"}.intersection(SPECIAL_USE_DOMAIN_NAMES):
    SPECIAL_USE_DOMAIN_NAMES.remove(_name)


def mailbox(text: str) -> str:
    """The bare e-mail address in the form that SMTP takes. Raises ValueError with a sentence.

    The DNS is not asked: whether somebody is there, the mail server tells. A domain with letters
    outside a to z is written in its ASCII form (RFC 5890).
    """
    try:
        found = validate_email(
            text, check_deliverability=False, globally_deliverable=False, strict=True
        )
    except EmailNotValidError:
        raise ValueError("This is not an e-mail address.") from None
    return found.ascii_email or f"{found.local_part}@{found.ascii_domain}"


class EmailConfig(BaseModel):
    """What an e-mail channel needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(title="Server", description="The SMTP server, for example smtp.example.org.")
    port: int = Field(
        default=587, ge=1, le=65535, title="Port", description="Mostly 587; 465 with TLS."
    )
    security: Security = Field(
        default="starttls",
        title="Encryption",
        description="starttls for port 587, tls for port 465, none only inside your own network.",
    )
    username: str = Field(default="", title="User name", description="Empty: no log-in.")
    password: SecretStr = Field(default=SecretStr(""), title="Password")
    sender: str = Field(title="Sender", description="Whom it is from: News <news@example.org>.")

    @field_validator("host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        value = value.strip()
        if not _HOST.fullmatch(value):
            raise ValueError("Write the server's name alone, for example smtp.example.org.")
        return value

    @field_validator("sender")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        sender_of(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> "EmailConfig":
        if self.password.get_secret_value() and not self.username:
            raise ValueError("There is a password but no user name. Fill in both or neither.")
        return self


def sender_of(text: str) -> Sender:
    """The sender in “Name <address>” or “address”. Raises ValueError with a sentence."""
    match = _NAMED.fullmatch(text.strip())
    name, address = match.groups() if match else ("", text.strip())
    try:
        if not name.isprintable():
            raise ValueError("control character")
        return Sender(name.strip(), mailbox(address.strip()))
    except ValueError:
        raise ValueError(
            "Write the sender as News <news@example.org> or news@example.org."
        ) from None


class EmailKind:
    """E-mail through an SMTP server."""

    kind: ClassVar[str] = "email"
    label: ClassVar[str] = "E-mail"
    summary: ClassVar[str] = "Sends e-mail through an SMTP server, your own or a provider's."
    # No protocol tells a rate; 10 a second is under what providers allow new accounts.
    limits: ClassVar[Limits] = Limits(
        rate=10.0,
        text_length=65_536,
        receipts=frozenset(),
        media=frozenset({"image", "file"}),
        buttons=frozenset({"link"}),
        most_buttons=100,
        caption_length=65_536,
    )
    Config: ClassVar[type[BaseModel]] = EmailConfig
    idempotent = False

    def __init__(self, config: EmailConfig) -> None:
        self._config = config
        self._sender = sender_of(config.sender)
        self._from_line = from_header(self._sender)
        self._password = config.password.get_secret_value()
        self._secrets = (self._password, config.username)

    def request(self, message: Outgoing) -> SmtpRequest:
        """Text and HTML with everything a newsletter needs.

        Raises Unsendable for a bad address and for what an e-mail can't have, as reply buttons.
        """
        if message.media or message.buttons or message.template:
            ensure_fits(message, self.limits, self.label)
        try:
            recipient = mailbox(message.to)
        except ValueError as problem:
            raise Unsendable(str(problem)) from None
        mail = build(message, self._sender, self._from_line, recipient)
        return self._request(recipient, mail)

    def outcome(self, reply: Reply) -> Outcome:
        """By the stage of the reply and its codes, see smtp_replies.py."""
        return outcome_of(_as_smtp(reply), self._secrets)

    def check(self) -> SmtpRequest:
        """Connect, secure the connection and log in; nothing is sent."""
        return self._request("", b"")

    def checked(self, reply: Reply) -> str:
        """What happened. Raises ValueError with what the server has against us."""
        smtp = _as_smtp(reply)
        if smtp.stage == "check" and 200 <= smtp.code <= 299:
            logged_in = "and the log-in is good" if self._config.username else "without a log-in"
            return f"The mail server can be reached {logged_in}. Nothing was sent."
        words = tidy(smtp.text, self._secrets)
        what = "the log-in" if smtp.stage == "auth" else "us"
        raise ValueError(
            f"The mail server refused {what} ({smtp.code}{': ' + words if words else ''})."
        )

    def verify(self, hook: HookRequest) -> None:
        """Always refuse: SMTP servers do not call back."""
        raise BadSignature("E-mail channels take no callbacks.")

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
            message=message,
            timeout=_PATIENCE if len(message) < _LARGE else _PATIENCE_WHEN_LARGE,
        )


def _as_smtp(reply: Reply) -> SmtpReply:
    return reply if isinstance(reply, SmtpReply) else SmtpReply("data", 0, "")
