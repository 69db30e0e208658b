"""The filters that a text may use.

Only filters whose result is bounded are offered. Those that can make much out of little work out
the size of their result before they build it.
"""

from collections.abc import Callable, Iterable
from html import escape as escape_html
from typing import Any
from urllib.parse import quote

from clarion.content.errors import ContentError

OUTPUT_LIMIT = 64 * 1024  # bytes of UTF-8 in a rendered text; characters inside an expression

DEFAULTS = frozenset({"default", "d"})
NATIVE = DEFAULTS.union(
    ("upper", "lower", "title", "capitalize", "trim", "length", "count", "first", "last", "items"),
    ("round", "int", "float", "abs"),
)
TESTS = frozenset({"defined", "undefined", "none", "number", "string", "boolean"}).union(
    ("true", "false", "even", "odd", "divisibleby", "in", "eq", "ne"),
)


def replace(value: str, old: str, new: str) -> str:
    """``value`` with every ``old`` replaced by ``new``."""
    value, old, new = str(value), str(old), str(new)
    _check(len(value) + value.count(old) * (len(new) - len(old)))
    return value.replace(old, new)


def join(values: Iterable[object], between: str = "") -> str:
    """The values one after the other, with ``between`` between them."""
    if isinstance(values, str) or not isinstance(values, list | tuple):
        raise ContentError("The filter join needs a list.")
    _check(len(values) * (len(between) + 1))
    parts = [str(value) for value in values]
    _check(sum(map(len, parts)) + len(parts) * len(between))
    return between.join(parts)


def escape(value: object) -> str:
    """Safe to stand in HTML."""
    text = str(value)
    _check(len(text))
    escaped = escape_html(text)
    _check(len(escaped))
    return escaped


def unescaped(value: object) -> str:
    """``escape`` where what is written is escaped anyway."""
    text = str(value)
    _check(len(text))
    return text


def urlencode(value: object) -> str:
    """Safe to stand in a link."""
    text = str(value)
    _check(len(text))
    encoded = quote(text, safe="")
    _check(len(encoded))
    return encoded


def truncate(value: object, length: object = 255) -> str:
    """At most ``length`` characters, the last one an ellipsis where something was cut off."""
    text = str(value)
    if isinstance(length, bool) or not isinstance(length, int):
        raise ContentError("The filter truncate needs a whole number, as in truncate(40).")
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def divisibleby(value: object, by: object) -> bool:
    """Whether ``by`` divides ``value``. (minijinja's own panics at 0.)"""
    if not isinstance(value, int) or not isinstance(by, int) or by == 0:
        raise ContentError("The test divisibleby needs whole numbers, and one other than 0.")
    return value % by == 0


OURS: dict[str, Callable[..., Any]] = {
    "replace": replace,
    "join": join,
    "escape": escape,
    "e": escape,
    "urlencode": urlencode,
    "truncate": truncate,
}
# In HTML every value is escaped as it is written: a filter that did so as well would do it twice.
OF_HTML: dict[str, Callable[..., Any]] = {"escape": unescaped, "e": unescaped}
OUR_TESTS: dict[str, Callable[..., bool]] = {"divisibleby": divisibleby}
FILTERS = NATIVE | frozenset(OURS)


def _check(size: int) -> None:
    if size > OUTPUT_LIMIT:
        raise ContentError(f"A filter would make a text of more than {OUTPUT_LIMIT:,} characters.")
