"""Where the clicks of a filter are: in order in one index, as records in ``records.sources``."""

from clarion.clicks.filters import ClickFilter
from clarion.clicks.models import ANY_LINK, OPENED
from clarion.clicks.tallies import CLICKS, OPENS
from clarion.kit import db
from clarion.kit.db.matching import contains
from clarion.records.filters import FilterError
from clarion.records.sources import (
    Conditions,
    Source,
    broadcasts_of,
    channel_of,
    people_of,
)

# What more links have in common is met so often that walking through the newest clicks finds it.
MOST_LINKS = 100


def sources(wanted: ClickFilter) -> list[Source]:
    """Where to read the clicks of a filter; empty when there can't be any.

    Raises FilterError for a channel or an agent that is not there.
    """
    channel = channel_of(wanted.channel) if wanted.channel else None
    links = _links(wanted)
    broadcasts = _with_links(broadcasts_of(wanted), links)
    people = people_of(wanted, channel) if wanted.user or wanted.name else None
    if [] in (links, broadcasts, people):
        return []
    conditions = _conditions(wanted, links)
    if people is not None:
        conditions.add_among("address_id", people)
        conditions.add_among("broadcast_id", broadcasts)
        conditions.add_equals("channel_id", channel)
        return [conditions.source()]
    conditions.add_name(wanted.name)
    if broadcasts is not None:
        conditions.add_equals("channel_id", channel)
        return [conditions.source(("broadcast_id",), tuple((key,) for key in broadcasts))]
    if channel is not None:
        return [conditions.source(("channel_id",), ((channel,),))]
    return [conditions.source()]


def _conditions(wanted: ClickFilter, links: list[int] | None) -> Conditions:
    is_open = wanted.event == "open"
    conditions = Conditions(f"r.{OPENS if is_open else CLICKS}", table="clicks_click")
    conditions.add_among("link_id", links)
    conditions.add_equals("clicked_by", wanted.clicked_by or None)
    conditions.add_times(wanted)
    if wanted.first:
        # Nobody who clicks is a scanner, so this leaves people only.
        conditions.add(
            "r.clicked_by = 'person' AND r.recorded_at = (SELECT f.at FROM clicks_clicker AS f"
            " WHERE f.delivery_id = r.delivery_id AND f.link_id = %s)",
            [OPENED if is_open else ANY_LINK if wanted.link is None else wanted.link],
        )
    return conditions


def _links(wanted: ClickFilter) -> list[int] | None:
    """The links that are meant; None for all. Raises FilterError for one that is not there."""
    if wanted.link is None and not wanted.url:
        return None
    matches, params = contains("l.target", wanted.url) if wanted.url else ("true", [])
    rows = db.fetch(f"SELECT l.id FROM clicks_link AS l WHERE {matches}", params)
    links = [row[0] for row in rows if wanted.link in (None, row[0])]
    if wanted.link is not None and not wanted.url and not links:
        raise FilterError("link", "There is no such link. Choose one on the page of a broadcast.")
    return links


def _with_links(broadcasts: list[int] | None, links: list[int] | None) -> list[int] | None:
    """Those broadcasts that have one of these links: few, where the clicks on them may be rare."""
    if not links or (broadcasts is None and len(links) > MOST_LINKS):
        return broadcasts
    rows = db.fetch(
        f"SELECT DISTINCT broadcast_id FROM clicks_broadcastlink WHERE link_id {db.in_list()}",
        [db.json_param([link] for link in links)],
    )
    with_some = {row[0] for row in rows}
    if broadcasts is None:
        return sorted(with_some)
    return [broadcast for broadcast in broadcasts if broadcast in with_some]
