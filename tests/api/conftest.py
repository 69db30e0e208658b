"""Programs with tokens. They talk to the API through the Python client."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest
from django.db.models import Max
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

from clarion.accounts import audit, request_limits
from clarion.accounts.models import AuditEntry
from clarion.accounts.scopes import SCOPES
from clarion.accounts.tokens import create_token
from clarion.api.entry import URLCONF
from clarion_client import Client as Clarion

MakeToken = Callable[..., str]
# Requests after which the audit log may say nothing, and why.
UNAUDITED = {
    "POST agents/<int:agent_id>/reset-two-factor": "of an agent who has none, nothing changes",
    "POST broadcasts/<int:broadcast_id>/dry-run": "nothing changes",
    "POST broadcasts/<int:broadcast_id>/dry-run/cancel": "nothing changes",
    "POST broadcasts/<int:broadcast_id>/events": "every event is kept, with when it happened",
    "PATCH broadcasts/<int:broadcast_id>": "of a draft, which names who edited it last",
    "POST channels/<int:channel_id>/check": "nothing changes; the channel keeps the result",
    "POST channels/<int:channel_id>/register": "of one that is refused, nothing changes",
    "POST codes/redeem": "every redemption is kept, with who reported it",
    "POST imports": "the worker that imports notes it",
    "POST media": "nothing shows an upload until a story does",
    "POST messages": "every message is a broadcast, with who sent it",
}


def latest_entry() -> int | None:
    """The id of the newest entry of the audit log."""
    return AuditEntry.objects.aggregate(newest=Max("pk"))["newest"]


def sent(client: Client, method: str, path: str, *rest: Any, **more: Any) -> HttpResponse:
    """Send a request; one that changes something must leave an audit entry."""
    is_change = method not in {"GET", "HEAD", "OPTIONS"}
    before = latest_entry() if is_change else None
    answer = client.generic(method, path, *rest, **more)
    is_repeat = "Idempotency-Replayed" in answer
    if is_change and 200 <= answer.status_code <= 299 and not is_repeat:
        route = resolve(path.partition("?")[0], URLCONF).route.removeprefix("api/v1/")
        operation = f"{method} {route}"
        assert operation in UNAUDITED or latest_entry() != before, f"{operation} is not audited"
    return answer


class ToDjango(httpx.BaseTransport):
    """Hands the client's requests to Django, without a server between them."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = sent(
            self.client,
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
        content_type = "application/json" if data else ""
        return sent(self.client, method, f"/api/v1{path}", data, content_type, headers=named)

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
