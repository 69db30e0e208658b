"""The column of providers' user ids in a file. What such an id is, each channel kind knows."""

import re
from collections.abc import Sequence

from clarion.channels.registry import kind_class

_DATA = re.compile(r"[+-]?[0-9]{3,}|[^@\s]+@[^@\s]+\.[^@\s]+")


def find_column(columns: Sequence[str], kind: str) -> str | None:
    """The column of user ids: the only one, or the first with a title that says so."""
    if len(columns) == 1:
        return columns[0]
    by_title = {_plain(title): title for title in reversed(columns)}
    usual = map(_plain, kind_class(kind).id_titles)
    return next((by_title[title] for title in usual if title in by_title), None)


def says_kind(title: str, kind: str) -> bool:
    """Whether a title is that of this kind's ids alone: “E-mail”, and not “id”."""
    return _plain(title) == _plain(kind_class(kind).id_titles[0])


def _plain(title: str) -> str:
    """“E-mail Address”, “email_address” and “EmailAddress” are the same title."""
    return re.sub(r"[\s_.:-]+", "", title).lower()


def looks_like_data(title: str) -> bool:
    """Whether this is rather somebody's id than the title of a column."""
    return _DATA.fullmatch(title) is not None
