"""Channels that get into each other's way: found before their settings are saved."""

from clarion.channels.abilities import SharesMailbox
from clarion.channels.errors import ChannelError, SettingsError
from clarion.channels.models import Channel
from clarion.channels.registry import adapter


def ensure_beside_others(channel: Channel) -> None:
    """Raise SettingsError where another channel takes from this one what it reads, or the other
    way round. Channels whose settings can't be read are left out: they read nothing."""
    kind = adapter(channel)
    if not isinstance(kind, SharesMailbox) or not kind.mailbox:
        return
    for other in Channel.objects.filter(kind=channel.kind).exclude(pk=channel.pk).order_by("name"):
        try:
            other_kind = adapter(other)
        except (ChannelError, ValueError):
            continue
        if isinstance(other_kind, SharesMailbox) and kind.mailbox == other_kind.mailbox:
            if kind.deletes_mail:
                raise SettingsError(
                    {
                        "": f"The channel “{other.name}” reads this mailbox too, and would miss "
                        "what this channel deletes. Turn off deleting, or use another folder."
                    }
                )
            if other_kind.deletes_mail:
                raise SettingsError(
                    {
                        "": f"The channel “{other.name}” deletes what it has read in this mailbox, "
                        "so this channel would miss it. Turn off deleting there, or use another "
                        "folder."
                    }
                )
