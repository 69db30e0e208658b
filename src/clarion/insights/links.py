"""The links of a broadcast, how often each was clicked, and how often its e-mails were opened."""

from dataclasses import dataclass
from functools import reduce

from clarion.broadcasts.models import Broadcast
from clarion.clicks import tallies
from clarion.clicks.links import links_of
from clarion.clicks.models import OPENED
from clarion.clicks.tallies import NOTHING, Counts


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """A link of a broadcast and its numbers."""

    id: int
    target: str  # as it was written, variables included
    counts: Counts


def clicks_of(broadcast: Broadcast) -> Counts | None:
    """How often the links of a broadcast were clicked, in all its runs if it makes runs.

    A recipient counts once for each run. None where clicks are not tracked, or nothing was sent.
    """
    senders = _senders(broadcast)
    if not broadcast.track_clicks or not senders:
        return None
    counts = tallies.counts(senders)
    return reduce(Counts.plus, counts.values(), NOTHING)


def opens_of(broadcast: Broadcast) -> Counts | None:
    """How often the e-mails of a broadcast were opened, as ``clicks_of``; None: not counted."""
    senders = _senders(broadcast)
    if not broadcast.track_opens or not senders:
        return None
    return reduce(Counts.plus, tallies.counts(senders, OPENED).values(), NOTHING)


def links_clicked(broadcast: Broadcast) -> list[LinkClicks]:
    """All links of a broadcast or its runs, those first that most recipients clicked."""
    senders = _senders(broadcast)
    counts = tallies.by_link(senders)
    listed = {
        link.id: LinkClicks(link.id, link.target, counts.get(link.id, NOTHING))
        for link in links_of(senders)
    }.values()
    return sorted(listed, key=lambda link: (-link.counts.people, link.target))


def _senders(broadcast: Broadcast) -> list[int]:
    """The ids of what sends: the broadcast itself, or the runs of one that makes runs."""
    if broadcast.is_live and broadcast.type != Broadcast.Type.TRIGGER:
        return list(Broadcast.objects.filter(parent=broadcast).values_list("pk", flat=True))
    return [broadcast.pk] if broadcast.started_at is not None else []
