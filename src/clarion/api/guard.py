"""What every request passes before its operation: token, rate limit, scope, content type, JSON."""

import json
import math
from typing import Any, Final

from django.http import HttpRequest
from ninja.security import HttpBearer

from clarion.accounts import request_limits, tokens
from clarion.accounts.models import ApiToken
from clarion.api.problems import FieldError, Problem

LARGEST: Final = 32 * 1_048_576  # bytes: 10,000 contacts, or one file of a story
MULTIPART: Final = "multipart/form-data"
JSON: Final = "application/json"


class ApiRequest(HttpRequest):
    """A request that has passed the guard."""

    auth: ApiToken
    by: str  # how what it does is named in the audit log and on pages
    parsed: Any  # the body
    allowance: request_limits.Allowance
    prepared: Any  # see operations.operation


class Bearer(HttpBearer):
    """Lets a request with a valid token pass that has one scope; called for each request."""

    def __init__(self, scope: str | None, content_type: str | None) -> None:
        """`scope`: None for any token. `content_type`: of the body, None where there is none."""
        super().__init__()
        self.scope = scope
        self._content_type = content_type

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """The token of the request. Raises Problem."""
        return self._pass(request, token.strip())

    def __call__(self, request: HttpRequest) -> ApiToken:
        """As ninja calls it. Raises Problem."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        return self._pass(request, secret.strip() if scheme.lower() == "bearer" else "")

    def _pass(self, request: HttpRequest, secret: str) -> ApiToken:
        tokens_read: dict[str, ApiToken] = getattr(request, "tokens_read", {})
        if (token := tokens_read.get(secret)) is None:
            token = tokens_read[secret] = valid_token(secret)
        allowance = request_limits.take(token.pk, tokens.limit_of(token))
        request.allowance = allowance  # type: ignore[attr-defined]
        if not allowance.allowed:
            text = f"This token may make {allowance.limit:,} requests a minute. Wait, then repeat."
            raise Problem("too_many_requests", text, headers={"Retry-After": str(allowance.reset)})
        if self.scope is not None and self.scope not in token.scopes:
            text = f"This needs a token with the scope {self.scope}. Create one that has it."
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            raise Problem("insufficient_scope", text, headers={"WWW-Authenticate": challenge})
        request.by = tokens.actor(token)  # type: ignore[attr-defined]
        if self._content_type:
            _check_body(request, self._content_type)
        return token


def may(request: ApiRequest, scope: str) -> bool:
    """Whether the token has another scope than the one that its operation needs."""
    return scope in request.auth.scopes


def valid_token(secret: str) -> ApiToken:
    """The token with that secret. Raises Problem (401)."""
    token = tokens.find_token(secret) if secret else None
    if not secret:
        text = "Send a token: Authorization: Bearer clarion_…. Managers create tokens in Clarion."
        raise _unauthenticated(text, "Bearer")
    if token is None:
        raise _unauthenticated("This token does not exist. Check that it is complete.")
    if token.revoked_at is not None:
        raise _unauthenticated("This token was revoked. Create another one.")
    if token.is_expired:
        raise _unauthenticated("This token has expired. Create another one.")
    return token


def _unauthenticated(text: str, challenge: str = 'Bearer error="invalid_token"') -> Problem:
    return Problem("unauthenticated", text, headers={"WWW-Authenticate": challenge})


def _check_body(request: HttpRequest, content_type: str) -> None:
    """Refuse a body of another type or with what no database stores; parse JSON once."""
    if len(request.body) > LARGEST:
        raise Problem("too_large", f"A request may have {LARGEST >> 20} MB at most. Send several.")
    if not request.body and content_type == JSON:
        return
    if request.content_type != content_type:
        raise Problem("unsupported_media_type", f"Send Content-Type: {content_type}.")
    if content_type != JSON:
        return
    try:
        request.parsed = json.loads(request.body.decode())  # type: ignore[attr-defined]
    except (ValueError, RecursionError):
        raise Problem("invalid_json", "The body is not valid JSON in UTF-8. Correct it.") from None
    check_values(request.parsed)  # type: ignore[attr-defined]


def check_values(value: Any, place: str = "body") -> None:
    """Refuse texts and numbers that JSON can write but no database stores. Raises Problem."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, str):
            _check_text(path, part, place)
        elif isinstance(part, float) and not math.isfinite(part):
            raise _unstorable(path, place, "This number is too large.")
        elif isinstance(part, dict):
            for key, inner in part.items():
                _check_text(path, key, place)
                waiting.append((f"{path}.{key}" if path else key, inner))
        elif isinstance(part, list):
            waiting += [
                (f"{path}.{number}" if path else str(number), inner)
                for number, inner in enumerate(part)
            ]


def _check_text(path: str, text: str, place: str) -> None:
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text if sign > "\ud7ff"):
        raise _unstorable(path, place, "Remove the characters U+0000 and lone surrogates.")


def _unstorable(path: str, place: str, text: str) -> Problem:
    return Problem("invalid_request", text, [FieldError(path or place, place, text)])
