"""The signature of the Standard Webhooks scheme, version 1.0.0, symmetric (`v1`).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
HMAC-SHA256 of `{id}.{timestamp}.{body}`, and the headers webhook-id, webhook-timestamp,
webhook-signature.
"""

import hmac
from base64 import b64decode, b64encode

_PREFIX = "whsec_"


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
