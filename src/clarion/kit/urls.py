"""What a URL says about where a request goes, and where one ends in a text."""

from typing import Final
from urllib.parse import urlsplit

# Quotes, brackets, stops and marks of other scripts, which end an address although they may stand
# in one; and what is not to be seen.
ENDS: Final = "“”„‟‘’‚‛«»‹›…。．，、；：！？｡､（）［］｛｝「」『』【】〔〕《》〈〉＂＇"
UNSEEN: Final = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060"
    "\u2066\u2067\u2068\u2069\ufeff"
)


def server_of(value: object) -> object:
    """Where something is sent: the scheme and server of a URL, any other value as it is."""
    try:
        parts = urlsplit(str(value).strip())
    except ValueError:
        return str(value)
    return (parts.scheme, parts.netloc.lower()) if parts.netloc else str(value)
