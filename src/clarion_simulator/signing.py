"""Standard Webhooks signatures (https://www.standardwebhooks.com): sign and verify."""

import base64
import hmac

TOLERANCE = 300  # seconds that a timestamp may differ


def key_of(secret: str) -> bytes:
    """The key of a secret: decoded after `whsec_`, the UTF-8 bytes of any other text.

    ValueError where what follows `whsec_` is not base64.
    """
    if not secret.startswith("whsec_"):
        return secret.encode()
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if not key:
        raise ValueError("nothing follows whsec_")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body; for `secret` see `key_of`, `timestamp` in Unix seconds."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), content, "sha256")).decode()


def verified(
    secret: str, message_id: str, timestamp: str, signatures: str, body: bytes, now: float
) -> bool:
    """True when one of the space-separated signatures is good and the timestamp is recent."""
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        return False
    if len(timestamp) > 12 or abs(now - int(timestamp)) > TOLERANCE:
        return False
    good = sign(secret, message_id, int(timestamp), body)
    return any(
        hmac.compare_digest(good.encode(), signature.encode("utf-8", "replace"))
        for signature in signatures.split(" ")
    )
