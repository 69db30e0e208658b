"""What a tracked link names, signed: a delivery, a link, and this person's values of it.

A token is URL-safe base64 of: 12 bytes of an HMAC-SHA256 over all that follows, the delivery and
the link as variable-length numbers, the values. About 24 characters where there are no values.
Values travel in the link because they are known while it is sent only: a code, the data of a call,
an attribute that may be another one by the time of the click. The signature makes them ours: a
link leads nowhere but to what was written in a message (no open redirect).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

from django.conf import settings

PREFIX: Final = "/c/"  # of the path of a tracked link
_SALT: Final = b"clarion.clicks:"
_TAG: Final = 12  # bytes
_BETWEEN: Final = "\x00"
_BIGGEST: Final = 2**63 - 1
IMAGE: Final = 0  # in the place of a link: the image in an e-mail, which is never a link's id
LONGEST: Final = 2_000  # characters of a token; a longer link is not tracked


@dataclass(frozen=True, slots=True)
class Named:
    """What a token names."""

    delivery: int
    link: int
    values: tuple[str, ...] = ()


def base() -> str:
    """Where tracked links begin; "" where the server has no public URL."""
    public_url = settings.CLARION.public_url
    return f"{public_url.rstrip('/')}{PREFIX}" if public_url else ""


def make_token(delivery: int, link: int, values: Sequence[str] = ()) -> str:
    """The signed token of a link in the message of a delivery."""
    payload = _number(delivery) + _number(link)
    if values:
        payload += _BETWEEN.join(["", *values]).encode("utf-8", "replace")
    tag = hmac.digest(_key(settings.SECRET_KEY), payload, "sha256")[:_TAG]
    return urlsafe_b64encode(tag + payload).rstrip(b"=").decode("ascii")


def image_url(delivery: int) -> str:
    """The image that tells that the e-mail of a delivery is opened; "" without a public URL."""
    start = base()
    return f"{start}{make_token(delivery, IMAGE)}" if start else ""


def read_token(token: str) -> Named:
    """What a token names. Raises ValueError with a sentence for one that is not ours.

    Tokens signed with an earlier secret key (CLARION_SECRET_KEY_FALLBACKS) are good too.
    """
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        tag, payload = raw[:_TAG], raw[_TAG:]
        if urlsafe_b64encode(raw).rstrip(b"=") != token.encode("ascii"):
            raise ValueError("another spelling")
        keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        if not any(
            hmac.compare_digest(tag, hmac.digest(_key(key), payload, "sha256")[:_TAG])
            for key in keys
        ):
            raise ValueError("not signed")
        delivery, rest = _read_number(payload)
        link, rest = _read_number(rest)
        values = rest.decode().split(_BETWEEN)[1:] if rest else []
    except (ValueError, IndexError):
        raise ValueError("This link is not complete or not ours.") from None
    return Named(delivery, link, tuple(values))


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(_SALT + secret.encode()).digest()


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128)."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _read_number(raw: bytes) -> tuple[int, bytes]:
    value, shift = 0, 0
    for index, byte in enumerate(raw[:9]):
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, raw[index + 1 :]
        shift += 7
    raise ValueError("no number")
