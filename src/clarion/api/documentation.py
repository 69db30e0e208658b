"""The document as JSON, and as a page of our own: nothing of it comes from another host."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render

from clarion.accounts.scopes import SCOPES
from clarion.api.app import document
from clarion.api.problems import STATUS, TITLES
from clarion.api.reading import areas, prose


def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return JsonResponse(document(), json_dumps_params={"indent": 1})


def docs(request: HttpRequest) -> HttpResponse:
    """All operations with their parameters and answers, on one page that is searched by Ctrl+F."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "HEAD"])
    context: dict[str, Any] = {
        "document": document(),
        "introduction": prose(document()["info"]["description"]),
        "areas": areas(document()),
        "scopes": [{"name": name, "label": scope.label} for name, scope in SCOPES.items()],
        "problems": [
            {"code": code, "title": TITLES[code], "status": status}
            for code, status in STATUS.items()
        ],
    }
    return render(request, "api/docs.html", context)
