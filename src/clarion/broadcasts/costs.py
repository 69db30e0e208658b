"""What the providers charge for a broadcast, told before sending: how many messages, their price.

Of a personalised text the messages of some recipients are measured; a dry run measures those of all
(``engine/dry_runs``). Where prices differ, the recipients are counted by the beginning of their
numbers (``price_groups``). What stories' webhooks answer is not part of it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.broadcasts.content_fit import VARIABLE
from clarion.broadcasts.estimate import samples
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview
from clarion.broadcasts.price_groups import PriceGroup, price_groups
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.template_fit import category_of
from clarion.broadcasts.versions import sources_of
from clarion.channels.contract import Outgoing, Template
from clarion.channels.measuring import Measured, Measures
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.clicks.tracking import as_sent
from clarion.contacts.models import Address
from clarion.content.errors import ContentError
from clarion.kit import db
from clarion.kit.sampling import rounded

NAMED: Final = 5  # countries without a price
LOOKED_AT: Final = 50  # recipients of each channel whose messages are measured
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one channel's messages take, and cost as far as that is known."""

    channel: Channel
    people: int
    units: int  # of all people together
    unit: tuple[str, str]  # what one unit and several are called
    each: int | None = None  # units of one person, where all take the same
    detail: str = ""  # how ``each`` comes about
    price: Decimal | None = None  # of all together
    currency: str = ""
    about: bool = False  # from a sample, or the number of people is about
    # The recipients by what one unit costs; none where the channel has no prices.
    groups: tuple[PriceGroup, ...] = ()
    category: str = ""  # what the messages are charged as, where the provider has categories
    no_category: bool = False  # the provider has some, and which one applies is not known

    @property
    def unpriced(self) -> tuple[PriceGroup, ...]:
        """The recipients for whom no price is known; they are not part of the price."""
        return tuple(group for group in self.groups if group.price is None and not group.free)

    @property
    def unpriced_words(self) -> str:
        """For whom no price is known, and what to do; empty where there is nobody."""
        if not self.unpriced:
            return ""
        people = sum(group.people for group in self.unpriced)
        named = ", ".join(
            _("%(country)s: %(people)s")
            % {"country": group.label or _("unknown country"), "people": f"{group.people:,}"}
            for group in self.unpriced[:NAMED]
        )
        if len(self.unpriced) > NAMED:
            named = _("%s and others") % named
        if self.no_category:
            sentence = ngettext(
                "No price for %(people)s recipient: the category of the template is not known. "
                "Refresh the list of templates.",
                "No price for %(people)s recipients: the category of the template is not known. "
                "Refresh the list of templates.",
                people,
            )
        else:
            sentence = ngettext(
                "No price for %(people)s recipient (%(named)s). Add it to the prices.",
                "No price for %(people)s recipients (%(named)s). Add it to the prices.",
                people,
            )
        return sentence % {"people": f"{people:,}", "named": named}

    @property
    def line_words(self) -> list[str]:
        """What the recipients of each country cost, where there are several; the largest first."""
        if len(self.groups) < 2:
            return []
        return [
            _("%(country)s: %(people)s × %(price)s")
            % {
                "country": group.label or _("other countries"),
                "people": f"{group.people:,}",
                "price": self._price_of(group),
            }
            for group in self.groups
        ]

    def _price_of(self, group: PriceGroup) -> str:
        if group.free:
            return _("free (wrote within 24 hours)")
        if group.price is None:
            return _("unknown price")
        return f"{group.price:f} {self.currency}"

    @property
    def words(self) -> str:
        """One line: “2 SMS each (153 + 19 characters), 498 recipients, 996 SMS, 59.76 EUR”."""
        if self.people != 1:
            return f"{self.each_words}, {self.total_words}"
        units = self.units_words
        if self.detail:
            units = _("%(units)s (%(detail)s)") % {"units": units, "detail": self.detail}
        parts = [units, self.price_words]
        return ", ".join(filter(None, parts))

    @property
    def total_words(self) -> str:
        """What all messages take, and cost as far as that is known."""
        about = _("about %s") if self.about else "%s"
        return ", ".join(about % each for each in (self.units_words, self.price_words) if each)

    @property
    def each_words(self) -> str:
        """What one message takes, where all take the same, and how many people get it."""
        values = {
            "each": f"{self.each} {self.unit[self.each != 1]}",
            "detail": self.detail,
            "people": f"{self.people:,}",
        }
        each = _("%(each)s each (%(detail)s)") if self.detail else _("%(each)s each")
        people = _("%(people)s recipients") if self.people != 1 else _("%(people)s recipient")
        return ", ".join([people] if self.each is None else [each, people]) % values

    @property
    def units_words(self) -> str:
        """The number of units, with what they are called."""
        return f"{self.units:,} {self.unit[self.units != 1]}"

    @property
    def price_words(self) -> str:
        """The price with its currency, of larger ones without parts of a cent; empty where there
        is none."""
        if self.price is None:
            return ""
        shown = self.price.quantize(_CENT) if self.price >= 1 else self.price
        return f"{shown:,f} {self.currency}"


def costs(
    broadcast: Broadcast,
    channels: Sequence[Channel],
    recipients: Mapping[int, int],
    *,
    about: bool = False,
) -> list[Cost]:
    """What each channel costs whose provider charges by units; none of the others.

    ``recipients``: channel id -> number of people, ``about``: estimated from a sample.
    """
    every = []
    for channel in channels:
        people = recipients.get(channel.pk, 0)
        if people and (kind := measuring(channel)) is not None:
            cost = _cost(broadcast, channel, kind, people, about=about)
            every += [cost] if cost is not None else []
    return every


def cost_of(broadcast: Broadcast, channel: Channel, address: Address | None) -> Cost | None:
    """What the messages of one person cost on a channel; of None, whoever gets it.

    None where the provider charges nothing by units, or a message can't be rendered.
    """
    kind = measuring(channel)
    if kind is None or (charged := _of_person(broadcast, kind, address)) is None:
        return None
    total = charged.total
    return Cost(
        channel, 1, total.units, kind.unit, total.units, total.detail, total.price,
        kind.prices.currency,
    )  # fmt: skip


def measuring(channel: Channel) -> Measures | None:
    """The channel's kind, if its provider charges by units: those are worth showing, or have
    prices."""
    try:
        kind = adapter(channel)
    except ValueError:
        return None  # the channel's page says so
    if not isinstance(kind, Measures) or not (kind.prices.currency or kind.counts_alone):
        return None
    return kind


def total_of(messages: Sequence[Measured]) -> Measured:
    """The messages of one person together."""
    prices = [message.price for message in messages if message.price is not None]
    units = sum(message.units for message in messages)
    price = sum(prices, Decimal(0)) if len(prices) == len(messages) else None
    return Measured(units, price, messages[0].detail if len(messages) == 1 else "")


def _cost(
    broadcast: Broadcast, channel: Channel, kind: Measures, people: int, *, about: bool
) -> Cost | None:
    varies = _varies(broadcast, channel)
    looked_at = _some(broadcast, channel) if varies else [None]
    charged = [
        each for address in looked_at if (each := _of_person(broadcast, kind, address)) is not None
    ]
    if not charged:
        return None
    category = charged[0].category
    groups, sampled = price_groups(broadcast, channel, kind, category, people)
    about = about or sampled or (varies and len(charged) < people)
    units = [each.total.units for each in charged]
    alike = len(set(units)) == 1
    return Cost(
        channel=channel,
        people=people,
        units=_spread(sum(units), people, len(charged), about=about and not alike),
        unit=kind.unit,
        each=units[0] if alike else None,
        detail=charged[0].total.detail if not varies else "",
        price=_price(groups, sum(units), len(charged)),
        currency=kind.prices.currency,
        about=about,
        groups=tuple(groups),
        category=kind.price_categories.get(category, ""),
        no_category=bool(kind.price_categories) and not category,
    )


def _price(groups: Sequence[PriceGroup], units: int, persons: int) -> Decimal | None:
    """What all of whom a price is known pay together; ``units`` are those of some persons."""
    amounts = [
        Decimal(0) if group.free or group.price is None else group.price * group.people
        for group in groups
        if group.free or group.price is not None
    ]
    if not amounts:
        return None
    total = sum(amounts, Decimal(0)) * units
    whole = total / persons
    return whole if whole * persons == total else whole.quantize(_CENT)


def _spread(total: int, people: int, looked_at: int, *, about: bool) -> int:
    """The units of all people, by those of some."""
    number = total * people / looked_at
    return rounded(number) if about else round(number)


def _varies(broadcast: Broadcast, channel: Channel) -> bool:
    """Whether not everybody gets the same, as far as it is charged: a template is one message."""
    if broadcast.data_type == Broadcast.DataType.TEMPLATE:
        return False
    try:
        return any(VARIABLE in source for source in sources_of(broadcast, [channel]))
    except ContentError:
        return True


def _some(broadcast: Broadcast, channel: Channel) -> list[Address]:
    """Some recipients on a channel, spread over its audience; all where there are few."""
    ids: list[int] = []
    for query, _factor in samples(audience_of(broadcast), [channel.pk], broadcast.pk):
        rows = db.fetch(
            f"SELECT q.address_id FROM ({query.sql}) q WHERE q.reason IN ('', 'open_chat') "
            "AND q.channel_id = %s",
            [*query.params, channel.pk],
        )
        ids += [row[0] for row in rows]
    ids.sort()
    step = max(1, len(ids) / LOOKED_AT)
    chosen = [ids[int(at * step)] for at in range(min(LOOKED_AT, len(ids)))]
    people = Address.objects.select_related("contact", "channel").in_bulk(chosen)
    return [people[pk] for pk in chosen if pk in people]


@dataclass(frozen=True, slots=True)
class _Charged:
    """The messages of one person together."""

    total: Measured
    category: str


def _of_person(broadcast: Broadcast, kind: Measures, address: Address | None) -> _Charged | None:
    """What one person's messages take; None where one of them can't be made."""
    to = address.value if address is not None else ""
    messages, category = [], ""
    for outgoing in _messages(broadcast, kind.limits.formats, to, address):
        if outgoing is None:
            return None
        messages.append(kind.measure(outgoing))
        category = kind.price_category(outgoing)
    return _Charged(total_of(messages), category) if messages else None


def _messages(
    broadcast: Broadcast, formats: Collection[str], to: str, address: Address | None
) -> Iterator[Outgoing | None]:
    if broadcast.data_type == Broadcast.DataType.TEMPLATE:
        name, language = broadcast.template.get("name", ""), broadcast.template.get("language", "")
        if name:
            category = category_of(broadcast.template, broadcast.channels.all())
            template = Template(name, language, category=category)
            yield Outgoing("estimate", 0, to, "", template=template)
        return
    for shown in preview(broadcast, address):
        if shown.webhook:
            continue
        message = shown.message
        if message is None or (shown.problem and address is not None):
            yield None
            return
        try:
            fitted = message.fitted(formats)
        except ContentError:
            yield None
            return
        # Links within a text formatted for chats are not tracked, wherever it is sent.
        tracked = broadcast.track_clicks and not message.format
        text = as_sent(fitted.text) if tracked else fitted.text
        yield Outgoing(
            "estimate", 0, to, text, media=fitted.media, buttons=tuple(fitted.buttons),
            format=fitted.format,
        )  # fmt: skip
