"""Access tokens of OAuth 2 (RFC 6749) for servers that log in with them: kept until they end.

A token is asked for by a refresh token (6), or by the client's own credentials (4.4) where there is
none. Microsoft 365 and Google both answer in this form.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from clarion.transport.errors import MaybeSent, NotSent, TransportError, Unavailable, WrongSettings
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpReply, HttpRequest, OAuth

_EARLY: Final = 120.0  # seconds before its end, at which a token is no longer used
_USUAL: Final = 3_600.0  # seconds; RFC 6749 5.1 only recommends that the server says how long
_TIMEOUT: Final = 20.0  # seconds
_TEXT: Final = 160  # characters of what the server says that are kept
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")  # RFC 6750 2.1 is narrower; no control character
_FORM: Final = (
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Accept", "application/json"),
)


@dataclass(slots=True)
class _Kept:
    token: str = ""
    until: float = 0.0  # by time.monotonic()
    asked: int = 0  # how often the server was asked
    failure: TransportError | None = None  # of the last time
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tokens:
    """The access tokens of one event loop."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http
        self._kept: dict[OAuth, _Kept] = {}

    async def get(self, oauth: OAuth) -> str:
        """A token that is good for now. Raises NotSent: WrongSettings where the token server
        refuses, Unavailable where it does not answer."""
        kept = self._kept.setdefault(oauth, _Kept())
        asked = kept.asked
        async with kept.asking:
            if time.monotonic() < kept.until:
                return kept.token
            if kept.asked != asked and kept.failure is not None:
                raise kept.failure.again()  # of the asking that this one has waited for
            kept.failure = None
            try:
                await self._ask(oauth, kept)
            except TransportError as failure:
                kept.failure = failure
                raise
            finally:
                kept.asked += 1
            return kept.token

    def drop(self, oauth: OAuth, token: str) -> None:
        """Forget a token that a server refused, so that the next one is another."""
        kept = self._kept.get(oauth)
        if kept is not None and kept.token == token:
            kept.until = 0.0

    async def _ask(self, oauth: OAuth, kept: _Kept) -> None:
        fields = {"client_id": oauth.client_id, "client_secret": oauth.client_secret}
        if oauth.refresh_token:
            fields |= {"grant_type": "refresh_token", "refresh_token": oauth.refresh_token}
        else:
            fields |= {"grant_type": "client_credentials"}
        if oauth.scope:
            fields["scope"] = oauth.scope
        body = urlencode(fields).encode()
        request = HttpRequest(
            "POST", oauth.token_url, _FORM, body, _TIMEOUT, allow_private=oauth.allow_private
        )
        try:
            reply = await self._http.send(request)
        except WrongSettings as error:
            raise WrongSettings(f"The OAuth token server can't be used: {error.reason}") from error
        except (NotSent, MaybeSent) as error:  # asking again doubles nothing
            sentence = f"The OAuth token server did not answer: {error.reason}"
            raise Unavailable(sentence) from error
        answer = _object(reply.body)
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if reply.status != 200 or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise _refusal(reply, answer, oauth)
        seconds = _seconds(lasts)
        kept.token, kept.until = token, time.monotonic() + max(seconds - _EARLY, seconds / 2)


def _refusal(reply: HttpReply, answer: dict[str, Any], oauth: OAuth) -> TransportError:
    """What the token server has against us, in its own words (RFC 6749 5.2)."""
    error, words = (str(answer.get(name) or "") for name in ("error", "error_description"))
    for secret in filter(None, (oauth.client_secret, oauth.refresh_token)):
        error, words = error.replace(secret, "…"), words.replace(secret, "…")
    words = words.splitlines()[0] if words else ""
    words = words.partition(" Trace ID:")[0]
    shown = "".join(each for each in f"{error} {words}" if each.isprintable()).strip()[:_TEXT]
    if reply.status in (408, 429) or reply.status >= 500 or error == "temporarily_unavailable":
        return Unavailable(f"The OAuth token server has trouble ({reply.status}).")
    if reply.status == 200 or not error:
        return WrongSettings(
            f"The OAuth token server's answer ({reply.status}) has no token. Check the token URL."
        )
    return WrongSettings(
        "The OAuth token server refused a token. Check the client id, client secret and refresh "
        f"token of this channel: {shown.rstrip('.')}."
    )


def _seconds(value: object) -> float:
    """How long a token lasts; some servers write the number as a text."""
    try:
        seconds = float(str(value))
    except ValueError:
        return _USUAL
    return seconds if 0 < seconds <= 86_400 * 7 else _USUAL


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
