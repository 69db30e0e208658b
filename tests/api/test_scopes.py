"""Every operation with every kind of token: the list comes from the document."""

import functools
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


@functools.cache
def operations() -> list[Operation]:
    return list(_listed())


def _listed() -> Iterator[Operation]:
    for path, methods in document()["paths"].items():
        for method, details in methods.items():
            plain = re.sub(r"{\w+}", "999999", path.removeprefix("/api/v1"))
            yield Operation(method.upper(), plain, details)


def statuses(program: Program, asked: list[Operation]) -> dict[str, int]:
    """What each operation answers to a program, with an empty body."""
    return {
        str(one): program(one.method, one.path, {} if "requestBody" in one.details else None)
        .status_code
        for one in asked
    }  # fmt: skip


def test_no_operation_answers_without_a_valid_token(make_token: MakeToken) -> None:
    expired, revoked = make_token(name="expired"), make_token(name="revoked")
    ApiToken.objects.filter(name="expired").update(expires_at=clock.now() - timedelta(days=1))
    tokens.revoke_token(ApiToken.objects.get(name="revoked"), by=audit.COMMAND_LINE)
    for secret in ("", "clarion_abcdefgh_x", expired, revoked):
        assert set(statuses(Program(secret), operations()).values()) == {401}


@pytest.mark.parametrize("scope", SCOPES)
def test_n4_each_operation_asks_for_its_own_scope(make_token: MakeToken, scope: str) -> None:
    """It is refused with all the other scopes, and needs no other one."""
    ours = [one for one in operations() if one.details["x-scope"] == scope]
    all_but_one = Program(make_token([name for name in SCOPES if name != scope]))
    assert set(statuses(all_but_one, ours).values()) == {403}
    assert 403 not in statuses(Program(make_token([scope], name="One")), ours).values()


def test_operations_without_a_scope_need_none(make_token: MakeToken) -> None:
    scopeless = [one for one in operations() if one.details["x-scope"] is None]
    assert scopeless
    assert 403 not in statuses(Program(make_token(list(SCOPES)[:1])), scopeless).values()


def test_every_scope_exists() -> None:
    assert {one.details["x-scope"] for one in operations()} - {None} <= SCOPES.keys()


def test_what_reads_needs_a_scope_for_reading() -> None:
    """And what changes something, one for changing. A secret URL is worth as much as that."""
    for one in operations():
        if one.details["operationId"] == "get_broadcast_url":
            continue
        if one.details["x-scope"] is not None:
            kind = one.details["x-scope"].partition(":")[2]
            assert (one.method == "GET") == (kind == "read"), str(one)


def test_what_creates_can_be_repeated() -> None:
    """Everything that answers 201 or 202 takes an Idempotency-Key."""
    for one in operations():
        if {"201", "202"} & one.details["responses"].keys():
            assert one.details["x-repeatable"], str(one)


def test_what_edits_needs_a_version() -> None:
    for one in operations():
        if one.method in {"PATCH", "PUT", "DELETE"}:
            assert {"412", "428"} <= one.details["responses"].keys(), str(one)
