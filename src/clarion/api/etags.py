"""Versions of what is edited: a digest of what the API shows of it (RFC 9110)."""

import hashlib

from django.http import HttpRequest

from clarion.api.problems import Problem
from clarion.api.types import Output


def etag_of(resource: Output) -> str:
    """The ETag of a resource."""
    text = resource.model_dump_json(exclude=set(resource.volatile))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def require_match(request: HttpRequest, current: Output) -> None:
    """Refuse an edit of a version that is not the present one. Call it with the row locked.

    Raises Problem: 428 without If-Match, 412 for another version.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header:
        raise Problem(
            "if_match_required",
            "Send the ETag of the version that you read as If-Match, so that no edit is lost.",
        )
    tags = {tag.strip() for tag in header.split(",")}
    if "*" not in tags and etag_of(current) not in tags:
        raise Problem(
            "changed_meanwhile", "It has changed since you read it. Read it again, then edit it."
        )
