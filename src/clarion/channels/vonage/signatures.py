"""Signed callbacks: a token that is signed with the account's signature secret (HS256, RFC 7515).

https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks: it comes
in the header Authorization, and its claim ``payload_hash`` is the SHA-256 of the body. Its age is
not looked at: whether a repeated callback is signed anew is not documented, and a callback that
comes twice does nothing the second time.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import BadSignature, HookRequest
from clarion.channels.replies import json_object

_LONGEST = 8_192  # characters of a token


def verify(hook: HookRequest, secret: bytes) -> None:
    """Raise BadSignature unless the callback is signed with this secret. Constant time."""
    scheme, _, token = hook.headers.get("authorization", "").partition(" ")
    signed, dot, signature = token.strip().rpartition(".")
    expected = hmac.digest(secret, signed.encode("utf-8", "replace"), "sha256")
    is_signed = hmac.compare_digest(expected, _decoded(signature))
    header, _, claims = signed.partition(".")
    algorithm = payloads.text(_object(header).get("alg"), 20)
    stated = payloads.text(_object(claims).get("payload_hash"), 200).lower()
    body_hash = hashlib.sha256(hook.body).hexdigest()
    is_whole = hmac.compare_digest(body_hash.encode(), stated.encode("utf-8", "replace"))
    is_token = scheme.lower() == "bearer" and bool(dot) and algorithm == "HS256"
    if not (secret and is_token and is_signed and is_whole):
        raise BadSignature("The signature is missing or wrong.")


def _object(part: str) -> dict[str, Any]:
    return json_object(_decoded(part))


def _decoded(part: str) -> bytes:
    """The bytes of a part of a token; none for what is not base64url."""
    if len(part) > _LONGEST:
        return b""
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        return b""
