"""The conditions of a segment: read, put in words, and in SQL.

Each is a sentence about one contact. What it names and is no longer there (a tag, a consent, a
channel) is had by nobody.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.consents.models import Consent
from clarion.contacts.attribute_filters import CHOICES as ATTRIBUTE_CHOICES
from clarion.contacts.attribute_filters import HOW, AttributeFilter, ConditionError, number_of_days
from clarion.contacts.models import Tag
from clarion.kit import clock, db
from clarion.kit.text import clean, one_line

MOST_MESSAGES: Final = 20
DAY: Final = 86_400 * clock.SECOND
Sql = tuple[str, list[Any]]

_HAS = {"has": _lazy("has"), "has_not": _lazy("does not have")}
_GIVEN = {"has": _lazy("given"), "has_not": _lazy("not given")}
_ON = {"has": _lazy("has an address on"), "has_not": _lazy("has no address on")}
_WITHIN = {"within": _lazy("in the last … days"), "not_within": _lazy("not in the last … days")}
# What a condition is about -> what it can say of that, and how that is called.
KINDS_OF: Final[dict[str, Mapping[str, Any]]] = {
    "attribute": ATTRIBUTE_CHOICES,
    "tag": _HAS,
    "consent": _GIVEN,
    "channel": _ON,
    "wrote": _WITHIN,
    "received": _WITHIN,
    "added": _WITHIN,
    "read_none": {"of_last": _lazy("of the last … messages")},
}
NAMED: Final = frozenset({"attribute", "tag", "consent", "channel"})
_SHORT = re.compile(r"(!?)(tag|consent|channel|wrote|received|added|read-none):(.*)", re.DOTALL)
_DAYS = re.compile(r"(\d{1,4})d", re.ASCII)
SHORT_FORMS: Final = (
    f"{HOW[:-1]}, tag:vip, consent:News, channel:shop, wrote:30d, received:30d, added:7d, "
    "each also with ! in front, or read-none:5."
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; ``of`` is a key of KINDS_OF, ``what`` one of what that can say."""

    of: str
    what: str
    name: str = ""  # of the attribute, tag, consent or channel
    value: str = ""  # to compare with; of what has happened the number of days or messages

    @classmethod
    def made(cls, of: str, what: str, name: str = "", value: str = "") -> Self:
        """From what people typed. Raises ConditionError."""
        if of not in KINDS_OF:
            raise ConditionError(_("Choose what the condition is about."))
        if of == "attribute":
            condition = AttributeFilter.made(name, what, value)
            return cls(of, condition.what, condition.name, condition.value)
        if what not in KINDS_OF[of]:
            raise ConditionError(_("Choose what must be true."))
        if of in NAMED:
            name = one_line(name)
            if not name or clean(name, 100) != name:
                raise ConditionError(
                    {
                        "tag": _("Choose a tag."),
                        "consent": _("Choose a consent."),
                        "channel": _("Choose a channel."),
                    }[of]
                )
            return cls(of, what, name)
        if of != "read_none":
            return cls(of, what, "", number_of_days(value))
        value = value.strip()
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_MESSAGES):
            raise ConditionError(_("Give a number of messages from 1 to %d.") % MOST_MESSAGES)
        return cls(of, what, "", str(int(value)))

    @classmethod
    def parse(cls, typed: str) -> Self:
        """From its short form, as in SHORT_FORMS. Raises ConditionError."""
        match = _SHORT.fullmatch(typed.strip())
        if match is None:
            condition = AttributeFilter.parse(typed)
            return cls("attribute", condition.what, condition.name, condition.value)
        of, rest = match[2].replace("-", "_"), match[3].strip()
        if of in NAMED:
            return cls.made(of, "has_not" if match[1] else "has", rest)
        if of == "read_none":
            if match[1]:
                raise ConditionError("read-none can't be turned round. Leave out the “!”.")
            return cls.made(of, "of_last", "", rest)
        days = _DAYS.fullmatch(rest)
        if days is None:
            raise ConditionError(f"Write the days of “{clean(typed, 40)}” like 30d.")
        return cls.made(of, "not_within" if match[1] else "within", "", days[1])

    @classmethod
    def stored(cls, raw: Mapping[str, str]) -> Self:
        """As ``dump`` made it."""
        return cls(raw["of"], raw["is"], raw["name"], raw["value"])

    def dump(self) -> dict[str, str]:
        """As it is stored."""
        return {"of": self.of, "is": self.what, "name": self.name, "value": self.value}

    def short(self) -> str:
        """Its short form, which ``parse`` reads."""
        not_ = "!" if self.what in {"has_not", "not_within"} else ""
        if self.of == "attribute":
            return AttributeFilter(self.name, self.what, self.value).short()
        if self.of in NAMED:
            return f"{not_}{self.of}:{self.name}"
        if self.of == "read_none":
            return f"read-none:{self.value}"
        return f"{not_}{self.of}:{self.value}d"

    def words(self) -> str:
        """For people: “has the tag “vip””."""
        if self.of == "attribute":
            return AttributeFilter(self.name, self.what, self.value).words()
        if self.of in NAMED:
            return {
                ("tag", "has"): _("has the tag “%s”"),
                ("tag", "has_not"): _("does not have the tag “%s”"),
                ("consent", "has"): _("has given the consent “%s”"),
                ("consent", "has_not"): _("has not given the consent “%s”"),
                ("channel", "has"): _("has an address on %s"),
                ("channel", "has_not"): _("has no address on %s"),
            }[self.of, self.what] % self.name
        number = int(self.value)
        if self.of == "read_none":
            return ngettext(
                "has not read the last message",
                "has read none of the last %d messages",
                number,
            ) % (() if number == 1 else number)
        days = ngettext("%d day", "%d days", number) % number
        return {
            ("wrote", "within"): _("wrote in the last %s"),
            ("wrote", "not_within"): _("did not write in the last %s"),
            ("received", "within"): _("received a message in the last %s"),
            ("received", "not_within"): _("received no message in the last %s"),
            ("added", "within"): _("was added in the last %s"),
            ("added", "not_within"): _("was added more than %s ago"),
        }[self.of, self.what] % days

    def sql(self, end: str) -> Sql:
        """SQL for “it holds for the contact c”, and its parameters; ``end`` of each EXISTS."""
        if self.of == "attribute":
            return AttributeFilter(self.name, self.what, self.value).sql("c")
        holds, params = _READERS[self.of](self, end)
        return (f"NOT {holds}" if self.what in {"has_not", "not_within"} else holds), params


def all_sql(conditions: Sequence[Condition], *, any_will_do: bool, end: str = "") -> Sql:
    """SQL for “the conditions hold for the contact c”; no conditions hold for nobody."""
    if not conditions:
        return "1 = 0", []
    parts = [condition.sql(end) for condition in conditions]
    joined = (" OR " if any_will_do else " AND ").join(sql for sql, _ in parts)
    return f"({joined})", [value for _, params in parts for value in params]


def _of_tag(condition: Condition, end: str) -> Sql:
    key = Tag.objects.filter(name=condition.name).values_list("pk", flat=True).first()
    sql = (
        "EXISTS (SELECT 1 FROM contacts_tagging t "
        f"WHERE t.tag_id = %s AND t.contact_id = c.id{end})"
    )
    return sql, [key or 0]


def _of_consent(condition: Condition, end: str) -> Sql:
    key = Consent.objects.filter(name=condition.name).values_list("pk", flat=True).first()
    sql = (
        "EXISTS (SELECT 1 FROM consents_grant g "
        f"WHERE g.consent_id = %s AND g.contact_id = c.id AND g.given{end})"
    )
    return sql, [key or 0]


def _of_channel(condition: Condition, end: str) -> Sql:
    key = Channel.objects.filter(name=condition.name).values_list("pk", flat=True).first()
    sql = (
        "EXISTS (SELECT 1 FROM contacts_address a "
        f"WHERE a.contact_id = c.id AND a.channel_id = %s AND a.alias_of_id IS NULL{end})"
    )
    return sql, [key or 0]


def _of_wrote(condition: Condition, end: str) -> Sql:
    sql = (
        "EXISTS (SELECT 1 FROM contacts_address a "
        f"WHERE a.contact_id = c.id AND a.wrote_at > %s{end})"
    )
    return sql, [_since(condition)]


def _of_received(condition: Condition, end: str) -> Sql:
    sql = (
        "EXISTS (SELECT 1 FROM contacts_address a "
        "JOIN records_record r ON r.address_id = a.id WHERE a.contact_id = c.id "
        f"AND r.status = 'completed' AND r.responses > 0 AND r.recorded_at > %s{end})"
    )
    return sql, [_since(condition)]


def _of_added(condition: Condition, _end: str) -> Sql:
    return "(c.created_at > %s)", [_since(condition)]


def _of_reading(condition: Condition, _end: str) -> Sql:
    """Of the last messages on channels that report reading; who had fewer is not meant."""
    number = int(condition.value)
    reporting = [name for name, kind in KINDS.items() if "read" in kind.limits.receipts]
    channels = list(Channel.objects.filter(kind__in=reporting).values_list("pk", flat=True))
    marks = ", ".join(["%s"] * len(channels)) or "NULL"
    last = (
        "SELECT max(r.id) AS last, r.delivery_id AS delivery FROM contacts_address a "
        "JOIN records_record r ON r.address_id = a.id "
        f"WHERE a.contact_id = c.id AND r.channel_id IN ({marks}) AND r.status = 'completed' "
        "AND r.responses > 0 GROUP BY r.delivery_id ORDER BY max(r.id) DESC LIMIT %s"
    )
    sql = (
        "((SELECT sum(CASE d.state WHEN 'read' THEN 1000 ELSE 1 END) "
        f"FROM ({last}) l JOIN records_delivery d ON d.id = l.delivery) = %s)"
    )
    return sql, [*channels, number, number]


def _since(condition: Condition) -> int:
    return db.now_us() - int(condition.value) * DAY


_READERS: Final[dict[str, Callable[[Condition, str], Sql]]] = {
    "tag": _of_tag,
    "consent": _of_consent,
    "channel": _of_channel,
    "wrote": _of_wrote,
    "received": _of_received,
    "added": _of_added,
    "read_none": _of_reading,
}
