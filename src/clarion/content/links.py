"""The links that are written in a text, before it is filled in for anybody.

A link may hold variables behind its host: ``https://shop.example/?id={{ contact.id }}``. Its
*target* is the link as it is written. What a rendering puts in the place of the variables are its
*values*.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from clarion.kit.urls import ENDS, UNSEEN, ascii_host, host_in

LONGEST: Final = 2_000  # characters of a target; browsers take about as many
_VARIABLE: Final = re.compile(r"\{\{(?:(?!\}\}).)*\}\}", re.DOTALL)
_REST: Final = (
    r"(?:\{\{(?:(?!\}\}).)*\}\}|[^\s<>\"`{}|\\^\x00-\x1f\x7f" + re.escape(ENDS + UNSEEN)
) + "])+"
# For an app, or a message of the recipient's own: a link in there is for whomever they send it to.
_OTHER: Final = (
    r"(?<![a-z0-9+.-])(?:(?:mailto|sms|smsto):|[a-z][a-z0-9+.-]{1,30}(?<!http)(?<!https)://)"
)
# What stands between braces is no text: a link in there is a value.
_TOKENS: Final = re.compile(
    rf"(?P<link>https?://{_REST})|{_OTHER}{_REST}|\{{\{{.*?\}}\}}|\{{%.*?%\}}|\{{#.*?#\}}",
    re.DOTALL | re.IGNORECASE,
)
_HOST: Final = re.compile(r"https?://[^/?#{}]+", re.IGNORECASE)
_TRAILING: Final = ".,;:!?'*_~"
_BRACKETS: Final = {")": "(", "]": "["}
# Reserved and unreserved characters (RFC 3986 2.2 and 2.3), and escapes that are there already.
_SAFE: Final = "%/?#[]@!$&'()*+,;=:-._~"


@dataclass(frozen=True, slots=True)
class WrittenLink:
    """A link in a text: where it stands, and its target."""

    start: int
    end: int
    target: str
    is_fixed_place: bool  # whether its host, and where it ends, are the same for everybody


def find_links(source: str) -> Iterator[WrittenLink]:
    """The links of a text as it is written, in their order.

    ``is_fixed_place`` is False where the host comes from a variable, or where an ``{% if %}`` or
    ``{% for %}`` touches the link's end, so that nobody knows what belongs to it.
    """
    if "://" not in source:
        return
    for match in _TOKENS.finditer(source):
        if match["link"] is None:
            continue
        target = _without_punctuation(match["link"])
        end = match.start() + len(target)
        host = _HOST.match(target)
        if host is None and not target.partition("://")[2]:
            continue
        is_clear = host is not None and (host.end() == len(target) or target[host.end()] in "/?#")
        touches = source.startswith(("{%", "{#", "{{"), end) or "{{-" in target or "-}}" in target
        fits = len(target) <= LONGEST
        yield WrittenLink(match.start(), end, target, is_clear and not touches and fits)


def whole_link(source: str) -> WrittenLink | None:
    """A text that is one address and nothing else, as of a button; None where it is not.

    There is no sentence around it: what ends one is a part of it.
    """
    match = _TOKENS.fullmatch(source)
    if match is None or match["link"] is None:
        return None
    link = next(find_links(source), None)
    is_fixed = link is not None and link.is_fixed_place and len(source) <= LONGEST
    return WrittenLink(0, len(source), source, is_fixed)


def split_target(target: str) -> tuple[list[str], list[str]]:
    """What of a target is the same for everybody, and the variables between those pieces."""
    return _VARIABLE.split(target), _VARIABLE.findall(target)


def location(target: str, values: Sequence[str]) -> str:
    """The URL of a target with its values, in ASCII, fit for an HTTP header.

    Values can change neither the scheme nor the host, which end before the first of them. Raises
    ValueError for values that are not those of this target.
    """
    pieces, variables = split_target(target)
    if len(variables) != len(values):
        raise ValueError("These are not the values of this link.")
    head = pieces[0]
    host = _HOST.match(head)
    if host is None:
        raise ValueError("This link has no host.")
    filled = [head[host.end() :]]
    for value, piece in zip(values, pieces[1:], strict=True):
        filled += (value, piece)
    return _ascii_host(host.group()) + quote("".join(filled), safe=_SAFE, errors="replace")


def _ascii_host(beginning: str) -> str:
    """Scheme and host with the host's name as name servers know it."""
    if beginning.isascii():
        return beginning
    try:
        netloc = urlsplit(beginning).netloc
        host = host_in(netloc)
        beginning = beginning.replace(host, ascii_host(host))
    except ValueError:
        pass  # quoted, browsers read it
    return quote(beginning, safe=_SAFE, errors="replace")


def _without_punctuation(link: str) -> str:
    """The link without what ends a sentence behind it, and without a bracket around it."""
    while link:
        last = link[-1]
        if last in _TRAILING or (
            last in _BRACKETS and link.count(last) > link.count(_BRACKETS[last])
        ):
            link = link[:-1]
        else:
            break
    return link
