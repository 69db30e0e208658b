"""``clarion token``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.accounts.models import ApiToken
from clarion.accounts.scopes import SCOPES
from clarion.accounts.tokens import find_token

pytestmark = pytest.mark.django_db


def test_a_token_is_printed_once(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    printed = ok("token", "create", "Web shop", "--scope", "contacts:read", "--days", "0")
    token = ApiToken.objects.get()
    secret = printed.splitlines()[1].rpartition(" ")[2]
    assert find_token(secret) == token
    assert token.expires_at is None
    [listed] = ok_json("token", "list")
    assert (listed["name"], listed["scopes"]) == ("Web shop", ["contacts:read"])
    assert secret not in ok("token", "list")


def test_all_scopes_and_a_limit(ok: Callable[..., str]) -> None:
    ok("token", "create", "Web shop", "--scope", "all", "--requests-per-minute", "7")
    token = ApiToken.objects.get()
    assert token.scopes == list(SCOPES)
    assert token.requests_per_minute == 7
    assert token.expires_at is not None


def test_revoke(ok: Callable[..., str], refused: Callable[..., str]) -> None:
    ok("token", "create", "Web shop", "--scope", "contacts:read")
    number = str(ApiToken.objects.get().pk)
    assert ok("token", "revoke", number) == "Web shop is revoked.\n"
    assert refused("token", "revoke", number) == (
        f"There is no token {number}. List them with: clarion token list"
    )
    assert "There are no tokens yet" in ok("token", "list")


def test_an_unknown_scope_is_refused(refused: Callable[..., str]) -> None:
    assert refused("token", "create", "A", "--scope", "x") == "There is no scope “x”."


def test_a_sender_can_create_none(ok: Callable[..., str], refused: Callable[..., str]) -> None:
    ok("agent", "add", "Sam", "--email", "sam@example.org", "--role", "sender")
    told = refused("token", "create", "A", "--scope", "contacts:read", "--as", "Sam")
    assert told == "Only managers and admins can create tokens."
