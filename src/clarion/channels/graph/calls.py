"""Requests to the Graph API, and reading its JSON."""

import json
from collections.abc import Mapping
from typing import Any

from clarion.channels import payloads
from clarion.channels.multipart import form
from clarion.kit.parts import Media
from clarion.transport.messages import HttpRequest

TIMEOUT = 15.0  # seconds
TIMEOUT_UPLOADING = 60.0


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

    def upload(self, url: str, fields: Mapping[str, str], media: Media) -> HttpRequest:
        """A POST of a form with a file; needs ``media.data``."""
        content_type, raw = form(fields, "file", media)
        headers = (("Content-Type", content_type), *self._headers[1:])
        return HttpRequest("POST", url, headers, raw, TIMEOUT_UPLOADING, self._allow_private)


def first_in(value: object) -> Mapping[str, Any]:
    """The first object of a JSON list; empty for anything else."""
    return payloads.part(value[0]) if isinstance(value, list) and value else {}
