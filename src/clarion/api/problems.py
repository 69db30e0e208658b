"""Errors as programs read them: problem details (RFC 9457) that name what is wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse

MEDIA_TYPE: Final = "application/problem+json"
DOCS: Final = "/api/v1/docs"
TITLES: Final[Mapping[str, str]] = {
    "invalid_json": "The body is not valid JSON",
    "invalid_request": "The request is not valid",
    "refused": "This is not possible",
    "unauthenticated": "A valid API token is required",
    "insufficient_scope": "The token may not do this",
    "not_found": "Not found",
    "method_not_allowed": "Method not allowed",
    "conflict": "This is not possible in the present state",
    "changed_meanwhile": "It was changed in the meantime",
    "too_large": "The body is too large",
    "unsupported_media_type": "The content type is not supported",
    "if_match_required": "If-Match is required",
    "key_reused": "The Idempotency-Key was used before",
    "too_many_requests": "Too many requests",
    "server_error": "Something went wrong",
    "busy": "The server is busy",
}
STATUS: Final[Mapping[str, int]] = {
    "invalid_json": 400,
    "unauthenticated": 401,
    "insufficient_scope": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "changed_meanwhile": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid_request": 422,
    "refused": 422,
    "key_reused": 422,
    "if_match_required": 428,
    "too_many_requests": 429,
    "server_error": 500,
    "busy": 503,
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: its name (parts joined by dots), where it is, what to do."""

    field: str
    place: str  # body, query, path or header
    detail: str

    def as_json(self) -> dict[str, str]:
        """As in the answer."""
        return {"field": self.field, "in": self.place, "detail": self.detail}


@dataclass(slots=True)
class Problem(Exception):  # noqa: N818 - named as in RFC 9457
    """A request that is answered with an error; `code` is a key of TITLES."""

    code: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]

    def __str__(self) -> str:
        return self.detail


def body_of(problem: Problem) -> dict[str, Any]:
    """The JSON object of an error."""
    body: dict[str, Any] = {
        "type": f"{DOCS}#{problem.code}",
        "title": TITLES[problem.code],
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = [error.as_json() for error in problem.errors]
    return body


def encoded(problem: Problem) -> bytes:
    """The body of an error, as it is sent."""
    return json.dumps(body_of(problem), ensure_ascii=False).encode("utf-8", "replace")


def response(problem: Problem) -> HttpResponse:
    """The answer to a request that failed."""
    answer = HttpResponse(encoded(problem), status=problem.status, content_type=MEDIA_TYPE)
    for name, value in problem.headers.items():
        answer.headers[name] = value
    # Django would log each refused request as a warning, with its address.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def wrong_field(name: str, detail: str, place: str = "body") -> Problem:
    """The problem of one field."""
    return Problem("invalid_request", detail, [FieldError(name, place, detail)])


def not_found(what: str) -> Problem:
    """The problem of something that does not exist: ``contact 17``."""
    return Problem("not_found", f"There is no {what}.")
