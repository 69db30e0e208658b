"""Programs with tokens."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from clarion.accounts import audit, request_limits
from clarion.accounts.scopes import SCOPES
from clarion.accounts.tokens import create_token

MakeToken = Callable[..., str]


class Program:
    """A program that calls the API with a token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; `headers` are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", f"Bearer {self.token}")
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(
            method, f"/api/v1{path}", data, "application/json" if data else "", headers=named
        )

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """As a call, for one that must succeed: its JSON."""
        answer = self(method, path, body, **headers)
        assert answer.status_code < 300, answer.content.decode()
        return json.loads(answer.content) if answer.content else None


@pytest.fixture(autouse=True)
def _no_reserves() -> None:
    """Requests of an earlier test are not counted."""
    request_limits.forget()


@pytest.fixture
def make_token(db: None) -> MakeToken:
    """Make a token with these scopes, all of them unless given; return its secret."""

    def make(scopes: Iterable[str] = SCOPES, name: str = "Shop", **more: Any) -> str:
        more = {"expires_at": None} | more
        return create_token(name=name, scopes=scopes, by=audit.COMMAND_LINE, **more)[1]

    return make


@pytest.fixture
def call(make_token: MakeToken) -> Program:
    """A program that may do everything."""
    return Program(make_token())
