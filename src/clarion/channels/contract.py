"""What a channel kind is: pure functions between messages, requests, replies and events.

A kind does no I/O and keeps no state. ``request`` makes what is sent, ``outcome`` classes the
reply, ``events`` reads a provider's callback. The engine does the rest.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from clarion.channels.account_events import AccountReported, LimitReported
from clarion.channels.limits import ATTEMPTS, BACKOFF
from clarion.channels.templates.listed import TemplateChanged
from clarion.kit.parts import Button, Mail, Media, Purpose
from clarion.transport.messages import AnyReply, AnyRequest

Request = AnyRequest
Reply = AnyReply


class Refusal(StrEnum):
    """Why a message was not accepted, by what the engine does next."""

    RETRY = "retry"  # certainly not sent: attempted again after the retry delay, uses an attempt
    THROTTLED = "throttled"  # certainly not sent: the channel waits, uses no attempt
    UNAVAILABLE = "unavailable"  # certainly not sent: the server takes nothing from this account
    # at the moment; the channel waits and tries with one message, uses no attempt
    UNKNOWN = "unknown"  # may have been sent: in doubt
    REJECTED = "rejected"  # this message, never
    UNREACHABLE = "unreachable"  # this address, never: it is marked
    MISCONFIGURED = "misconfigured"  # this channel: paused, agents are told


@dataclass(frozen=True, slots=True)
class Template:
    """A message that the provider has approved beforehand."""

    name: str
    language: str
    variables: tuple[str, ...] = ()  # in the order of its places
    places: tuple[str, ...] = ()  # of the variables, see templates.parts; none: all in the body
    category: str = ""  # the provider's word for what it is, in lower case, where it is known


@dataclass(slots=True)  # one for every message: frozen, it takes more than twice as long to make
class Outgoing:
    """One message to one person, rendered. Never changed once it is made."""

    id: str  # stable over attempts: the idempotency key
    broadcast: int
    to: str  # the provider's user id
    text: str
    title: str = ""  # the broadcast's title, rendered: an e-mail's subject
    name: str = ""  # the person's name, where known
    unsubscribe_url: str = ""  # one-click link (RFC 8058), where the server has a public URL
    media: Media | None = None  # with it the text is its caption
    buttons: tuple[Button, ...] = ()
    template: Template | None = None  # sent instead of everything else, where the kind has them
    language: str = ""  # the code of the language that it is written in, where known
    mail: Mail | None = None  # only for a kind with ``Limits.mail``
    purpose: Purpose = "broadcast"
    format: str = ""  # how the text is written, one of ``Limits.formats``; "": as it is shown


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider accepted the message."""

    external_id: str | None = None  # its id there, when receipts refer to it
    recipient_ids: tuple[str, ...] = ()  # the user ids under which the provider knows the recipient
    # Of a message of several parts the id of each, the external id first, if receipts name parts.
    parts: tuple[str, ...] = ()
    kept_id: str = ""  # with ``Limits.keeps_files``: of the picture or file that it was sent with


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not accept the message, or did not say so."""

    refusal: Refusal
    reason: str  # one sentence in plain words: same fault, same words; no ids, no secrets
    code: str = ""  # the provider's own code
    retry_after: float | None = None  # seconds, with THROTTLED
    # With THROTTLED and UNAVAILABLE: the account must wait, not just this message.
    whole_channel: bool = True
    mark: Literal["blocked", "deactivated", "unreachable", "opted_out"] = "unreachable"
    moved_to: str = ""  # the user id that replaces the one it was sent to
    # With REJECTED: what is sent can be sent to nobody at the moment, such as a paused template.
    # The broadcast pauses with the reason, and nobody's message fails.
    for_everybody: bool = False
    # With REJECTED: the provider no longer has the file that it was sent with by its ``kept_id``.
    file_gone: bool = False


Outcome = Accepted | Refused


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A provider's callback as it came."""

    headers: Mapping[str, str]  # lower-case names
    query: str
    body: bytes
    received_at: datetime
    url: str = ""  # as the provider called it, with its query; "" without a public URL


@dataclass(frozen=True, slots=True)
class Receipt:
    """A provider's feedback on a message, named by its own id or by ours where it echoes that."""

    status: Literal["delivered", "read", "failed"]
    at: datetime
    external_id: str | None = None
    message_id: str | None = None
    reason: str = ""
    code: str = ""
    unreachable: bool = False  # failed, and so would any other message to this address


@dataclass(frozen=True, slots=True)
class SeenUntil:
    """All that was sent to a person until a moment was delivered or read, whatever it was."""

    sender: str  # the provider's user id of that person
    status: Literal["delivered", "read"]
    until: datetime  # by the provider's clock: when the last of these messages was sent
    at: datetime  # when it was delivered or read


@dataclass(frozen=True, slots=True)
class Inbound:
    """A person wrote to us."""

    sender: str  # the provider's user id
    external_id: str  # the provider's id of this message, unique per sender
    text: str
    at: datetime
    name: str = ""
    language: str = ""
    button: str = ""  # the value of the reply button that was pressed; the text is its label
    payload: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()  # the sender's other user ids, where the provider names several
    answered: bool = False  # the provider has answered it itself: a word that asks for help


@dataclass(frozen=True, slots=True)
class InboundPart:
    """A part of what a person wrote; it becomes an Inbound when all parts are here."""

    sender: str  # the provider's user id
    external_id: str  # of this part, unique per sender
    reference: str  # the parts of one message have the same, those of other messages seldom
    number: int  # from 1
    total: int
    content: bytes  # UTF-16 with the high octet first: a character may be cut in two
    at: datetime


@dataclass(frozen=True, slots=True)
class OptOut:
    """A person's address changed: they opted out, blocked us, or opted in again (``active``).

    ``reachable``: messages get through again; whoever had opted out stays opted out.
    """

    sender: str
    state: Literal["opted_out", "blocked", "deactivated", "active", "reachable"]
    at: datetime
    aliases: tuple[str, ...] = ()  # the sender's other user ids, where the provider names several


@dataclass(frozen=True, slots=True)
class AddressReport:
    """Nothing more may be sent to an address, on no channel of any kind with the same user ids.

    ``hard_bounce``: it does not exist, or accepts nothing. ``complaint``: its owner reported a
    message as spam. Repeating a report changes nothing; a receipt says what became of the message.
    """

    address: str  # the provider's user id
    cause: Literal["hard_bounce", "complaint"]
    at: datetime
    detail: str = ""  # the proof: what the provider says about it, without ids and addresses
    message_id: str = ""  # ours, of the message that it is about, where that is known


@dataclass(frozen=True, slots=True)
class SamePerson:
    """The provider names several user ids of one person, beside what else it reports."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A person or group has another user id from now on."""

    old: str
    new: str
    keeps_old: bool  # False where the provider may give the old id to somebody else
    aliases: tuple[str, ...] = ()  # their other user ids, where the provider names several


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """Events that nobody vouches for, such as what comes by e-mail, about a message of ours.

    They count only if that message was sent on this channel. ``proven``: only its recipient and the
    servers on its way know what the report repeats. Otherwise it must have been sent to one of the
    addresses that the report names. An address of ``events`` that is "" is the recipient's.
    """

    message_id: str  # ours
    events: "tuple[Receipt | AddressReport | Inbound | OptOut, ...]"
    proven: bool
    named: tuple[str, ...] = ()  # user ids


@dataclass(frozen=True, slots=True)
class Ignored:
    """A part of a callback that means nothing here. It is counted and can be looked up."""

    reason: str  # a sentence, the same for the same case; no ids, no names


Event = (
    Receipt
    | SeenUntil
    | Inbound
    | InboundPart
    | OptOut
    | AddressReport
    | SamePerson
    | Moved
    | TemplateChanged
    | AboutMessage
    | LimitReported
    | AccountReported
    | Ignored
)


class Unsendable(ValueError):  # noqa: N818 - it is about the message
    """A message that this kind can never send, such as one to no address at all.

    Its words are one sentence for people.
    """


class BadIdError(ValueError):
    """This can't be a user id on a channel of that kind: the reason, in a few words."""


class BadSignature(Exception):  # noqa: N818 - the name is the fact
    """A callback that does not come from the provider."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a kind can do."""

    rate: float | None  # default messages a second; None: as fast as it answers
    text_length: int  # characters of one message
    receipts: frozenset[str]  # which of delivered, read, failed it can report
    idempotent: bool = False  # whether the provider itself drops a repeated message id
    repeats_for: float = 0.0  # for how many seconds it does; 0: no end is known
    media: frozenset[str] = frozenset()  # which of image, file
    buttons: frozenset[str] = frozenset()  # which of link, reply
    most_buttons: int = 0  # under one message
    templates: bool = False  # whether the provider approves messages beforehand
    attempts: int = ATTEMPTS  # the usual number for one message
    backoff: float = BACKOFF  # the usual seconds before the second attempt
    caption_length: int = 0  # characters of the text beside a picture or file
    # Whether a file that a message was sent with can be sent again by the provider's id for it.
    keeps_files: bool = False
    bare_media: frozenset[str] = frozenset()  # which of media can have no text beside them
    utf16: bool = False  # lengths count UTF-16 units: most emoji are two
    utf8: bool = False  # lengths count bytes of UTF-8
    titled: bool = False  # whether the receiver sees the broadcast's title, as an e-mail's subject
    inbound: bool = False  # whether it reports what people write
    opt_outs: frozenset[str] = frozenset()  # reported: by the provider; link: in every message
    mail: bool = False  # whether a message is an e-mail, which ``Outgoing.mail`` says more about
    mail_size: int = 0  # bytes of one e-mail as it is transferred, with its files in base64
    refused_files: frozenset[str] = frozenset()  # endings of file names that it never accepts
    written_first: bool = False  # whether only those who have written may get more than a template
    window: bool = False  # whether they may get it only for WINDOW seconds after they last wrote
    formats: frozenset[str] = frozenset()  # which of markup.FORMATS; others get a plain text
    most_recipients: int = 1  # of one request, see SendsBatches
    rate_counts: Literal["recipients", "requests"] = "recipients"  # by the provider's rate limit


@runtime_checkable
class ChannelKind(Protocol):
    """One kind of channel, made from a channel's stored settings: ``Kind(config)``."""

    kind: ClassVar[str]  # package name = database value = URL segment
    label: ClassVar[str]  # as people call it
    account: ClassVar[str]  # what one channel is, with its article: “a mail server”
    summary: ClassVar[str]  # one sentence for the form
    limits: ClassVar[Limits]
    id_titles: ClassVar[tuple[str, ...]]  # usual titles of a file's column of user ids, best first
    Config: ClassVar[type[BaseModel]]  # form, validation and docs; secrets are SecretStr
    idempotent: bool  # whether THIS channel drops a repeated message id

    def __init__(self, config: Any) -> None: ...

    @staticmethod
    def user_id(text: str) -> str:
        """The provider's user id in the form that is compared. Pure. Raises BadIdError."""

    def request(self, message: Outgoing) -> Request:
        """The request that sends this message. Pure. Raises Unsendable where it can't be sent.

        What is outside the kind's limits is refused, never left out silently.
        """

    def outcome(self, reply: Reply) -> Outcome:
        """What the reply means. Pure; never raises, whatever the reply."""

    def check(self) -> Request:
        """A harmless request that shows whether the credentials are good."""

    def checked(self, reply: Reply) -> str:
        """What the reply to ``check`` says, as a sentence. Raises ValueError with one if bad."""

    def verify(self, hook: HookRequest) -> None:
        """Raise BadSignature unless the callback comes from the provider. Constant time."""

    def events(self, hook: HookRequest) -> Iterable[Event]:
        """What a callback reports; nothing for what is not understood. Raises ValueError if it
        does not even have the provider's form."""


@runtime_checkable
class LimitsChats(Protocol):
    """A kind whose provider limits the account and some chats, and does not say which it means."""

    def limits_chat(self, user_id: str) -> bool:
        """Whether a THROTTLED reply to this user id may be about that chat alone. Pure."""


@runtime_checkable
class RegistersWebhook(Protocol):
    """A kind whose provider must be told where to call back."""

    def register(self, hook_url: str) -> Request:
        """The request that makes the provider call ``hook_url``. Raises ValueError with a
        sentence when the channel's settings do not allow it."""

    def registered(self, reply: Reply) -> str:
        """What the reply to ``register`` says, as a sentence. Raises ValueError with one if bad."""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What a callback is answered with."""

    body: bytes
    content_type: str = "application/json"


@runtime_checkable
class SendsBatches(Protocol):
    """A kind that sends one message to several recipients with one request.

    ``limits.most_recipients`` says to how many. Each of them has an outcome of their own.
    """

    def shared(self, message: Outgoing) -> Hashable | None:
        """What messages must have in common to share a request: all of it but the recipient and
        the id. None: this one needs a request of its own. Pure."""

    def batch_request(self, messages: Sequence[Outgoing]) -> Request:
        """The request that sends these, two or more that are equal in ``shared``. Pure.

        On a channel that drops repeats the same messages in the same order make the same request.
        """

    def batch_outcomes(self, messages: Sequence[Outgoing], reply: Reply) -> Sequence[Outcome]:
        """What the reply means for each of the messages, in their order. Pure; never raises.

        Of one message it is the reply to its own ``request``. Where a request for several was
        refused as a whole it is one and the same Refused for all.
        """
