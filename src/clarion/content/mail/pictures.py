"""Pictures of a page that are uploads here, and how they get into the e-mail itself."""

import re
from collections.abc import Callable
from html import unescape
from typing import Final

from django.conf import settings

from clarion.content import media
from clarion.content.mail.shielding import Shield

# As the serializer of bodies writes elements.
_SOURCE: Final = re.compile(r'(<img(?:\s[^\s=">]+="[^"]*")*?\ssrc=")([^"]*)(?=")', re.IGNORECASE)
_PATH: Final = re.compile(r"/media/([a-z0-9]{12,16})/[^/]*")


def attach_pictures(html: str, content_id: Callable[[str], str]) -> tuple[str, tuple[str, ...]]:
    """The page of a body with its own uploads shown by Content-ID, and their tokens, each once.

    ``content_id``: of the upload with a token. Pictures elsewhere stay where they are.
    """
    shield = Shield()
    tokens: dict[str, str] = {}

    def shown(match: "re.Match[str]") -> str:
        token = token_of(unescape(match[2]))
        if not token:
            return match.group()
        if token not in tokens:
            tokens[token] = content_id(token)
        return f"{match[1]}cid:{tokens[token]}"

    attached = shield.show(_SOURCE.sub(shown, shield.hide_in_html(html)))
    return attached, tuple(tokens)


def pictures_in(html: str) -> list[str]:
    """Where the pictures of a body's page are, as written: with variables."""
    shield = Shield()
    hidden = shield.hide_in_html(html)
    return [shield.show(unescape(match[2])) for match in _SOURCE.finditer(hidden)]


def token_of(url: str) -> str:
    """The token of the upload that a URL of this server gives out; empty for another URL."""
    base = settings.CLARION.public_url.rstrip("/")
    match = _PATH.fullmatch(url.removeprefix(base) if base else url)
    return match[1] if match and media.TOKEN.fullmatch(match[1]) else ""
