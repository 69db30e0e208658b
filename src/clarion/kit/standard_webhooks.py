"""Signing and checking after the Standard Webhooks scheme, version 1.0.0, symmetric (`v1`).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
HMAC-SHA256 of `{id}.{timestamp}.{body}`, and the headers webhook-id, webhook-timestamp,
webhook-signature.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime

TOLERANCE = 300  # seconds that a timestamp may be away from our clock, either way
_PREFIX = "whsec_"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class SignatureError(ValueError):
    """A signature is missing or wrong, or too old."""


def key_of(secret: str) -> bytes:
    """The key of a secret: decoded after `whsec_`, its UTF-8 bytes for any other text.

    Raises ValueError with a sentence when what follows `whsec_` is not base64.
    """
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("What follows “whsec_” must be base64. Copy the secret again.")
    return key


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body; `timestamp` is in Unix seconds."""
    content = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(key, content, "sha256")).decode("ascii")


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise SignatureError unless one of the signatures is good and the timestamp is recent.

    `headers` have lower-case names. Several signatures follow each other, separated by spaces,
    while a secret is being changed. Constant time.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("The headers webhook-id and webhook-timestamp are missing or wrong.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise SignatureError(
            "The timestamp is more than five minutes away from this server's clock."
        )
    expected = sign(key, message_id, int(timestamp), body).encode()
    signatures = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    if not any(hmac.compare_digest(expected, each) for each in signatures):
        raise SignatureError("The signature is missing or wrong.")
