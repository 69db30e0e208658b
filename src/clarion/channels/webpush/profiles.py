"""What the operator's own server knows of a visitor, signed: a JWT with HS256 (RFC 7519, 7515)."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from clarion.channels import payloads
from clarion.channels.subscriptions import SubscriptionRefused
from clarion.channels.webpush.keys import decoded

_LONGEST = 8_192  # characters


def read_profile(token: str, secret: str, at: datetime) -> Mapping[str, Any]:
    """The claims of a token. Raises SubscriptionRefused unless it is signed and has not expired."""
    if not secret:
        raise SubscriptionRefused(
            "This channel has no profile secret, so it accepts no profiles. Set one first."
        )
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    try:
        if len(token) > _LONGEST or payloads.object_of(decoded(head)).get("alg") != "HS256":
            raise ValueError("another algorithm")
        expected = hmac.digest(secret.encode(), f"{head}.{payload}".encode("ascii"), "sha256")
        if not hmac.compare_digest(expected, decoded(signature)):
            raise ValueError("another signature")
        claims = from_json(decoded(payload))
    except ValueError:
        raise SubscriptionRefused(
            "The profile is not a JWT that is signed with the profile secret (HS256)."
        ) from None
    expires = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise SubscriptionRefused("The profile needs the claim exp: when it ends.")
    if expires <= at.timestamp():
        raise SubscriptionRefused("The profile has expired. Sign a new one for each page.")
    return payloads.part(claims)
