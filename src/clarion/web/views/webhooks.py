"""Webhook endpoints: list, add, edit, pause, resume, delete, and what was posted to them."""

import json
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.kit import clock
from clarion.kit.paging import Cursor, CursorError
from clarion.web.forms.webhooks import EndpointForm, values_of
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.webhooks import endpoints, log
from clarion.webhooks.errors import EndpointError
from clarion.webhooks.events import EVENT_TYPES, body_of
from clarion.webhooks.models import Endpoint, EndpointRequest
from clarion.webhooks.queue import events_of

_ON_A_PAGE = 50  # requests


@needs(Role.MANAGER)
@require_safe
def webhooks(request: AgentRequest) -> HttpResponse:
    """The endpoints."""
    rows = Endpoint.objects.order_by("name")
    return render(request, "webhooks/list.html", {"endpoints": rows, "of": len(EVENT_TYPES)})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_new(request: AgentRequest) -> HttpResponse:
    """Add an endpoint, and show its secret this once."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = endpoints.add_endpoint(**form.cleaned_data, by=request.user)
        except EndpointError as error:
            form.refuse(error)
        else:
            context = {"endpoint": endpoint, "secret": secret, "is_new": True}
            return render(request, "webhooks/secret.html", context)
    return render(request, "webhooks/edit.html", {"form": form})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change an endpoint."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    form = EndpointForm(request.POST or None, initial=values_of(endpoint))
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.edit_endpoint(endpoint, **form.cleaned_data, by=request.user)
        except EndpointError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved."))
            return redirect("webhook", pk)
    name = Endpoint.objects.values_list("name", flat=True).get(pk=pk)
    return render(request, "webhooks/edit.html", {"form": form, "pk": pk, "name": name})


@needs(Role.MANAGER)
@require_safe
def webhook(request: AgentRequest, pk: int) -> HttpResponse:
    """An endpoint and its log."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    try:
        context = {
            "endpoint": endpoint,
            "has_all": len(endpoint.event_types) == len(EVENT_TYPES),
            **_log(request, endpoint),
        }
    except CursorError:
        return redirect("webhook", pk)
    if request.GET.get("part") == "log":
        return fragment(request, "webhooks/log.html", context)
    return render(request, "webhooks/one.html", context)


@needs(Role.MANAGER)
@require_POST
def webhook_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Pause an endpoint, post a test event to it, or post what failed again."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    try:
        if act == "pause":
            endpoints.pause_endpoint(endpoint, by=request.user)
        elif act == "test":
            endpoints.send_test(endpoint, by=request.user)
        elif act == "repeat-failed":
            count = log.repeat_failed(endpoint, by=request.user)
            text = ngettext(
                "%(n)s request will be posted again.", "%(n)s requests will be posted again.", count
            )
            messages.success(request, text % {"n": f"{count:,}"})
        else:
            raise Http404
    except EndpointError as error:
        messages.error(request, str(error))
    return redirect("webhook", pk)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_resume(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask what to do with the events since it was paused or disabled, then resume it."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        try:
            skip = request.POST.get("skip") == "yes"
            endpoints.resume_endpoint(endpoint, skip=skip, by=request.user)
        except EndpointError as error:
            messages.error(request, str(error))
        return redirect("webhook", pk)
    return render(request, "webhooks/resume.html", {"endpoint": endpoint})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_rotate(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then replace the secret and show the new one this once."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        secret = endpoints.rotate_secret(endpoint, by=request.user)
        return render(request, "webhooks/secret.html", {"endpoint": endpoint, "secret": secret})
    return render(request, "webhooks/rotate.html", {"endpoint": endpoint})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete an endpoint with its log."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    if request.method == "POST":
        endpoints.delete_endpoint(endpoint, by=request.user)
        messages.success(request, _("“%s” has been deleted.") % endpoint.name)
        return redirect("webhooks")
    return render(request, "webhooks/delete.html", {"endpoint": endpoint})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def webhook_request(request: AgentRequest, pk: int, number: int) -> HttpResponse:
    """One request: how it ended and what it carries; post it again."""
    endpoint = get_object_or_404(Endpoint, pk=pk)
    row = get_object_or_404(EndpointRequest.objects.select_related("endpoint"), pk=number,
                            endpoint=endpoint)  # fmt: skip
    if request.method == "POST":
        log.repeat_request(row, by=request.user)
        messages.success(request, _("The request will be posted again."))
        return redirect("webhook", pk)
    at = clock.to_us(row.attempted_at or row.created_at)
    events = events_of(row)
    body = json.dumps(json.loads(body_of(events, at)), indent=2, ensure_ascii=False)
    context = {"endpoint": endpoint, "row": row, "body": body if events else ""}
    return render(request, "webhooks/request.html", context)


def _address(request: AgentRequest, query: dict[str, str]) -> str:
    kept = {name: value for name, value in query.items() if value}
    return request.path + (f"?{urlencode(kept)}" if kept else "")


def _log(request: AgentRequest, endpoint: Endpoint) -> dict[str, object]:
    state = request.GET.get("state", "")
    if state not in EndpointRequest.State.values:
        state = ""
    requests = log.log_of(endpoint, state)
    after = request.GET.get("after", "")
    if after:
        (key,) = Cursor.parse(after, 1).key
        requests = requests.filter(pk__lt=key)
    rows = list(requests[: _ON_A_PAGE + 1])
    shown = rows[:_ON_A_PAGE]
    following = str(Cursor((shown[-1].pk,))) if len(rows) > _ON_A_PAGE else ""
    kept = {"state": state}
    return {
        "rows": shown,
        "state": state,
        "states": EndpointRequest.State.choices,
        "has_failed": log.log_of(endpoint, "failed").exists(),
        "live_url": _address(request, {**kept, "after": after, "part": "log"}),
        "first_url": _address(request, kept) if after else "",
        "next_url": _address(request, {**kept, "after": following}) if following else "",
    }
