"""Schemathesis over the whole API: no 5xx, and no answer that the document does not have."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.conftest import MakeToken, Program
from clarion.channels.models import Channel
from support import factory

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FEW = settings(
    max_examples=3,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def one_connection() -> Iterator[None]:
    """Requests keep the connection, in whose transaction the test is; as Django's client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def token(call: Program, make_token: MakeToken, channel: Channel) -> str:
    """A token that may do everything, and something of each kind that it may do it with."""
    factory.people(channel, 3)
    factory.sending([channel])
    factory.draft([channel])
    call.ok("POST", "/consents", {"name": "Newsletter"})
    call.ok("POST", "/stories", {"name": "Hello", "blocks": [{"kind": "text", "text": "Hello"}]})
    return make_token(name="Schemathesis", requests_per_minute=1_000_000)


@functools.cache
def read_operations() -> list[Any]:
    with one_connection():
        schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
    return [result.ok() for result in schema.get_all_operations()]


@pytest.fixture
def operations(db: None) -> list[Any]:
    """All operations of the document, read when a test needs it: collecting would take seconds."""
    return read_operations()


PARTS = 6  # for as many processes


@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_documented(operations: list[Any], token: str, part: int) -> None:
    for operation in operations[part::PARTS]:
        headers = {"Authorization": f"Bearer {token}"}
        if operation.method.upper() in {"PATCH", "PUT", "DELETE"}:
            headers["If-Match"] = "*"
        check(operation, headers)


def check(operation: Any, headers: dict[str, str]) -> None:
    """Call an operation in several ways, and compare the answers with the document."""

    @FEW
    @given(case=operation.as_strategy())
    def answers(case: Case) -> None:
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    with one_connection():
        answers()


@pytest.mark.django_db
def test_nothing_but_401_without_credentials(operations: list[Any]) -> None:
    for operation in operations:

        @settings(FEW, max_examples=1)
        @given(case=operation.as_strategy())
        def answers(case: Case) -> None:
            answer = case.call()
            case.validate_response(answer, checks=CHECKS)
            # A path whose id is no number leads to no operation.
            assert answer.status_code in {401, 404}

        with one_connection():
            answers()
