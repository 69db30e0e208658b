"""API tokens: made, found again by their secret, revoked.

A token is 40 random characters (198 bits), so a plain SHA-256 of it can't be reversed: no slow hash
is needed, and a request costs one look-up by the prefix and one comparison in constant time.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from clarion import config
from clarion.accounts import audit
from clarion.accounts.models import Agent, ApiToken, Role
from clarion.accounts.scopes import SCOPES, grantable
from clarion.kit import clock, ids

NAME_LENGTH: Final = 80
MOST_REQUESTS: Final = 1_000_000  # a minute
PREFIX_LENGTH: Final = 8
_SECRET_LENGTH: Final = 40
_BRAND: Final = "clarion"
_NOBODY: Final = hashlib.sha256(b"").hexdigest()


class TokenError(ValueError):
    """A token can't be made like this; `field` is what to change, the text says how."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def create_token(
    *,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None,
    by: Agent | str,
    requests_per_minute: int | None = None,
) -> tuple[ApiToken, str]:
    """Make a token; return it and its secret, which is stored as a hash and never shown again.

    `expires_at`: None for a token that does not expire. `requests_per_minute`: None for the setting
    `api_per_minute`. Raises TokenError.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise TokenError("name", f"Give the token a name of 1 to {NAME_LENGTH} characters.")
    chosen = set(scopes)
    if expires_at is not None and expires_at <= clock.now():
        raise TokenError("expires_at", "This time has passed. Choose a later one.")
    if requests_per_minute is not None and not 1 <= requests_per_minute <= MOST_REQUESTS:
        raise TokenError("requests_per_minute", f"Choose 1 to {MOST_REQUESTS:,} requests a minute.")
    prefix = ids.token(PREFIX_LENGTH)
    secret = f"{_BRAND}_{prefix}_{ids.token(_SECRET_LENGTH)}"
    token = ApiToken(
        name=name,
        prefix=prefix,
        digest=_digest(secret),
        scopes=_checked_scopes(chosen, by),
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
        created_by=by if isinstance(by, Agent) else None,
    )
    with transaction.atomic():
        if live_tokens().filter(name=name).exists():
            raise TokenError("name", f"There is already a token called “{name}”.")
        token.save()
        audit.note(
            "token.create", f"token {token.pk}", by, name=name, prefix=prefix, scopes=token.scopes
        )
    return token, secret


def _checked_scopes(chosen: set[str], by: Agent | str) -> list[str]:
    """The scopes in their order. Raises TokenError for none, unknown ones and those not allowed."""
    if not chosen:
        raise TokenError("scopes", "Choose at least one scope.")
    if unknown := sorted(chosen - SCOPES.keys()):
        raise TokenError("scopes", f"There is no scope “{unknown[0]}”.")
    allowed = grantable(by.role if isinstance(by, Agent) else Role.ADMIN)
    if refused := [scope for scope in SCOPES if scope in chosen and scope not in allowed]:
        raise TokenError("scopes", f"Only an admin can give the scope {refused[0]}.")
    return [scope for scope in SCOPES if scope in chosen]


def find_token(secret: str) -> ApiToken | None:
    """The token with that secret, whatever its state; None for a wrong one. In constant time."""
    parts = secret.split("_")
    prefix = parts[1] if len(parts) == 3 and len(parts[1]) == PREFIX_LENGTH else ""
    token = ApiToken.objects.filter(prefix=prefix).first() if prefix.isascii() else None
    matches = hmac.compare_digest(token.digest if token else _NOBODY, _digest(secret))
    return token if matches else None


def revoke_token(token: ApiToken, *, by: Agent | str) -> None:
    """Refuse a token from now on. Revoking it again changes nothing."""
    with transaction.atomic():
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(
            revoked_at=clock.now()
        )
        if changed:
            audit.note("token.revoke", f"token {token.pk}", by, name=token.name)


def live_tokens() -> QuerySet[ApiToken]:
    """The tokens that are not revoked, expired ones among them; the newest first."""
    return ApiToken.objects.filter(revoked_at=None).order_by("-pk")


def limit_of(token: ApiToken) -> int:
    """The most requests that a token may make in a minute."""
    return token.requests_per_minute or config.load().api_per_minute


def actor(token: ApiToken) -> str:
    """How the audit log and the pages name what a token did."""
    return f"API token {token.name}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
