"""How many recipients a number of a broadcast can be a share of.

Not every channel reports what was delivered or read, and only an e-mail has the image that shows
that it was opened. A share of all recipients would so be lower than it is, wherever a broadcast is
sent on several channels. Delivered and read are shares of the recipients on channels that report
them; opened is one of those to whom an e-mail was sent, clicked of those to whom anything was sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.records import tallies
from clarion.records.reporting import receipts_of
from clarion.records.states import ALL, COMPLETED
from clarion.records.states import DeliveryState as D


@dataclass(frozen=True, slots=True)
class Counted:
    """The recipients of a broadcast by state, and how many of them each number is a share of."""

    states: Mapping[str, int]  # every state is there
    delivered_of: int | None  # on channels that report it; None: no channel of it does
    read_of: int | None
    mails: int  # recipients to whom an e-mail was sent
    sent: int  # recipients to whom anything was sent


def counted(broadcasts: Iterable[Broadcast]) -> dict[int, Counted]:
    """The numbers of each of these broadcasts, by its id."""
    listed = list(broadcasts)
    numbers = tallies.counts_by_channel(b.pk for b in listed)
    channels = {channel.pk: channel for b in listed for channel in b.channels.all()}
    others = {key for on in numbers.values() for key in on} - channels.keys()
    if others:  # a live broadcast was sent on them before it was edited
        channels |= Channel.objects.in_bulk(others)
    reports = receipts_of(channels.values())
    return {
        b.pk: _counted(
            numbers[b.pk], [channel.pk for channel in b.channels.all()], channels, reports
        )
        for b in listed
    }


def _counted(
    numbers: Mapping[int, Mapping[str, int]],
    chosen: Iterable[int],
    channels: Mapping[int, Channel],
    reports: Mapping[int, frozenset[str]],
) -> Counted:
    def on_reporting(name: str, shows: tuple[str, ...]) -> int | None:
        # What a channel has reported it reports, whatever its kind says.
        having = {key for key, on in numbers.items() if any(on.get(state) for state in shows)}
        having |= {key for key in {*chosen, *numbers} if name in reports.get(key, ())}
        if not having:
            return None
        return sum(sum(numbers.get(key, {}).values()) for key in having)

    sent = {key: sum(on.get(state, 0) for state in COMPLETED) for key, on in numbers.items()}
    return Counted(
        {state: sum(on.get(state, 0) for on in numbers.values()) for state in ALL},
        on_reporting(D.DELIVERED, (D.DELIVERED, D.READ)),
        on_reporting(D.READ, (D.READ,)),
        sum(count for key, count in sent.items() if _sends_mail(channels.get(key))),
        sum(sent.values()),
    )


def _sends_mail(channel: Channel | None) -> bool:
    return channel is not None and kind_class(channel.kind).limits.mail
