"""How a function becomes an operation: transaction, idempotency, serialisation, headers.

A function takes the request and its parameters and returns a model of ``types``, Created, or None.
Everything that changes something runs in one transaction, so a request is carried out whole or not.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from clarion.accounts import idempotency
from clarion.api.etags import etag_of
from clarion.api.guard import JSON, ApiRequest, Bearer
from clarion.api.problems import FieldError, Problem
from clarion.api.types import Output, Page

View = TypeVar("View", bound=Callable[..., Any])
router: Final = Router()  # one for all: what has the same path must be in the same router
_NUMBER: Final = re.compile(r"{(\w+_id)}")
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


def operation(
    area: str,
    method: str,
    path: str,
    returns: Any,
    rules: Rules,
    *,
    status: int = 0,
    transact: bool = True,
    prepare: Callable[..., Any] | None = None,
) -> Callable[[View], View]:
    """Register a function as an operation of an area of the documentation.

    `returns`: the type of its answer, None for none. `status`: 0 for the usual one of the method.
    `transact`: False for what waits for another server, which must not hold the database.
    `prepare`: called with the same parameters before the transaction, for what takes long; the
    function finds its result as ``request.prepared``. Not for a request whose answer is kept.
    """
    status = status or (204 if returns is None else 200)

    def register(view: View) -> View:
        def carried_out(request: ApiRequest, **parameters: Any) -> HttpResponse:
            if method == "GET":
                return _answer(request, view(request, **parameters), rules, status)
            key = request.headers.get(KEY_HEADER) if rules.repeatable else None
            if prepare is not None:
                kept = key is not None and idempotency.is_kept(request.auth, key)
                request.prepared = None if kept else prepare(request, **parameters)
            with transaction.atomic() if transact or key is not None else nullcontext():
                if key is None:
                    return _answer(request, view(request, **parameters), rules, status)
                stored = idempotency.claim(request.auth, _checked(key), _digest(request))
                if stored.status:
                    return _replayed(stored.status, stored.headers, idempotency.body_of(stored))
                answer = _answer(request, view(request, **parameters), rules, status)
                headers = {name: answer[name] for name in _KEPT_HEADERS if name in answer.headers}
                text = answer.content.decode()
                idempotency.keep(stored, answer.status_code, headers, text)
                return answer

        wrapped = wraps(view)(carried_out)
        summary, _, description = (view.__doc__ or "").strip().partition("\n")
        wrapped.__doc__ = ""  # ninja would repeat it where there is no description
        router.api_operation(
            [method],
            _NUMBER.sub(r"{int:\1}", path),
            tags=[area],
            auth=Bearer(rules.scope, rules.body),
            response={status: returns},
            operation_id=view.__name__,
            summary=summary.rstrip("."),
            description=" ".join(description.split()),
            openapi_extra={"x-rules": rules},
        )(wrapped)
        return view

    return register


def _checked(key: str) -> str:
    if 0 < len(key) <= idempotency.LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    text = f"Send 1 to {idempotency.LONGEST_KEY} printable ASCII characters."
    raise Problem("invalid_request", text, [FieldError(KEY_HEADER, "header", text)])


def _digest(request: HttpRequest) -> str:
    line = f"{request.method} {request.get_full_path()}\n"
    body = request.body
    # Programs choose another boundary for the parts of a body each time they send it.
    if boundary := (request.content_params or {}).get("boundary"):
        body = body.replace(f"--{boundary}".encode(), b"")
    return hashlib.sha256(line.encode() + body).hexdigest()


def _answer(request: HttpRequest, result: Any, rules: Rules, status: int) -> HttpResponse:
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


def _replayed(status: int, headers: dict[str, str], body: str) -> HttpResponse:
    answer = HttpResponse(body, status=status)
    if "Content-Type" not in headers:
        del answer.headers["Content-Type"]
    for name, value in headers.items():
        answer.headers[name] = value
    answer.headers["Idempotency-Replayed"] = "true"
    return answer
