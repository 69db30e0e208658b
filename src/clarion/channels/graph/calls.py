"""Requests to the Graph API, and reading its JSON."""

import json
from collections.abc import Mapping
from typing import Any

from clarion.channels import payloads
from clarion.transport.messages import HttpRequest

TIMEOUT = 15.0  # seconds


class GraphCalls:
    """Makes the requests of one channel: with its token, and to private addresses if it may."""

    def __init__(self, token: str, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._headers = (
            ("Content-Type", "application/json"),
            ("Authorization", f"Bearer {token}"),
        )

    def get(self, url: str) -> HttpRequest:
        """A GET."""
        return HttpRequest("GET", url, self._headers, b"", TIMEOUT, self._allow_private)

    def post(self, url: str, body: Mapping[str, object]) -> HttpRequest:
        """A POST of JSON."""
        raw = json.dumps(body, ensure_ascii=False).encode(errors="replace")
        return HttpRequest("POST", url, self._headers, raw, TIMEOUT, self._allow_private)


def first_in(value: object) -> Mapping[str, Any]:
    """The first object of a JSON list; empty for anything else."""
    return payloads.part(value[0]) if isinstance(value, list) and value else {}
