"""Conditions on one attribute of contacts, for lists and segments: read, put in words, in SQL.

Attributes have no types of their own. What a condition compares with decides: a number is compared
with values that are numbers, a date with values that are dates, and anything else is no match.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.contacts.attributes import LONGEST, OWN_FIELDS
from clarion.kit import db
from clarion.kit.db import values
from clarion.kit.db.matching import contains, equals
from clarion.kit.text import clean, one_line

LONGEST_VALUE: Final = 400  # characters
COMPARING: Final = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
SIGNS: Final = {"equals": "=", "not": "!=", "contains": "~", **COMPARING}
HOW: Final = (
    "Write it like city=Bonn, city!=Bonn, city~Bo, age>=30, joined<2026-05-01, city or !city."
)
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
        if what not in SIGNS:
            return cls(name, what)
        if not value or clean(value, LONGEST_VALUE) != value:
            raise ConditionError(_("Give a short value to compare “%s” with.") % name)
        if what in COMPARING and _number(value) is None and not _is_date(value):
            raise ConditionError(
                _("Compare “%s” with a number or a date such as 2026-11-30.") % name
            )
        return cls(name, what, value)

    @classmethod
    def parse(cls, typed: str) -> Self:
        """From its short form: ``city=Bonn``, ``age>30``, ``city``, ``!city``, as in HOW.

        Raises ConditionError.
        """
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
            "set": _("%(name)s is known"),
            "unset": _("%(name)s is not known"),
        }[self.what] % fill

    def sql(self, alias: str) -> tuple[str, list[Any]]:
        """SQL for “it holds for the contact AS alias”, and its parameters."""
        if self.name in OWN_FIELDS:
            column, path = f"{alias}.{self.name}", []
        else:
            column, param = db.json_text(f"{alias}.attributes", self.name.split("."))
            path = [param]
        if self.what in COMPARING:
            return self._compared(column, path)
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

    def _compared(self, column: str, given: list[Any]) -> tuple[str, list[Any]]:
        number, sign = _number(self.value), COMPARING[self.what]
        if number is None:
            return values.compare(column, given, sign, self.value, is_kind=values.is_date)
        return values.compare(column, given, sign, number, is_kind=values.is_number, cast=True)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
