"""What an operation answers, and what of it is kept for a repeated request."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from clarion.accounts import idempotency
from clarion.accounts.models import StoredAnswer
from clarion.api.etags import etag_of
from clarion.api.guard import JSON
from clarion.api.problems import FieldError, Problem
from clarion.api.types import Output, Page

KEY_HEADER: Final = "Idempotency-Key"
_KEPT_HEADERS: Final = ("Location", "ETag", "Content-Type")


@dataclass(frozen=True, slots=True)
class Created:
    """Something new, and the address where it is read."""

    resource: Output
    location: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What is special about an operation; the document is written from it, too."""

    scope: str | None
    repeatable: bool = False  # takes an Idempotency-Key
    edits: bool = False  # needs If-Match
    tagged: bool = False  # answers with an ETag
    paged: bool = False
    body: str | None = None  # the content type of what is sent


def checked_key(key: str) -> str:
    """The Idempotency-Key of a request. Raises Problem."""
    if 0 < len(key) <= idempotency.LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    text = f"Send 1 to {idempotency.LONGEST_KEY} printable ASCII characters."
    raise Problem("invalid_request", text, [FieldError(KEY_HEADER, "header", text)])


def digest_of(request: HttpRequest) -> str:
    """A digest of what a request does: of its method, address and body."""
    line = f"{request.method} {request.get_full_path()}\n"
    body = request.body
    # Programs choose another boundary for the parts of a body each time they send it.
    if boundary := (request.content_params or {}).get("boundary"):
        body = body.replace(f"--{boundary}".encode(), b"")
    return hashlib.sha256(line.encode() + body).hexdigest()


def answer_of(request: HttpRequest, result: Any, rules: Rules, status: int) -> HttpResponse:
    """The answer with what an operation has returned."""
    location = ""
    if isinstance(result, Created):
        result, location = result.resource, result.location
    if result is None:
        return HttpResponse(status=status)
    answer = HttpResponse(result.model_dump_json(), status=status, content_type=JSON)
    if location:
        answer.headers["Location"] = location
    if rules.tagged:
        answer.headers["ETag"] = etag_of(result)
    if isinstance(result, Page) and result.next is not None:
        query = request.GET.dict() | {"cursor": result.next}
        answer.headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
    return answer


def kept_of(answer: HttpResponse) -> tuple[int, dict[str, str], str]:
    """What of an answer is kept: status, headers and body."""
    headers = {name: answer[name] for name in _KEPT_HEADERS if name in answer.headers}
    return answer.status_code, headers, answer.content.decode()


def replayed(stored: StoredAnswer) -> HttpResponse:
    """The answer that is kept for a key."""
    answer = HttpResponse(idempotency.body_of(stored), status=stored.status)
    if "Content-Type" not in stored.headers:
        del answer.headers["Content-Type"]
    for name, value in stored.headers.items():
        answer.headers[name] = value
    answer.headers["Idempotency-Replayed"] = "true"
    return answer
