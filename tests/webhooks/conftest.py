"""An endpoint that a test listens at."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from clarion.kit import standard_webhooks
from clarion.webhooks.endpoints import add_endpoint
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint
from support import factory
from support.listener import Heard, Listener


class Receiver:
    """Another program: it answers ``status``, and keeps the events of what it accepted."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[Heard] = []  # all, refused ones too
        self.events: list[dict[str, Any]] = []
        self.listener = Listener(self.answer)

    def answer(self, heard: Heard) -> tuple[int, Any]:
        self.requests.append(heard)
        if 200 <= self.status <= 299:
            self.events += heard.body["data"]["events"]
        return self.status, {}

    @property
    def types(self) -> list[str]:
        """The types of the accepted events, sorted."""
        return sorted(event["type"] for event in self.events)

    def endpoint(self, *event_types: str, name: str = "Shop") -> Endpoint:
        """An endpoint here, for all events unless some are named."""
        endpoint, _ = add_endpoint(
            name=name,
            url=f"{self.listener.url}/events",
            event_types=event_types or EVENT_TYPES,
            allow_private=True,
            by=factory.BY,
        )
        return endpoint


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The program, listening."""
    receiver = Receiver()
    with receiver.listener:
        yield receiver


def is_signed(heard: Heard, secret: str) -> bool:
    """Whether a request carries a signature of that secret."""
    body = json.dumps(heard.body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = heard.headers
    expected = standard_webhooks.sign(
        standard_webhooks.key_of(secret), headers["webhook-id"],
        int(headers["webhook-timestamp"]), body,
    )  # fmt: skip
    return expected in headers["webhook-signature"].split()
