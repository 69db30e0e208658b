"""Subscriptions of browsers: where a message is posted, and the keys that it is encrypted with.

A subscription is written as “endpoint p256dh auth”, or as the JSON of PushSubscription. What is
compared is the endpoint: the host, and a hash of the whole address, for that may have hundreds of
characters, and whoever knows it may send to it.
"""

import hashlib
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic_core import from_json

from clarion.channels.contract import BadIdError
from clarion.channels.webpush.encryption import AUTH_SIZE
from clarion.channels.webpush.keys import PUBLIC_SIZE, decoded, encoded, public_key
from clarion.transport.errors import NotSent
from clarion.transport.head import parse_url

TITLES = ("subscription", "push_subscription", "endpoint")
LONGEST_ENDPOINT = 800  # characters; those of Windows are the longest, with about 500
LONGEST = 1_000  # characters of all that a subscription is written as
_STORED = re.compile(r"[a-z0-9.:_\[\]-]{1,200}/[A-Za-z0-9_-]{43}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_WRONG = "a subscription is “endpoint p256dh auth”, or JSON with endpoint and keys"


class Subscription(NamedTuple):
    """Where a browser's messages go."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def origin(self) -> str:
        """The push service: scheme, host and port."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}"

    def __str__(self) -> str:
        return f"{self.endpoint} {self.p256dh} {self.auth}"


def read(text: str) -> Subscription:
    """A whole subscription. Raises BadIdError."""
    endpoint, p256dh, auth = _parts(text.strip())
    _check_endpoint(endpoint)
    if not p256dh or not auth:
        raise BadIdError("the keys p256dh and auth of the subscription are missing")
    try:
        point, secret = decoded(p256dh, PUBLIC_SIZE), decoded(auth, AUTH_SIZE)
        public_key(point)
    except ValueError:
        raise BadIdError("the keys of the subscription are damaged") from None
    return Subscription(endpoint, encoded(point), encoded(secret))


def user_id(text: str) -> str:
    """What is compared, of a subscription, its endpoint, or what was stored. Raises BadIdError."""
    text = text.strip()
    if _STORED.fullmatch(text):
        return text
    endpoint, *keys = _parts(text)
    _check_endpoint(endpoint)
    if any(keys):
        read(text)
    return compared(endpoint)


def compared(endpoint: str) -> str:
    """What is compared of a subscription with this endpoint."""
    digest = encoded(hashlib.sha256(endpoint.encode()).digest())
    return f"{urlsplit(endpoint).netloc.lower()}/{digest}"


def written_id(text: str) -> str:
    """A subscription as it is sent to. Raises BadIdError, also for an endpoint alone."""
    return str(read(text))


def _parts(text: str) -> tuple[str, str, str]:
    if text.startswith("{"):
        return _of_json(text)
    words = text.split(" ")
    if len(text) > LONGEST or not text or len(words) not in (1, 3):
        raise BadIdError(_WRONG)
    return (words[0], words[1], words[2]) if len(words) == 3 else (text, "", "")


def _of_json(text: str) -> tuple[str, str, str]:
    """PushSubscription.toJSON(): https://www.w3.org/TR/push-api/#dom-pushsubscription-tojson."""
    try:
        value = from_json(text) if len(text) <= 4 * LONGEST else None
    except ValueError:
        value = None
    whole = value if isinstance(value, dict) else {}
    keys = whole.get("keys", {})
    stated = [whole.get("endpoint")]
    stated += [keys.get("p256dh", ""), keys.get("auth", "")] if isinstance(keys, dict) else [None]
    parts = [part for part in stated if isinstance(part, str)]
    if len(parts) != 3:
        raise BadIdError(_WRONG)
    return parts[0], parts[1], parts[2]


def _check_endpoint(endpoint: str) -> None:
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable():
        raise BadIdError(_WRONG)
    try:
        parse_url(endpoint, allow_private=True)
        parts = urlsplit(endpoint)
    except (NotSent, ValueError):
        raise BadIdError(_WRONG) from None
    host = parts.netloc.rpartition(":")[0] or parts.netloc
    is_local = parts.netloc in _LOOPBACK or host in _LOOPBACK  # the simulator
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise BadIdError("the endpoint of a subscription begins with https://")
    if not _STORED.fullmatch(f"{parts.netloc.lower()}/{'x' * 43}"):
        raise BadIdError(_WRONG)
