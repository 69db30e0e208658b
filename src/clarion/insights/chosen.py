"""By which rule of its audience a broadcast chooses one address, or leaves it out.

The audience query itself is asked about this address alone, so what is said here can't differ from
what is counted and sent. What it answers with is put into words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience, audience_of, candidates
from clarion.broadcasts.reasons import HELD, NO_CONSENT, SKIPPED
from clarion.broadcasts.states import DELETABLE
from clarion.consents.models import Consent, Grant
from clarion.contacts.models import Address, Tagging
from clarion.kit import db
from clarion.segments.manage import segment_name
from clarion.segments.members import names_of_contact

FITS = ""  # nothing leaves the address out
OTHER_CHANNEL, NOT_CHOSEN, NO_AUDIENCE = "other_channel", "not_chosen", "no_audience"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the audience says of an address: ``rule`` is the query's word, ``text`` a sentence."""

    rule: str
    text: str


def verdict(broadcast: Broadcast, address: Address) -> Verdict:
    """Whether the audience of a broadcast takes this address in as it is now, and why not."""
    channels = {channel.pk: channel.name for channel in broadcast.channels.all()}
    if address.channel_id not in channels:
        names = ", ".join(sorted(channels.values())) or "–"
        return Verdict(
            OTHER_CHANNEL,
            _("The broadcast is not sent on %(channel)s, but on: %(names)s.")
            % {"channel": address.channel.name, "names": names},
        )
    if not broadcast.audience:
        return Verdict(NO_AUDIENCE, _("The broadcast has no audience yet."))
    audience = audience_of(broadcast)
    query = candidates(audience, list(channels), broadcast_id=broadcast.pk, addresses=[address.pk])
    rows = db.fetch(f"SELECT reason FROM ({query.sql}) AS q", query.params)
    if not rows:
        return Verdict(NOT_CHOSEN, _not_chosen(audience))
    rule = str(rows[0][0])
    return Verdict(rule, _in_words(rule, audience, address, broadcast))


def chosen_by(broadcast: Broadcast, address: Address) -> str:
    """By what an address is in a broadcast, as a sentence."""
    audience = audience_of(broadcast)
    if audience.kind == "all":
        return _("The audience is all contacts on the chosen channels.")
    if audience.kind == "tags":
        has = _tags_of(address.contact_id, audience.tags)
        if not has:
            sentence = _(
                "The audience is contacts with the tags %s. They have none of them any more."
            )
            return sentence % _named(audience.tags)
        return _("They have the tag %s.") % _named(has)
    if audience.kind == "segments":
        within = names_of_contact(audience.segments, address.contact_id)
        if not within:
            return _("The audience is contacts in segments. They are in none of them any more.")
        return _("They are in the segment %s.") % _named(within)
    return {
        "ids": _("Their user id was in the file of the audience."),
        "chats": _("Their chat number was entered."),
        "restart": _("An earlier broadcast did not reach them, and this one restarts it."),
    }.get(audience.picked_from, _("An agent picked them."))


def _not_chosen(audience: Audience) -> str:
    if audience.kind == "tags":
        return _("They have none of the tags of the audience: %s.") % _named(audience.tags)
    if audience.kind == "segments":
        names = [segment_name(key) for key in audience.segments]
        return _("They are in none of the segments of the audience: %s.") % _named(names)
    return {
        "ids": _("Their user id is not in the file of the audience."),
        "chats": _("Their chat number was not entered."),
        "restart": _(
            "The broadcast that this one restarts has reached them, or they were not in it."
        ),
    }.get(audience.picked_from, _("They were not picked."))


def _in_words(rule: str, audience: Audience, address: Address, broadcast: Broadcast) -> str:
    if rule == "excluded_tag":
        has = _tags_of(address.contact_id, audience.without_tags)
        return _("The audience excludes contacts with the tag %s, and they have it.") % _named(has)
    if rule == "excluded_segment":
        within = names_of_contact(audience.without_segments, address.contact_id)
        sentence = _("The audience excludes contacts in the segment %s, and they are in it.")
        return sentence % _named(within)
    if rule == NO_CONSENT:
        missing = _named(_lacking(address.contact_id, audience.consents))
        return _("They have not given the consent %s, which the broadcast requires.") % missing
    if rule == HELD:
        if broadcast.end_open_chats:
            return _("They are in an open chat, which the broadcast closes.")
        return _("They are in an open chat: they get it when the chat is closed.")
    if rule != FITS:
        return SKIPPED[rule]
    return _too_late(broadcast, address)


def _too_late(broadcast: Broadcast, address: Address) -> str:
    """Of an address that the audience takes in now, but which has no place in the broadcast."""
    if broadcast.state in DELETABLE or broadcast.expanded_at is None:
        return _("They are in the audience, and get it when it is sent.")
    at = moment_words(broadcast.expanded_at)
    if address.created_at > broadcast.expanded_at:
        return _("They were added after the recipients had been chosen on %s.") % at
    return (
        _(
            "They are in the audience now, but were not when the recipients were chosen on %s: "
            "their tags, consents or state have changed since."
        )
        % at
    )


def moment_words(moment: datetime) -> str:
    """A moment for people, in the time zone that is active: “30 Nov 2026, 08:33 CET”."""
    local = timezone.localtime(moment)
    return f"{formats.date_format(local, 'j M Y, H:i')} {local.tzname()}"


def _tags_of(contact_id: int, among: Sequence[str]) -> list[str]:
    tagged = Tagging.objects.filter(contact=contact_id, tag__name__in=among)
    return list(tagged.order_by("tag__name").values_list("tag__name", flat=True))


def _lacking(contact_id: int, names: Sequence[str]) -> list[str]:
    grants = Grant.objects.filter(contact=contact_id, given=True, consent__name__in=names)
    have = set(grants.values_list("consent__name", flat=True))
    existing = set(Consent.objects.filter(name__in=names).values_list("name", flat=True))
    return [name for name in names if name not in have or name not in existing]


def _named(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
