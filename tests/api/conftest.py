"""Programs with tokens. They talk to the API through the Python client."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from clarion.accounts import audit, request_limits
from clarion.accounts.scopes import SCOPES
from clarion.accounts.tokens import create_token
from clarion_client import Client as Clarion

MakeToken = Callable[..., str]


class ToDjango(httpx.BaseTransport):
    """Hands the client's requests to Django, without a server between them."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self.client.generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            request.headers.get("content-type", ""),
            headers={name: value for name, value in request.headers.items() if name != "host"},
        )
        return httpx.Response(
            answer.status_code, headers=list(answer.items()), content=answer.content
        )


class Program:
    """A program that calls the API with a token."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.client = Client()

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request as it is; `headers` are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Authorization", f"Bearer {self.token}")
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(
            method, f"/api/v1{path}", data, "application/json" if data else "", headers=named
        )

    @property
    def clarion(self) -> Clarion:
        """The Python client."""
        return Clarion("http://testserver", self.token, retries=0, transport=ToDjango(self.client))

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request by the Python client, which must succeed: what that returns."""
        key = headers.get("Idempotency_Key")
        return self.clarion.request(
            method,
            f"/api/v1{path}",
            body=body,
            if_match=headers.get("If_Match"),
            key=key,
            repeatable=key is not None,
        )


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
