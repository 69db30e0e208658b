"""Whose message can't be made: counted before sending, from the audience query (B1, B7).

The audience is counted by which of the variables in the message its people lack. The message is
then rendered for the first and the last person of each such group: when that fails, the whole
group would get nothing. What only a value here or there makes fail is not found.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.broadcasts.estimate import samples
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview, preview_head
from clarion.broadcasts.query import Query, audience_of, candidates
from clarion.broadcasts.trial import Trial
from clarion.broadcasts.versions import sources_of
from clarion.channels.models import Channel
from clarion.contacts.attributes import lacks
from clarion.contacts.models import Address
from clarion.content.errors import CODE, LINKS, ContentError
from clarion.content.preview import Shown
from clarion.content.rendering import context_of
from clarion.content.scan import scan
from clarion.kit import db

ALL: Final = "*"  # accepts every gap: what the command line writes
OTHER: Final = "other"  # the key of a gap that is no missing variable
MOST_VARIABLES = 12  # that are counted; a text with more is rare
MOST_GROUPS = 100  # that are rendered, those of most people first
_REFUSED = 0  # as the number of a block: the channel refuses what was rendered
_LATER = ("data", "memory")  # variables whose values come only with the sending


_TAG: Final = re.compile(r"\{[{%]")
_LINK: Final = re.compile(r"\{\{\s*(?:" + "|".join(LINKS) + r")\s*\}\}")  # everybody has them


@dataclass(frozen=True, slots=True)
class Gap:
    """People who would get nothing, all for one reason."""

    variable: str  # the first one that they lack, such as contact.name; "" for another reason
    people: int
    of: int  # people in the audience
    about: bool  # counted from a sample
    reason: str  # what is wrong, for one of them

    @property
    def key(self) -> str:
        """What accepts it, in the broadcast's ``accepted_gaps``."""
        return self.variable or OTHER

    @property
    def may_be_accepted(self) -> bool:
        """Whether there are others to send to."""
        return self.people < self.of

    def is_accepted(self, accepted: Collection[str]) -> bool:
        """Whether an agent decided to send to the others."""
        return self.may_be_accepted and bool({self.key, ALL}.intersection(accepted))

    @property
    def words(self) -> str:
        """How many lack what."""
        words = {
            "people": _("About %s") % f"{self.people:,}" if self.about else f"{self.people:,}",
            "of": f"{self.of:,}",
            "variable": self.variable,
            "reason": self.reason,
        }
        if not self.variable:
            sentence = _(
                "The message can't be made for %(people)s of %(of)s recipients: %(reason)s"
            )
        elif not self.may_be_accepted:
            sentence = _("No recipient has “%(variable)s”.")
        else:
            sentence = ngettext(
                "%(people)s of %(of)s recipients has no “%(variable)s” and would get nothing.",
                "%(people)s of %(of)s recipients have no “%(variable)s” and would get nothing.",
                self.people,
            )
        return sentence % words

    @property
    def sentence(self) -> str:
        """How many lack what, and what to do."""
        if not self.variable:
            return self.words
        advice = _("Add a default, %(default)s, or choose to send to the others.")
        if not self.may_be_accepted:
            advice = _("Add a default: %(default)s.")
        return f"{self.words} {advice}" % {"default": f'{{{{ {self.variable} | default("…") }}}}'}


def find_gaps(
    broadcast: Broadcast, channels: Sequence[Channel], *, quick: bool = False
) -> list[Gap]:
    """The gaps of a broadcast, those of most people first; none where all get their message.

    Exactly; of a million people that may take some seconds. ``quick``: from a sample where there
    are very many. A message that is wrong as it stands has none: see ``problems.check``.
    """
    if not broadcast.audience or not channels:
        return []
    try:
        sources = list(sources_of(broadcast, channels))
        uses = [use for source in sources for use in scan(source).uses]
    except ContentError:
        return []
    if not any(_TAG.search(_LINK.sub("", source)) for source in sources):
        return []
    used = {use.name for use in uses} - {"contact.id"}
    names = sorted(name for name in used if name.startswith("contact."))[:MOST_VARIABLES]
    groups, about = _groups(broadcast, channels, names, quick=quick)
    if not any(use.name.partition(".")[0] in _LATER for use in uses):
        return _judged(broadcast, groups, about=about)
    guarded = {use.name for use in uses if use.guard}
    needed = {use.name for use in uses if not use.optional} - guarded
    return _judged(broadcast, groups, about=about, needed=needed)


def unaccepted(broadcast: Broadcast, gaps: Sequence[Gap]) -> list[str]:
    """What stands in the way of sending, one sentence each."""
    return [gap.sentence for gap in gaps if not gap.is_accepted(broadcast.accepted_gaps)]


@dataclass(slots=True)
class _Group:
    """People on one channel who lack the same: how many, and some of them by their addresses."""

    lacking: tuple[str, ...]
    people: float = 0
    addresses: tuple[int, ...] = ()


def _groups(
    broadcast: Broadcast, channels: Sequence[Channel], names: Sequence[str], *, quick: bool
) -> tuple[list[_Group], bool]:
    """The audience by what it lacks of ``names``, and whether the numbers come from a sample."""
    audience = audience_of(broadcast)
    ids = [channel.pk for channel in channels]
    if quick:
        parts = list(samples(audience, ids, broadcast.pk))
    else:
        parts = [(candidates(audience, ids, broadcast_id=broadcast.pk), 1.0)]
    groups: dict[tuple[int, tuple[str, ...]], _Group] = {}
    for query, factor in parts:
        for channel, *lacking, count, first, last in _counted(query, names, quick=quick):
            lacked = tuple(name for name, flag in zip(names, lacking, strict=True) if flag)
            group = groups.setdefault((channel, lacked), _Group(lacked))
            group.people += count * factor
            group.addresses += (first, last)
    return list(groups.values()), any(factor > 1 for _, factor in parts)


def _counted(query: Query, names: Sequence[str], *, quick: bool) -> list[tuple[Any, ...]]:
    """For each channel and each combination of what is lacking: the channel, a 1 or 0 per name,
    how many people, two of their addresses."""
    conditions = [lacks(name.removeprefix("contact."), "c") for name in names]
    flags = [f"f{number}" for number in range(len(names))]
    columns = "".join(
        f", CASE WHEN {sql} THEN 1 ELSE 0 END AS {flag}"
        for (sql, _), flag in zip(conditions, flags, strict=True)
    )
    picked = ", ".join(["channel_id", *flags])
    ways = () if quick else ("nestloop",)  # see audience.summary
    with db.disable_plans(*ways):
        return db.fetch(
            f"SELECT {picked}, count(*), min(address_id), max(address_id) FROM ("
            f"SELECT q.address_id, q.channel_id{columns} FROM ({query.sql}) q "
            "JOIN contacts_contact c ON c.id = q.contact_id "
            f"WHERE q.reason IN ('', 'open_chat')) g GROUP BY {picked}",
            [*(value for _, params in conditions for value in params), *query.params],
        )


def _judged(
    broadcast: Broadcast,
    groups: Sequence[_Group],
    *,
    about: bool,
    needed: Collection[str] | None = None,
) -> list[Gap]:
    """What is wrong with the message of each group, the same for several groups added up.

    ``needed``: given where the message has variables whose values come only with the sending. A
    filter that can't work with what stands in for them says nothing; then to lack one of these
    variables counts by itself.
    """
    total = round(sum(group.people for group in groups))
    some = sorted(groups, key=lambda group: -group.people)[:MOST_GROUPS]
    people = Address.objects.select_related("contact", "channel").in_bulk(
        [pk for group in some for pk in group.addresses]
    )
    trial = Trial(broadcast)
    failing: dict[str, tuple[float, str]] = {}
    for group in some:
        faults = [_fault(broadcast, trial, people[pk]) for pk in group.addresses if pk in people]
        fault = next((each for each in faults if each and each.variable), None)
        if fault is None and faults and all(faults):
            fault = faults[0]
        if fault is None:
            continue
        variable = fault.variable
        if variable == CODE:
            continue  # no attribute that somebody lacks: see ``problems``
        if needed is not None and not variable and fault.number != _REFUSED:
            variable = next((name for name in group.lacking if name in needed), "")
            if not variable:
                continue
        count, reason = failing.get(variable, (0, fault.problem))
        failing[variable] = (count + group.people, reason)
    return sorted(
        (
            Gap(variable, round(count), total, about, reason)
            for variable, (count, reason) in failing.items()
        ),
        key=lambda gap: -gap.people,
    )


def _fault(broadcast: Broadcast, trial: Trial, address: Address) -> Shown | None:
    """The first thing that is wrong with one person's message."""
    head = preview_head(broadcast, address, [address.channel])
    shown = [*head.values(), *preview(broadcast, address)]
    if wrong := next((each for each in shown if each.problem), None):
        return wrong
    contact = context_of(address.contact, address)
    refused = trial.refused_for(address.channel, address.user_id, contact)
    return Shown(_REFUSED, problem=f"{address.channel.name}: {refused}") if refused else None
