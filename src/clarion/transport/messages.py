"""What is handed to the transport, and what comes back. Plain values, no behaviour.

The two of HTTP are made for every message; frozen, they would take twice as long to make. They are
never changed all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Security = Literal["none", "starttls", "tls"]
Stage = Literal["connect", "auth", "mail", "rcpt", "data", "sent", "check"]


@dataclass(slots=True)
class HttpRequest:
    """One HTTP request. `timeout` is in seconds and covers everything, waiting included.

    Content-Length, Host, Connection and the like are set by the client and refused here.
    The repr leaves out path, headers and body: providers put tokens into all three.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout: float = 15.0
    allow_private: bool = False


class ReplyHeaders(Mapping[str, str]):
    """The header lines of a reply, made readable when one is asked for: for most replies never."""

    __slots__ = ("_headers", "_lines")

    def __init__(self, lines: Sequence[tuple[bytes, bytes]]) -> None:
        self._lines = lines
        self._headers: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._readable()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._readable())

    def __len__(self) -> int:
        return len(self._readable())

    def _readable(self) -> dict[str, str]:
        if self._headers is None:
            headers: dict[str, str] = {}
            for name, value in self._lines:
                key, text = name.lower().decode("latin-1"), value.decode("latin-1")
                headers[key] = f"{headers[key]}, {text}" if key in headers else text
            self._headers = headers
        return self._headers


@dataclass(slots=True)
class HttpReply:
    """A complete reply. Header names are lower case; repeated headers are joined by ", "."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class OAuth:
    """How the access token is got that a server takes in the place of a password (XOAUTH2).

    Without a `refresh_token` by the client's own credentials.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    allow_private: bool = False


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
    # Follows ``message`` as it is: lines that end in CRLF, none of which begins with a dot.
    tail: bytes = field(default=b"", repr=False)
    oauth: OAuth | None = None  # with it `password` is an access token

    @property
    def whole(self) -> bytes:
        """All of the message."""
        return self.message + self.tail


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """The server's deciding reply and the stage it came at; "sent" means it took the message."""

    stage: Stage
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class SmppAccount:
    """An account at an SMSC: requests with equal ones share a connection.

    `separate`: one connection to send and one to receive, instead of one for both. `window` is how
    many messages may be without an answer at a time. After `enquire` seconds without a packet the
    other side is asked whether it is still there. `allow_private`: see the guard.
    """

    host: str
    port: int
    security: Literal["none", "tls"]
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    separate: bool = False
    window: int = 10
    enquire: float = 30.0
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class SmppRequest:
    """One message: the bodies of its submit_sm, one for each part.

    No parts make it a check: connect, bind, ask for a sign of life. `timeout` is in seconds and
    covers everything.
    """

    account: SmppAccount
    parts: tuple[bytes, ...] = field(repr=False)
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class SmppReply:
    """The SMSC's deciding answer: to the bind, to a part of the message, or to a check.

    `status` is the command_status of that answer, None where a later part could not be sent any
    more because of `problem`. `ids` are those of the parts that were accepted before, in order,
    of `parts` in all; an id is "" where the SMSC gave none.
    """

    stage: Literal["bind", "submit", "check"]
    status: int | None
    ids: tuple[str, ...] = ()
    parts: int = 0
    text: str = ""  # what it said beside the status
    problem: str = ""  # a sentence


@dataclass(frozen=True, slots=True)
class ImapRequest:
    """What is new in a folder of a mailbox, or which messages to delete there.

    `validity` and `after`: the UIDVALIDITY of the folder, and the UID up to which all is known.
    With another validity, 0 at first, no message is read: the reply says where the folder ends, or,
    where it had a validity before, what is older than the day `since` (as 27-Nov-2026).
    `most` messages at a time, the first `most_bytes` of each. `delete`: these are deleted, and
    nothing is read. `timeout` is in seconds and covers everything.
    """

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    folder: str
    validity: int = 0
    after: int = 0
    since: str = ""
    most: int = 20
    most_bytes: int = 131_072
    delete: tuple[int, ...] = ()
    timeout: float = 60.0
    allow_private: bool = True
    oauth: OAuth | None = None  # with it `password` is an access token


@dataclass(frozen=True, slots=True)
class ImapReply:
    """How far it came, what the server said where it refused, and the messages.

    All messages up to `last` are here or were here before; `more` is whether others wait behind.
    """

    stage: Literal["connect", "login", "folder", "read", "done"]
    text: str = ""
    validity: int = 0
    last: int = 0
    messages: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)  # UID and content
    more: bool = False


AnyRequest = HttpRequest | SmtpRequest | SmppRequest | ImapRequest
AnyReply = HttpReply | SmtpReply | SmppReply | ImapReply
