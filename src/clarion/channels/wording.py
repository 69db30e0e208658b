"""What providers say, made fit for a reason: short, the same for the same fault, without secrets.

Millions of records share a few hundred reasons (records.models.Reason), so everything that
differs from person to person is taken out: links, addresses, ids, quoted texts, long numbers.
"""

import re
from collections.abc import Iterable

GAP = "…"
_LOOKED_AT = 400  # characters: patterns never run over a whole page of HTML
_LONGEST = 160  # characters of the result
_QUOTED = re.compile(r'"[^"]*"|`[^`]*`|“[^”]*”|«[^»]*»')
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,10}://\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*[^\s@]@[^\s@]\S*|<[^<>]*>")
_TOKEN = re.compile(r"[\w+/=.:-]*\d[\w+/=.:-]*|[\w+/=-]{25,}")
_SHORT_NUMBER = 4  # digits: an error's number or a limit, not a person's
_SHORT_TOKEN = 5  # characters, such as "UTF-8" and "5.7.1"
_GAPS = re.compile(r"…(?:[\s,;:()\[\]]*…)+")


def tidy(text: str, secrets: Iterable[str] = ()) -> str:
    """One line of at most 160 characters for people, or "" when nothing is left to say.

    ``secrets`` are taken out wherever they stand. There is no full stop at the end.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, GAP)
    text = "".join(each if each.isprintable() else " " for each in text[:_LOOKED_AT])
    for pattern in (_QUOTED, _LINK, _ADDRESS):
        text = pattern.sub(GAP, text)
    text = _TOKEN.sub(_without_id, text)
    text = " ".join(_GAPS.sub(GAP, text).split()).strip(" .,;:-")
    if not text.strip(GAP + " ()[]"):
        return ""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + GAP


def _without_id(match: re.Match[str]) -> str:
    token = match[0]
    short = _SHORT_NUMBER if token.isdigit() else _SHORT_TOKEN
    return token if len(token.rstrip(".:")) <= short else GAP
