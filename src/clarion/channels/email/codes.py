"""The code by which a bounce proves which message it is about: our id of it, signed.

It is in the envelope sender (bounces+CODE@example.org) and in a header of the message. Only the
recipient and the mail servers on the way see it, so whoever repeats it has had that message. In
small letters: some servers change the case of an address.
"""

import hmac
import re
from base64 import b32encode
from functools import lru_cache
from hashlib import sha256
from typing import Final

from django.conf import settings

HEADER: Final = "X-Clarion-Message"
_SALT: Final = b"clarion.bounces:"
_TAG: Final = 8  # bytes
_ID: Final = re.compile(r"[a-z0-9]{1,16}-[0-9]{1,18}(?:-[0-9]{1,4})?")
_CODE: Final = re.compile(rf"({_ID.pattern})-([a-z2-7]{{13}})")
_LONGEST_LOCAL: Final = 64  # characters before the @ (RFC 5321 4.5.3.1.1)


def code_of(message_id: str) -> str:
    """The code of a message; "" for an id that is not one of Clarion's."""
    if not _ID.fullmatch(message_id):
        return ""
    return f"{message_id}-{_tag(settings.SECRET_KEY, message_id)}"


def message_of(code: str) -> str:
    """The id of the message that a code proves; "" for one that is not ours.

    Codes signed with an earlier secret key (CLARION_SECRET_KEY_FALLBACKS) are good too.
    """
    match = _CODE.fullmatch(code.strip().lower())
    if match is None:
        return ""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    is_ours = any(hmac.compare_digest(_tag(key, match[1]), match[2]) for key in keys)
    return match[1] if is_ours else ""


def is_message_id(text: str) -> bool:
    """Whether a text has the form of our ids of messages."""
    return _ID.fullmatch(text) is not None


def with_code(address: str, code: str) -> str:
    """The address with a code; the address as it is where that would become too long."""
    local, _, domain = address.rpartition("@")
    whole = f"{local}+{code}"
    return f"{whole}@{domain}" if code and len(whole) <= _LONGEST_LOCAL else address


def codes_in(text: str, address: str) -> list[str]:
    """What stands where ``with_code`` puts a code, in a text such as a header."""
    local, _, domain = address.rpartition("@")
    pattern = rf"{re.escape(local)}\+([a-z0-9-]+)@{re.escape(domain)}(?![a-z0-9-])"
    return re.findall(pattern, text, re.IGNORECASE)


def _tag(key: str, message_id: str) -> str:
    tag = hmac.digest(_key(key), message_id.encode(), "sha256")[:_TAG]
    return b32encode(tag).decode().rstrip("=").lower()


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return sha256(_SALT + secret.encode()).digest()
