"""What a URL says about where a request goes, and where one ends in a text."""

import re
from typing import Final
from unicodedata import normalize
from urllib.parse import urlsplit

# Quotes, brackets, stops and marks of other scripts, which end an address although they may stand
# in one; and what is not to be seen.
ENDS: Final = "“”„‟‘’‚‛«»‹›…。．，、；：！？｡､（）［］｛｝「」『』【】〔〕《》〈〉＂＇"
UNSEEN: Final = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
    "\u2066\u2067\u2068\u2069\ufeff"
)

# What Python's IDNA of 2003 replaces, which makes another name of it, and browsers keep since.
_KEPT: Final = "ßς"
_LONGEST_LABEL: Final = 63
_DOTS: Final = re.compile("[.。．｡]")


def host_in(netloc: str) -> str:
    """The name of the host in that part of a URL, as it is written."""
    return netloc.rpartition("@")[2].partition(":")[0]


def ascii_host(host: str) -> str:
    """A host's name as name servers know it, and as browsers make it (UTS 46, nontransitional).

    Raises ValueError for what is no name.
    """
    labels = [_ascii_label(label) for label in _DOTS.split(host)]
    if any(len(label) > _LONGEST_LABEL for label in labels) or "" in labels[:-1]:
        raise ValueError("This is no host name.")
    return ".".join(labels)


def _ascii_label(label: str) -> str:
    # Letter by letter, as the standard has it: at the end of a word Σ is ς otherwise.
    small = normalize("NFKC", "".join(map(str.lower, label)))
    if any(letter in small for letter in _KEPT):
        return f"xn--{small.encode('punycode').decode('ascii')}"
    return label.encode("idna").decode("ascii")


def server_of(value: object) -> object:
    """Where something is sent: the scheme and server of a URL, any other value as it is."""
    try:
        parts = urlsplit(str(value).strip())
    except ValueError:
        return str(value)
    return (parts.scheme, parts.netloc.lower()) if parts.netloc else str(value)
