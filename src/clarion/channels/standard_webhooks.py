"""Callbacks signed after the Standard Webhooks scheme; the signature itself: kit.standard_webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime

from clarion.channels.contract import BadSignature
from clarion.kit.standard_webhooks import key_of, sign

__all__ = ["TOLERANCE", "key_of", "sign", "verify"]

TOLERANCE = 300  # seconds that a timestamp may be away from our clock, either way
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def verify(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise BadSignature unless one of the signatures is good and the timestamp is recent.

    `headers` have lower-case names. Several signatures stand beside each other, separated by
    spaces, while a secret is being changed.
    """
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or not _TIMESTAMP.fullmatch(timestamp):
        raise BadSignature("The headers webhook-id and webhook-timestamp are missing or wrong.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise BadSignature("The timestamp is more than five minutes away from this server's clock.")
    expected = sign(key, message_id, int(timestamp), body).encode()
    given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise BadSignature("The signature is missing or wrong.")
