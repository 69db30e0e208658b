"""The links of a broadcast, and how often each was clicked."""

from dataclasses import dataclass

from clarion.clicks import tallies
from clarion.clicks.links import links_of
from clarion.clicks.tallies import NOTHING, Counts


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """A link of a broadcast and its numbers."""

    id: int
    target: str  # as it was written, variables included
    counts: Counts


def links_clicked(broadcast_id: int) -> list[LinkClicks]:
    """All links of a broadcast, those first that most recipients clicked."""
    counts = tallies.by_link([broadcast_id])
    listed = [
        LinkClicks(link.id, link.target, counts.get(link.id, NOTHING))
        for link in links_of([broadcast_id])
    ]
    return sorted(listed, key=lambda link: (-link.counts.people, link.target))
