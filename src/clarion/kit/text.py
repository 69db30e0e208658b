"""Small helpers for text that comes from outside."""

LONGEST_SEARCH = 200  # characters; SQLite refuses patterns beyond 50,000 bytes


def search_words(text: str) -> str:
    """What is searched for, as it was typed: fit for both databases, bounded."""
    return clean(text, len(text) + 1).strip()[:LONGEST_SEARCH]


def clean(text: str, limit: int) -> str:
    """Text fit for both databases: no NUL (PostgreSQL stores none), no lone surrogates, bounded.

    ``limit`` is in characters; a longer text ends in an ellipsis.
    """
    tidy = storable(text)
    return tidy if len(tidy) <= limit else tidy[: limit - 1] + "…"


def storable(text: str) -> str:
    """Text of any length fit for both databases, as ``clean``."""
    if text.isascii() and "\x00" not in text:  # most are, and it is asked for every message
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def plain_text(text: str) -> str:
    """Text of several lines as it is stored: fit for both databases, each line ends in LF."""
    return clean(text, len(text) + 1).replace("\r\n", "\n").replace("\r", "\n")


def flat(text: str) -> str:
    """Text as a line of single spaces: what some providers take as a value within a text."""
    return " ".join(text.split())


def one_line(text: str) -> str:
    """Text of one line as it is stored: what a field of a form holds, without spaces around."""
    return " ".join(plain_text(text).split("\n")).strip()
