"""Conditions on one attribute of contacts, for lists and segments: read, put in words, in SQL.

What a condition compares with decides: a number is compared with values that are numbers, a date
with values that are dates, and anything else is no match. Where the attribute is declared, its type
decides what a condition may be compared with, and “is” means the same number, the same day, the
same answer, or that the list has this item.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Any, Final, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.contacts.attribute_types import WrongValueError, convert, types_of
from clarion.contacts.attributes import LONGEST, OWN_FIELDS
from clarion.contacts.models import Attribute
from clarion.kit import clock, db
from clarion.kit.db import values
from clarion.kit.db.matching import contains, equals
from clarion.kit.text import clean, one_line

LONGEST_VALUE: Final = 400  # characters
COMPARING: Final = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
SIGNS: Final = {"equals": "=", "not": "!=", "contains": "~", **COMPARING}
DAYS: Final = frozenset({"within", "not_within"})  # compared with a number of days
MOST_DAYS: Final = 3_650
HOW: Final = (
    "Write it like city=Bonn, city!=Bonn, city~Bo, age>=30, joined<2026-05-01, joined:30d (in the "
    "last 30 days), !joined:30d, city or !city."
)
_TRUTHS: Final = {"yes": True, "true": True, "no": False, "false": False}
_LAST_DAYS = re.compile(r"(!?)([^!=~<>:]+?)\s*:\s*(\d{1,4})d", re.ASCII | re.DOTALL)
_WRITTEN = re.compile(r"(!?)([^!=~<>]+?)\s*(?:(>=|<=|!=|=|~|>|<)(.*))?", re.DOTALL)
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,15})?", re.ASCII)


CHOICES: Final = {  # what can hold -> what it is called
    "equals": _lazy("is"),
    "not": _lazy("is not"),
    "contains": _lazy("contains"),
    "above": _lazy("is above"),
    "at_least": _lazy("is at least"),
    "below": _lazy("is below"),
    "at_most": _lazy("is at most"),
    "within": _lazy("in the last … days"),
    "not_within": _lazy("not in the last … days"),
    "set": _lazy("is known"),
    "unset": _lazy("is not known"),
}


class ConditionError(ValueError):
    """A condition that can't be used: a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """What has to hold for one attribute; ``what`` is one of CHOICES.

    ``name`` may also be a contact's own field: name, language, time_zone. Texts are compared
    without regard to upper and lower case.
    """

    name: str
    what: str
    value: str = ""

    @classmethod
    def made(cls, name: str, what: str, value: str = "") -> Self:
        """From what people typed. Raises ConditionError."""
        name, value = one_line(name), one_line(value)
        if not name or len(name) > LONGEST or clean(name, LONGEST) != name:
            raise ConditionError(_("Choose an attribute."))
        if what not in CHOICES:
            raise ConditionError(_("Choose what to compare."))
        if what in DAYS:
            _check_type(name, what, value)
            return cls(name, what, number_of_days(value))
        if what not in SIGNS:
            return cls(name, what)
        if not value or clean(value, LONGEST_VALUE) != value:
            raise ConditionError(_("Give a short value to compare “%s” with.") % name)
        if what in COMPARING and _number(value) is None and not _is_date(value):
            raise ConditionError(
                _("Compare “%s” with a number or a date such as 2026-11-30.") % name
            )
        _check_type(name, what, value)
        return cls(name, what, value)

    @classmethod
    def parse(cls, typed: str) -> Self:
        """From its short form: ``city=Bonn``, ``age>30``, ``!city``, ``joined:30d``, as in HOW.

        Raises ConditionError.
        """
        if days := _LAST_DAYS.fullmatch(typed.strip()):
            return cls.made(days[2], "not_within" if days[1] else "within", days[3])
        match = _WRITTEN.fullmatch(typed.strip())
        if match is None or (match[1] and match[3]):
            raise ConditionError(f"“{clean(typed, 60)}” is no condition. {HOW}")
        if match[3]:
            what = next(what for what, sign in SIGNS.items() if sign == match[3])
            return cls.made(match[2], what, match[4])
        return cls.made(match[2], "unset" if match[1] else "set")

    def words(self) -> str:
        """For people: “city is “Bonn””."""
        fill = {"name": self.name, "value": self.value}
        return {
            "equals": _("%(name)s is “%(value)s”"),
            "not": _("%(name)s is not “%(value)s”"),
            "contains": _("%(name)s contains “%(value)s”"),
            "above": _("%(name)s is above %(value)s"),
            "at_least": _("%(name)s is at least %(value)s"),
            "below": _("%(name)s is below %(value)s"),
            "at_most": _("%(name)s is at most %(value)s"),
            "within": _("%(name)s is in the last %(value)s days"),
            "not_within": _("%(name)s is not in the last %(value)s days"),
            "set": _("%(name)s is known"),
            "unset": _("%(name)s is not known"),
        }[self.what] % fill

    def short(self) -> str:
        """Its short form, which ``parse`` reads."""
        not_ = "!" if self.what in {"not_within", "unset"} else ""
        if self.what in DAYS:
            return f"{not_}{self.name}:{self.value}d"
        return f"{not_}{self.name}{SIGNS.get(self.what, '')}{self.value}"

    def sql(self, alias: str) -> tuple[str, list[Any]]:
        """SQL for “it holds for the contact AS alias”, and its parameters."""
        if self.name in OWN_FIELDS:
            column, path = f"{alias}.{self.name}", []
        else:
            column, param = db.json_text(f"{alias}.attributes", self.name.split("."))
            path = [param]
        if self.what in COMPARING:
            return self._compared(column, path)
        if self.what in DAYS:
            return self._recent(column, path)
        if self.what in {"equals", "not"} and (comparison := self._typed(alias, column, path)):
            sql, params = comparison
            return (f"NOT {sql}" if self.what == "not" else sql), params
        if self.what in {"set", "unset"}:
            sign = "<>" if self.what == "set" else "="
            return f"COALESCE({column}, '') {sign} ''", path
        if self.what == "contains":
            sql, params = contains("v.one", self.value)
        else:
            sql, params = equals("v.one", self.value)
        if self.what == "not":
            holds = f"NOT EXISTS (SELECT 1 FROM {values.one_value(column)} WHERE {sql})"
            return holds, [*path, *params]
        holds = f"EXISTS (SELECT 1 FROM {values.one_value(column)} WHERE {sql})"
        if self.name in OWN_FIELDS:
            return holds, [*path, *params]
        first, mentioned = values.mentions(f"{alias}.attributes", self.value)
        return f"({first} AND {holds})", [*mentioned, *path, *params]

    def _recent(self, column: str, path: list[str]) -> tuple[str, list[Any]]:
        """Between so many days ago and today; days are those of UTC."""
        today = clock.now().astimezone(UTC).date()
        first = (today - timedelta(days=int(self.value))).isoformat()
        is_kind = values.is_date
        since, params = values.compare(column, path, ">=", first, is_kind=is_kind)
        until, more = values.compare(column, path, "<=", today.isoformat(), is_kind=is_kind)
        not_ = "NOT " if self.what == "not_within" else ""
        return f"{not_}({since} AND {until})", [*params, *more]

    def _typed(self, alias: str, column: str, path: list[str]) -> tuple[str, list[Any]] | None:
        """SQL for “it is that value” by the type of the attribute; None where texts are compared.

        A truth is one by its value alone: a text can't be.
        """
        keys = self.name.split(".")
        type_ = "" if self.name in OWN_FIELDS else types_of([self.name]).get(self.name, "")
        if type_ == Attribute.Type.LIST:
            sql, params = equals("v.one", self.value)
            source, params_of_source = values.items(f"{alias}.attributes", keys)
            return f"EXISTS (SELECT 1 FROM {source} WHERE {sql})", [*params_of_source, *params]
        try:
            wanted = convert(type_, self.value) if type_ else self.value
        except WrongValueError:  # was declared since the condition was saved
            return None
        if type_ == Attribute.Type.NUMBER:
            return values.compare(column, path, "=", wanted, is_kind=values.is_number, cast=True)
        if type_ == Attribute.Type.DATE:
            return values.compare(column, path, "=", wanted[:10], is_kind=values.is_date)
        if type_ == Attribute.Type.YES_NO:
            return values.is_truth(f"{alias}.attributes", keys, wanted=bool(wanted))
        if self.name not in OWN_FIELDS and (word := self.value.casefold()) in _TRUTHS:
            truth, param = values.is_truth(f"{alias}.attributes", keys, wanted=_TRUTHS[word])
            text, more = equals("v.one", self.value)
            is_text = f"EXISTS (SELECT 1 FROM {values.one_value(column)} WHERE {text})"
            return f"({truth} OR {is_text})", [*param, *path, *more]
        return None

    def _compared(self, column: str, given: list[Any]) -> tuple[str, list[Any]]:
        number, sign = _number(self.value), COMPARING[self.what]
        if number is None:
            return values.compare(column, given, sign, self.value, is_kind=values.is_date)
        return values.compare(column, given, sign, number, is_kind=values.is_number, cast=True)


def number_of_days(text: str) -> str:
    """A number of days as people write it. Raises ConditionError."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_DAYS):
        raise ConditionError(_("Give a number of days from 1 to %s.") % f"{MOST_DAYS:,}")
    return str(int(text))


def _check_type(name: str, what: str, value: str) -> None:
    """Raise ConditionError where the type of a declared attribute has no such comparison."""
    type_ = "" if name in OWN_FIELDS else types_of([name]).get(name, "")
    if what in DAYS:
        if type_ not in {"", Attribute.Type.DATE}:
            raise ConditionError(_("“%s” is not a date. Choose another comparison.") % name)
    elif what in COMPARING and type_ in {Attribute.Type.YES_NO, Attribute.Type.LIST}:
        raise ConditionError(_("“%s” can't be above or below. Choose another comparison.") % name)
    elif type_ in {Attribute.Type.NUMBER, Attribute.Type.DATE, Attribute.Type.YES_NO}:
        try:
            if what != "contains":
                convert(type_, value)
        except WrongValueError as error:
            raise ConditionError(f"{name}: {error}.") from None


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
