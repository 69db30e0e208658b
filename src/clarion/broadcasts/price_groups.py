"""The recipients of a channel by what their messages cost: by calling code, and open windows."""

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal

from clarion.broadcasts.estimate import samples
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.reasons import HELD
from clarion.channels import prices
from clarion.channels.limits import WINDOW
from clarion.channels.measuring import Measures
from clarion.channels.models import Channel
from clarion.kit import clock, db
from clarion.kit.sampling import rounded


@dataclass(frozen=True, slots=True)
class PriceGroup:
    """Recipients whose messages cost the same."""

    code: str  # the digits that decided; "" for all others, or where the country is not known
    people: int
    price: Decimal | None  # of one unit; None: the table has none
    free: bool = False  # they wrote lately, and the provider charges nothing then

    @property
    def label(self) -> str:
        """“+49 (DE)”; “” for all others."""
        return prices.named(self.code)


def price_groups(
    broadcast: Broadcast, channel: Channel, kind: Measures, category: str, people: int
) -> tuple[list[PriceGroup], bool]:
    """The recipients by the row of the price table that is about them, the largest group first;
    and whether the numbers come from a sample.

    ``category``: of the messages. ``people``: how many recipients there are.
    """
    table, windowed = kind.prices, category in kind.free_in_window
    if not table.currency:
        return [], False
    if not table.differ and not windowed:
        return [PriceGroup("", people, table.match("", category).price)], False
    counts: Counter[PriceGroup] = Counter()
    about = False
    audience = audience_of(broadcast)
    since = max(audience.at, clock.now_us()) - WINDOW * clock.SECOND
    for query, factor in samples(audience, [channel.pk], broadcast.pk):
        about |= factor > 1
        # Beginnings, not numbers: however many people there are, some hundred rows come back.
        for beginning, is_open, count in db.fetch(
            "SELECT substr(a.value, 1, %s), COALESCE(a.wrote_at, 0) > %s, count(*) "
            f"FROM ({query.sql}) q "
            f"{db.lateral_join('contacts_address', 'a', 'a.id = q.address_id')} "
            "WHERE q.reason IN ('', %s) AND q.channel_id = %s GROUP BY 1, 2",
            [table.digits, since, *query.params, HELD, channel.pk],
        ):
            matched = table.match(kind.priced_number(beginning), category)
            free = windowed and bool(is_open)
            counts[PriceGroup(matched.code, 0, matched.price, free)] += count * factor
    whole = rounded if about else round
    groups = [replace(group, people=whole(count)) for group, count in counts.items()]
    return sorted(groups, key=lambda group: (-group.people, group.code, group.free)), about
