"""Parts of pages that are asked for again and again: 304 when nothing has changed."""

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string


def fragment(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The rendered part of a page, or 304 when the browser shows the very same already.

    The template must not contain what differs in every answer, such as a CSRF token.
    """
    html = render_to_string(template, context, request)
    tag = etag(html)
    if request.headers.get("If-None-Match") == tag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(html)
    response["ETag"] = tag
    response["Cache-Control"] = "no-store"
    return response


def etag(html: str) -> str:
    """The name of this exact content."""
    return f'"{hashlib.blake2b(html.encode(), digest_size=12).hexdigest()}"'
