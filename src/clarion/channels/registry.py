"""All channel kinds. A new kind is one package and one line here."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy

from clarion.channels.abilities import (
    NamesAccount,
    RanksIds,
    ReadsIds,
    ReadsParts,
    SendsWebhookUrl,
    SharesIds,
    WritesIds,
)
from clarion.channels.contract import ChannelKind, SendsBatches
from clarion.channels.discord.kind import DiscordKind
from clarion.channels.email.kind import EmailKind
from clarion.channels.errors import UnknownKind
from clarion.channels.instagram.kind import InstagramKind
from clarion.channels.line.kind import LineKind
from clarion.channels.mailgun.kind import MailgunKind
from clarion.channels.messenger.kind import MessengerKind
from clarion.channels.models import Channel
from clarion.channels.postmark.kind import PostmarkKind
from clarion.channels.ses.kind import SesKind
from clarion.channels.slack.kind import SlackKind
from clarion.channels.smpp.kind import SmppKind
from clarion.channels.telegram.kind import TelegramKind
from clarion.channels.twilio.kind import TwilioKind
from clarion.channels.urls import hook_url
from clarion.channels.viber.kind import ViberKind
from clarion.channels.vk.kind import VkKind
from clarion.channels.vonage.kind import VonageKind
from clarion.channels.webhook.kind import WebhookKind
from clarion.channels.webpush.kind import WebPushKind
from clarion.channels.whatsapp.kind import WhatsAppKind

# In the order in which they are offered.
GROUPS: tuple[tuple[Any, tuple[type[ChannelKind], ...]], ...] = (
    (
        gettext_lazy("Messengers"),
        (
            TelegramKind,
            WhatsAppKind,
            MessengerKind,
            InstagramKind,
            ViberKind,
            LineKind,
            VkKind,
        ),
    ),
    (
        gettext_lazy("SMS"),
        (
            TwilioKind,
            VonageKind,
            SmppKind,
        ),
    ),
    (
        gettext_lazy("E-mail"),
        (
            EmailKind,
            SesKind,
            PostmarkKind,
            MailgunKind,
        ),
    ),
    (
        gettext_lazy("Team chat"),
        (
            SlackKind,
            DiscordKind,
        ),
    ),
    (
        gettext_lazy("Websites and your systems"),
        (
            WebhookKind,
            WebPushKind,
        ),
    ),
)
KINDS: dict[str, type[ChannelKind]] = {kind.kind: kind for _, kinds in GROUPS for kind in kinds}


def kind_class(name: str) -> type[ChannelKind]:
    """The class of that kind. Raises UnknownKind with a sentence that names the known ones."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(
            f"There is no channel kind “{name}”. Choose one of: {', '.join(KINDS)}."
        ) from None


def adapter(channel: Channel) -> ChannelKind:
    """The kind of this channel, configured.

    Raises ValueError: pydantic.ValidationError for bad settings, vault.SealedError for such as
    can't be decrypted.
    """
    kind = kind_class(channel.kind)
    configured = kind(kind.Config.model_validate(channel.config))
    if isinstance(configured, SendsWebhookUrl) and (public_url := settings.CLARION.public_url):
        configured.hook_url = hook_url(channel.pk, public_url)
    if isinstance(configured, NamesAccount):
        configured.account_name = channel.account_name
    return configured


def is_idempotent(channel_id: int) -> bool:
    """Whether the receiver of a channel drops a repeated message id; False if that is not known."""
    try:
        return adapter(Channel.objects.get(pk=channel_id)).idempotent
    except (Channel.DoesNotExist, ValueError):  # settings that can't be read promise nothing
        return False


def sends_batches(kind_name: str | None) -> bool:
    """Whether channels of a kind may send to several recipients with one request."""
    kind = KINDS.get(kind_name or "")
    return kind is not None and issubclass(kind, SendsBatches)


def counts_requests(kind_name: str) -> bool:
    """Whether the send rate of a kind's channels is one of requests, however many get each."""
    kind = KINDS.get(kind_name)
    return kind is not None and kind.limits.rate_counts == "requests"


def recipients_per_request(kind_name: str) -> int:
    """How many recipients the send rate of a kind's channels counts as one, at most."""
    return KINDS[kind_name].limits.most_recipients if counts_requests(kind_name) else 1


def id_reader(channel: Channel) -> Callable[[str], str]:
    """What turns a user id as people write it into the form that is compared on this channel.

    It raises BadIdError. Raises ValueError as ``adapter`` does.
    """
    kind = kind_class(channel.kind)
    if issubclass(kind, ReadsIds):
        configured = adapter(channel)
        assert isinstance(configured, ReadsIds)
        return configured.read_id
    return kind.user_id


def read_id_part(kind_name: str, text: str) -> str:
    """The beginning or the end of a user id in the form that is compared in channels of a kind."""
    kind = kind_class(kind_name)
    return kind.id_part(text) if issubclass(kind, ReadsParts) else text.strip()


def id_writer(channel: Channel) -> Callable[[str], str] | None:
    """What gives the form of a user id that is sent to; None where that is the one compared."""
    kind = kind_class(channel.kind)
    return kind.written_id if issubclass(kind, WritesIds) else None


def id_rank(channel: Channel) -> Callable[[str], int] | None:
    """What says which of a contact's user ids is sent to; None where all are equally good."""
    kind = kind_class(channel.kind)
    return kind.rank_id if issubclass(kind, RanksIds) else None


def kinds_sharing_ids(name: str) -> list[str]:
    """This kind, and those in which its user ids mean the same people, in alphabetical order."""
    kind = kind_class(name)
    if not issubclass(kind, SharesIds):
        return [name]
    spaces = {
        other: each.id_space() for other, each in KINDS.items() if issubclass(each, SharesIds)
    }
    return sorted(other for other, space in spaces.items() if space == kind.id_space())


def account_examples() -> str:
    """What a channel can be, one of each group: “a Telegram bot, … or a webhook of your own”."""
    *accounts, last = (kinds[0].account for _, kinds in GROUPS)
    return f"{', '.join(accounts)} or {last}"


@lru_cache(maxsize=1)
def kind_choices() -> list[tuple[str, str]]:
    """(kind, label) of all kinds, for choosers."""
    return [(name, kind.label) for name, kind in KINDS.items()]
