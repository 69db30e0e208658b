"""Text as HTML in which links can be clicked, whatever stands in it: see docs/decisions/0043."""

import re
from functools import lru_cache
from html import escape

from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

from clarion.kit.urls import ENDS, UNSEEN

# Where an address can begin behind a letter: in languages that are written without spaces.
_BEGINNING = re.compile(r"(?<=[^\x00-\x7f])(?=https?://)", re.IGNORECASE)
_AS_SPACES = str.maketrans(dict.fromkeys(ENDS + UNSEEN, " "))  # every sign keeps its place


def _finder() -> LinkifyIt:
    finder = LinkifyIt({}, {"fuzzy_link": False, "fuzzy_ip": False, "fuzzy_email": True})
    for scheme in ("ftp:", "//"):
        finder.add(scheme, None)
    return finder.tlds(TLDS)


_FINDER = _finder()


_KEPT_LENGTH = 2_000  # characters
_WORD = re.compile(r"\S+")
# In one word. The finder's time grows with their square, and nobody writes links without spaces.
_MOST_BEGINNINGS = 50


def linked(text: str) -> str:
    """The text escaped for HTML, with a link around each web and e-mail address."""
    if "://" not in text and "@" not in text:
        return _lines(text)
    return _with_links(text) if len(text) > _KEPT_LENGTH else _kept(text)


def _with_links(text: str) -> str:
    return "".join(map(_linked, _BEGINNING.split(text)))


# For the next person: most paragraphs of a broadcast are the same for all.
_kept = lru_cache(maxsize=256)(_with_links)


def _linked(text: str) -> str:
    pieces = []
    end = 0
    for match in _FINDER.match(_WORD.sub(_without_many, text.translate(_AS_SPACES))) or ():
        address = escape(text[match.index : match.last_index])
        target = escape(match.url)
        pieces += [_lines(text[end : match.index]), f'<a href="{target}">{address}</a>']
        end = match.last_index
    return "".join([*pieces, _lines(text[end:])])


def _without_many(match: "re.Match[str]") -> str:
    """The word, or as many other characters where it has more beginnings of links than one may."""
    word = match.group()
    return "x" * len(word) if word.count("//") + word.count("@") > _MOST_BEGINNINGS else word


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
