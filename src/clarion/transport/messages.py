"""What is handed to the transport, and what comes back. Plain values, no behaviour."""

from dataclasses import dataclass, field
from typing import Literal

Security = Literal["none", "starttls", "tls"]
Stage = Literal["connect", "auth", "mail", "rcpt", "data", "sent", "check"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. `timeout` is in seconds and covers everything, waiting included.

    `headers` must be a tuple, best the same one for many requests: what is made of it is kept.
    Content-Length, Host, Connection and the like are set by the client and refused here.
    The repr leaves out path, headers and body: providers put tokens into all three.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 15.0
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A complete reply. Header names are lower case; repeated headers are joined by ", "."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SmtpRequest:
    """One message for one recipient. `timeout` is in seconds and covers everything.

    `sender` and `recipient` are bare addresses, without names or brackets; an empty sender is "<>".
    An empty `recipient` makes it a check: connect, STARTTLS, log in, NOOP.
    An empty `username` means that no log-in is wanted. `ehlo` is how we introduce ourselves; empty:
    by the name of this machine.
    """

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    sender: str
    recipient: str
    message: bytes = field(repr=False)
    timeout: float = 30.0
    allow_private: bool = True
    ehlo: str = ""


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """The server's deciding reply and the stage it came at; "sent" means it took the message."""

    stage: Stage
    code: int
    text: str
