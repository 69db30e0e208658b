"""What some channel kinds can do beside the contract; more of it is at the end of ``contract``."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from clarion.channels.account_events import LimitReported
from clarion.channels.contract import (
    CallbackAnswer,
    ChannelKind,
    HookRequest,
    Refused,
    Reply,
    Request,
)
from clarion.kit.parts import Media
from clarion.transport.messages import HttpRequest


@runtime_checkable
class SharesIds(Protocol):
    """A kind whose user ids mean the same people in other kinds, as e-mail addresses do."""

    @staticmethod
    def id_space() -> str:
        """What its user ids are; the same for all kinds that share them."""


@runtime_checkable
class AnswersHandshake(Protocol):
    """A kind whose provider tries a webhook URL with a GET before it uses it."""

    def handshake(self, query: str) -> str:
        """The plain text to answer with. Raises BadSignature where the query proves nothing."""


@runtime_checkable
class AnswersCallbacks(Protocol):
    """A kind whose provider reads what a callback is answered with."""

    def answer(self, hook: HookRequest) -> CallbackAnswer | None:
        """What to answer with once the callback is stored, None where it is not read. Pure; never
        raises, whatever the callback."""


@runtime_checkable
class TakesGets(Protocol):
    """A kind whose provider may call back with a GET, where everything is in the query."""

    takes_gets: ClassVar[bool]


@runtime_checkable
class ProvesByCertificate(Protocol):
    """A kind whose provider signs callbacks with a key whose certificate it publishes."""

    def certificate(self, hook: HookRequest) -> HttpRequest:
        """The request for the certificate of a callback that ``verify`` has let through. Pure.
        Raises BadSignature where the callback names one that is not the provider's."""

    def verify_with(self, hook: HookRequest, certificate: bytes) -> None:
        """Raise BadSignature unless the callback was signed with this certificate's key."""


@runtime_checkable
class FollowsUp(Protocol):
    """A kind whose provider wants some callbacks to be followed by a request."""

    def follow_up(self, hook: HookRequest) -> Request | None:
        """The request that a verified callback asks for, None for none. Pure; never raises.

        A worker sends it, again until it is answered with 2xx, for an hour: it must be harmless to
        repeat. It never goes to a URL that the callback names.
        """


@runtime_checkable
class ReadsIds(Protocol):
    """A kind whose settings say how user ids in files and searches are meant."""

    def read_id(self, text: str) -> str:
        """As ``user_id``, on this channel. Pure. Raises BadIdError."""


@runtime_checkable
class ReadsParts(Protocol):
    """A kind that compares user ids in another form than people write them, and parts of them."""

    @staticmethod
    def id_part(text: str) -> str:
        """The beginning or the end of a user id in the form that is compared. Pure."""


@runtime_checkable
class WritesIds(Protocol):
    """A kind that compares user ids in another form than it sends to."""

    @staticmethod
    def written_id(text: str) -> str:
        """How a user id is written when something is sent. Pure. Raises BadIdError."""


@runtime_checkable
class RanksIds(Protocol):
    """A kind whose contacts may have several user ids, not all of them equally good to send to."""

    @staticmethod
    def rank_id(value: str) -> int:
        """The lower, the better: the best one known of a contact is sent to. Pure."""


@runtime_checkable
class ResolvesIds(Protocol):
    """A kind some of whose user ids are names, which its provider exchanges for a lasting id.

    A worker asks for it before the first message, and sends to the lasting id from then on: so
    whoever is known by both gets a message once.
    """

    def resolve(self, user_id: str) -> Request | None:
        """A harmless request for the lasting id; None where ``user_id`` is one. Pure."""

    def resolved(self, reply: Reply) -> str | Refused:
        """The lasting id, or what the reply means instead. Pure; never raises."""


@runtime_checkable
class PausesBetween(Protocol):
    """A kind whose provider limits how fast messages may follow each other in some chats."""

    def pause_after(self, user_id: str) -> float:
        """How many seconds the next message of a story to this user id waits. Pure."""


def pause_after(kind: ChannelKind, user_id: str) -> float:
    """As ``PausesBetween.pause_after``; 0 of a kind without such limits."""
    return kind.pause_after(user_id) if isinstance(kind, PausesBetween) else 0.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a provider gave out: the bodies of callbacks, and where to go on."""

    bodies: tuple[bytes, ...]  # as ``events`` reads them
    cursor: str  # for the next request, which tells the provider that these are stored
    requests: tuple[Request, ...] = ()  # to send once they are stored; not repeated
    pause: float = 0.0  # seconds until it is asked again, where nothing came in


class FetchRefused(ValueError):  # noqa: N818 - the name is the fact
    """The provider gives out nothing: a sentence, what is wrong and what to do."""

    def __init__(self, sentence: str, wait: float) -> None:
        """``wait``: seconds until it is asked again."""
        super().__init__(sentence)
        self.wait = wait


@runtime_checkable
class FetchesUpdates(Protocol):
    """A kind that can ask its provider for what came in, instead of being called back."""

    def fetches(self) -> bool:
        """Whether this channel does."""

    def fetch(self, cursor: str) -> Request:
        """The request for what came in after ``cursor``, which is "" at first. The provider may
        hold it open for up to a minute until there is something. Pure."""

    def fetched(self, reply: Reply, cursor: str) -> Fetched:
        """What the reply has. Raises ValueError with a sentence, what is wrong and what to do,
        where the provider gives out nothing, FetchRefused where it must not be asked again soon."""


@runtime_checkable
class SharesMailbox(Protocol):
    """A kind whose channels may read the same mailbox, and delete what they have read there."""

    mailbox: tuple[str, ...]  # the same for channels that read the same; empty where none is read
    deletes_mail: bool


@runtime_checkable
class ChecksMore(Protocol):
    """A kind whose channels have a second server, which a check asks as well."""

    def further_check(self) -> Request | None:
        """A harmless request that shows whether its settings are good; None without one. Pure."""

    def further_checked(self, reply: Reply) -> str:
        """What the reply says, as a sentence. Raises ValueError with one if bad."""


@runtime_checkable
class ReportsPeople(Protocol):
    """A kind whose provider says, when it is checked, with how many people it may begin."""

    follows_provider: bool  # whether this channel asks

    def limit_reported(self, reply: Reply) -> LimitReported | None:
        """The limit in the reply to ``check``; None where it names none, which changes nothing.
        Pure; never raises."""


@runtime_checkable
class NamesAccount(Protocol):
    """A kind whose callbacks call the account something that is not among its settings."""

    account_name: str  # set by ``registry.adapter``; "" before the settings were checked

    def account_named(self, reply: Reply) -> str:
        """What the reply to a good ``check`` says they call it. Pure; never raises."""


@runtime_checkable
class SpacesMessages(Protocol):
    """A kind with a wait between two messages of a story to the same person."""

    pair_seconds: float


@runtime_checkable
class SendsWebhookUrl(Protocol):
    """A kind that tells its provider with each message where to report what becomes of it."""

    hook_url: str  # set by ``registry.adapter``; "" while this server has no public URL


@runtime_checkable
class UploadsFirst(Protocol):
    """A kind whose provider takes a file in a request of its own, before the messages with it.

    With ``Limits.keeps_files``: the messages have its id as their ``Media.kept_id``.
    """

    def upload(self, media: Media) -> Request | None:
        """The request that uploads a file; None where it is sent without. Pure."""

    def uploaded(self, reply: Reply) -> str | Refused:
        """The id of the file, or what the reply means instead. Pure; never raises."""
