"""Standard Webhooks signatures (https://www.standardwebhooks.com): sign and verify."""

import base64
import binascii
import hmac

TOLERANCE = 300  # seconds that a timestamp may differ


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body; `secret` is `whsec_<base64>`, `timestamp` Unix seconds."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def verified(
    secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, now: float
) -> bool:
    """True when one of the space-separated signatures is good and the timestamp is recent."""
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        return False
    if len(timestamp) > 12 or abs(now - int(timestamp)) > TOLERANCE:
        return False
    try:
        good = sign(secret, message_id, int(timestamp), body)
    except binascii.Error:
        return False
    return any(
        hmac.compare_digest(good.encode(), given.encode("utf-8", "replace"))
        for given in signatures.split(" ")
    )
