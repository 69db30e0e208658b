"""Every operation with every kind of token: the list comes from the document."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from api.conftest import MakeToken, Program
from clarion.accounts import audit, tokens
from clarion.accounts.models import ApiToken
from clarion.accounts.scopes import SCOPES
from clarion.api.app import document
from clarion.kit import clock


class Operation(NamedTuple):
    """An operation of the document."""

    method: str
    path: str
    details: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _operations() -> Iterator[Operation]:
    for path, methods in document()["paths"].items():
        for method, details in methods.items():
            plain = re.sub(r"{\w+}", "999999", path.removeprefix("/api/v1"))
            yield Operation(method.upper(), plain, details)


OPERATIONS = list(_operations())


def statuses(program: Program, operations: list[Operation]) -> dict[str, int]:
    """What each operation answers to a program, with an empty body."""
    return {
        str(one): program(one.method, one.path, {} if "requestBody" in one.details else None)
        .status_code
        for one in operations
    }  # fmt: skip


def test_no_operation_answers_without_a_valid_token(make_token: MakeToken) -> None:
    expired, revoked = make_token(name="expired"), make_token(name="revoked")
    ApiToken.objects.filter(name="expired").update(expires_at=clock.now() - timedelta(days=1))
    tokens.revoke_token(ApiToken.objects.get(name="revoked"), by=audit.COMMAND_LINE)
    for secret in ("", "clarion_abcdefgh_x", expired, revoked):
        assert set(statuses(Program(secret), OPERATIONS).values()) == {401}


@pytest.mark.parametrize("scope", [*SCOPES, None])
def test_each_operation_asks_for_its_own_scope(make_token: MakeToken, scope: str | None) -> None:
    """With all scopes but one, exactly the operations of that one are refused."""
    all_but_one = Program(make_token([name for name in SCOPES if name != scope]))
    answers = statuses(all_but_one, OPERATIONS)
    refused = {name for name, status in answers.items() if status == 403}
    assert refused == {str(one) for one in OPERATIONS if one.details["x-scope"] == scope and scope}


def test_every_scope_exists() -> None:
    assert {one.details["x-scope"] for one in OPERATIONS} - {None} <= SCOPES.keys()


def test_what_reads_needs_a_scope_for_reading() -> None:
    """And what changes something, one for changing. A secret URL is worth as much as that."""
    for one in OPERATIONS:
        if one.details["operationId"] == "get_broadcast_url":
            continue
        if one.details["x-scope"] is not None:
            kind = one.details["x-scope"].partition(":")[2]
            assert (one.method == "GET") == (kind == "read"), str(one)


def test_what_creates_can_be_repeated() -> None:
    """Everything that answers 201 or 202 takes an Idempotency-Key."""
    for one in OPERATIONS:
        if {"201", "202"} & one.details["responses"].keys():
            assert one.details["x-repeatable"], str(one)


def test_what_edits_needs_a_version() -> None:
    for one in OPERATIONS:
        if one.method in {"PATCH", "PUT", "DELETE"}:
            assert {"412", "428"} <= one.details["responses"].keys(), str(one)
