"""The OpenAPI document: what ninja writes of parameters and answers, and what it does not know."""

import http
from typing import Any, Final

from clarion.accounts.idempotency import LONGEST_KEY
from clarion.api.answers import KEY_HEADER, Rules
from clarion.api.problems import MEDIA_TYPE, STATUS, TITLES

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "title": "Problem",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Where this kind of error is explained"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "enum": sorted(TITLES)},
        "detail": {"type": "string", "description": "What is wrong, and what to do"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "in", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Its path, such as channels.0"},
                    "in": {"type": "string", "description": "body, query, path or header"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_TEXT: Final = {"schema": {"type": "string"}}
_LIMITS: Final = {
    "RateLimit": {**_TEXT, "description": "Requests left, and seconds until the next window"},
    "RateLimit-Policy": {**_TEXT, "description": "Requests of this token in a window of seconds"},
}
_RETRY: Final = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}


def completed(schema: dict[str, Any]) -> dict[str, Any]:
    """The document with the answers, headers and scopes that follow from each operation's rules."""
    schema["components"].setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token"}
    }
    schema["servers"] = [{"url": "/"}]
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            _complete(operation, operation.pop("x-rules"), reads=method == "get")
    return schema


def _complete(operation: dict[str, Any], rules: Rules, *, reads: bool) -> None:
    operation["security"] = [{"token": [rules.scope] if rules.scope else []}]
    operation["x-scope"] = rules.scope
    operation["x-repeatable"] = rules.repeatable
    parameters = operation["parameters"]
    if rules.repeatable:
        parameters.append(_header(KEY_HEADER, required=False, longest=LONGEST_KEY))
    if rules.edits:
        # Not marked as required, so that its lack is answered with 428 instead of 422.
        parameters.append(_header("If-Match", required=False, longest=1000))
    for answer in operation["responses"].values():
        answer["headers"] = dict(_LIMITS) | _headers(rules)
    for status in sorted(_statuses(rules, reads=reads)):
        operation["responses"].setdefault(str(status), _problem(status))
    # ninja writes statuses as numbers; as JSON they are texts.
    operation["responses"] = {str(key): value for key, value in operation["responses"].items()}


def _statuses(rules: Rules, *, reads: bool) -> set[int]:
    statuses = {401, 403, 404, 422, 429, 500, 503}
    if rules.body:
        statuses |= {400, 413, 415}
    if not reads:
        statuses.add(409)
    if rules.edits:
        statuses |= {412, 428}
    return statuses


def _headers(rules: Rules) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if rules.tagged:
        headers["ETag"] = {**_TEXT, "description": "Its version, for If-Match"}
    if rules.paged:
        headers["Link"] = {**_TEXT, "description": "The next page (rel=next)"}
    if rules.repeatable:
        headers["Idempotency-Replayed"] = {**_TEXT, "description": "true for a repeated request"}
    return headers


def _header(name: str, *, required: bool, longest: int) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[!-~]+$"}
    return {"in": "header", "name": name, "required": required, "schema": schema}


def _problem(status: int) -> dict[str, Any]:
    headers: dict[str, Any] = {} if status == 401 else dict(_LIMITS)
    if status in {429, 503}:
        headers |= _RETRY
    if status == 401:
        headers["WWW-Authenticate"] = _TEXT
    codes = [code for code, of in STATUS.items() if of == status]
    return {
        "description": "; ".join(TITLES[code] for code in codes) or http.HTTPStatus(status).phrase,
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
    }
