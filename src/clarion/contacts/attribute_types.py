"""The types that attributes can be declared with, and what a value becomes by each.

An attribute without a type takes every value as it comes. One with a type takes what can be read as
that type, in the form in which it is stored, compared and shown in texts: a number as a number, a
date as 2026-11-30 (with its time, if it has one), yes and no as true and false, a list as texts.
"""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, Final

from clarion.contacts.models import Attribute
from clarion.kit.text import clean

Type = Attribute.Type
MOST_ITEMS: Final = 200  # of a list
YES: Final = frozenset({"yes", "true", "1", "y", "x"})
NO: Final = frozenset({"no", "false", "0", "n"})
_ANSWERS: Final = frozenset({"yes", "no", "true", "false"})  # an x alone may be anything
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:[.,]\d{1,15})?", re.ASCII)
SHORTENED = re.compile(r"[-+]?\d+(?:[.,]\d+)?E\+?\d+", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}", re.ASCII)
_DATE_OF_OFFICE = re.compile(r"(\d{1,2})([./])(\d{1,2})\2(\d{4})", re.ASCII)
_BETWEEN = re.compile(r"[,;\n]")


class WrongValueError(ValueError):
    """A value that its type does not take: what is wrong with it and what to write, in a clause."""


def types_of(names: Iterable[str]) -> dict[str, str]:
    """The types of those of these attributes that are declared, by name."""
    declared = Attribute.objects.filter(name__in=list(names)).exclude(type="")
    return dict(declared.values_list("name", "type"))


def declared() -> dict[str, str]:
    """The types of all attributes that have one, by name."""
    return dict(Attribute.objects.exclude(type="").values_list("name", "type"))


def convert(type_: str, value: Any) -> Any:
    """A text, or a value of JSON, in the form of a type. Raises WrongValueError.

    With the empty type it is given back as it is.
    """
    reader = READERS.get(type_)
    return value if reader is None else reader(value)


def detect(values: Iterable[str]) -> str:
    """The type that all of these texts fit, ``text`` where none does or there is none.

    Digits alone are no yes or no, and a text is a list for nobody but its owner.
    """
    texts = [text for text in values if text.strip()]
    if texts and all(_fits(Type.NUMBER, text) and not _is_code(text) for text in texts):
        return Type.NUMBER
    if texts and all(_fits(Type.DATE, text) for text in texts):
        return Type.DATE
    if any(text.strip().lower() in _ANSWERS for text in texts) and all(
        _fits(Type.YES_NO, text) for text in texts
    ):
        return Type.YES_NO
    return Type.TEXT


def shown(value: Any) -> str:
    """The value of an attribute as people see and edit it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _fits(type_: str, text: str) -> bool:
    try:
        convert(type_, text)
    except WrongValueError:
        return False
    return True


def _is_code(text: str) -> bool:
    """Whether digits are rather a name than an amount: 01234, +49151…, or very many."""
    text = text.strip()
    digits = text.lstrip("-")
    return text[0] in "+'" or len(digits) > 11 or (len(digits) > 1 and digits[:2].isdigit()
                                                   and digits[0] == "0")  # fmt: skip


def _text(value: Any) -> str:
    return shown(value)


def _number(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = shown(value).strip().removeprefix("'")
    if SHORTENED.fullmatch(text):
        raise WrongValueError(
            f"“{clean(text, 40)}” was shortened by a spreadsheet; format the column as text there"
        )
    if not _NUMBER.fullmatch(text):
        raise WrongValueError(f"“{clean(text, 40)}” is not a number; use one like 30 or 1.5")
    if _THOUSANDS.fullmatch(text):
        raise WrongValueError(
            f"“{text}” may be {text.replace(',', '')} or {text.replace(',', '.')}; "
            "write it without a comma"
        )
    text = text.replace(",", ".")
    return float(text) if "." in text else int(text)


def _date(value: Any) -> str:
    text = shown(value).strip()
    if match := _DATE_OF_OFFICE.fullmatch(text):
        return _date_of_office(text, int(match[1]), match[2], int(match[3]), int(match[4]))
    try:
        if len(text) == len("2026-11-30"):
            return date.fromisoformat(text).isoformat()
        if text[4:5] != "-" or len(text) < len("2026-11-30 10:00"):
            raise ValueError(text)
        at = datetime.fromisoformat(text)
        return (at.astimezone(UTC) if at.tzinfo else at).isoformat()
    except (ValueError, OverflowError):  # the latter: in UTC it is before the year 1
        raise _no_date(text) from None


def _date_of_office(text: str, first: int, sign: str, second: int, year: int) -> str:
    """A date as spreadsheets write it: 30.11.2026, and with slashes where only one can be meant."""
    if sign == "/" and first <= 12 and second <= 12 and first != second:
        raise WrongValueError(
            f"“{text}” may be one of two dates; write it as {year}-{first:02}-{second:02} or "
            f"{year}-{second:02}-{first:02}"
        )
    day, month = (second, first) if sign == "/" and second > 12 else (first, second)
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise _no_date(text) from None


def _no_date(text: str) -> WrongValueError:
    return WrongValueError(
        f"“{clean(text, 40)}” is not a date; use one like 2026-11-30 or 2026-11-30 14:00"
    )


def _yes_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = shown(value).strip()
    if text.lower() in YES:
        return True
    if text.lower() in NO:
        return False
    raise WrongValueError(f"“{clean(text, 40)}” is neither yes nor no; use yes or no")


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        parts = [shown(item) for item in value]
    else:
        parts = _BETWEEN.split(shown(value))
    items = list(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if len(items) > MOST_ITEMS:
        raise WrongValueError(f"the list has {len(items):,} items; use at most {MOST_ITEMS}")
    return items


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    Type.TEXT: _text,
    Type.NUMBER: _number,
    Type.DATE: _date,
    Type.YES_NO: _yes_no,
    Type.LIST: _list,
}
