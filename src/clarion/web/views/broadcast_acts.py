"""What can be done with a broadcast: at once where it can be undone, after a question elsewhere."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Agent, Role
from clarion.broadcasts import calls, control, drafts, launch, restarts, retention
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.kit import rates
from clarion.kit.numbers import parse_id
from clarion.records.reasons import wording_of
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import name_of
from clarion.web.templatetags.pages import number
from clarion.web.views.broadcasts import find

Act = Callable[[Broadcast, Agent], Broadcast | None]
ACTS: dict[str, Act] = {
    "edit": lambda broadcast, by: launch.edit(broadcast, by=by),
    "send_now": lambda broadcast, by: launch.send_now(broadcast, by=by),
    "undo": lambda broadcast, by: launch.undo(broadcast, by=by),
    "accept_missed": lambda broadcast, by: launch.accept_missed(broadcast, by=by),
    "pause": lambda broadcast, by: control.pause(broadcast, by=by),
    "resume": lambda broadcast, by: control.resume(broadcast, by=by),
    "end_wait": lambda broadcast, by: control.resume(broadcast, by=by),
    "stop": lambda broadcast, by: control.stop(broadcast, by=by),
    "duplicate": lambda broadcast, by: drafts.duplicate(broadcast, by=by),
    "delete": lambda broadcast, by: control.delete(broadcast, by=by),
    "remove": lambda broadcast, by: retention.remove(broadcast, by=by),
    "rotate": lambda broadcast, by: calls.rotate(broadcast, by=by),
}
ASKS = ("stop", "delete", "remove", "restart", "release", "rate", "rotate")  # before they are done


@needs(Role.SENDER)
@require_POST
def broadcast_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Do at once what ACTS has: what can be undone, and what was asked about before."""
    if act not in ACTS:
        raise Http404(act)
    broadcast = find(pk)
    name = name_of(broadcast)
    try:
        done = ACTS[act](broadcast, request.user)
    except ValueError as error:  # what packages raise for a person's mistake
        messages.error(request, str(error))
        return _back(request, pk)
    if act == "undo":
        messages.success(request, _("Undone: nothing was sent. It is a draft again."))
    elif act == "duplicate":
        messages.success(request, _("This draft is a copy of “%s”.") % name)
    elif act == "rotate":
        messages.success(request, _("This is the new URL. The old one no longer works."))
    elif act in {"delete", "remove"}:
        messages.success(request, _("“%s” is deleted.") % name)
        return _back(request, None)
    if act in {"edit", "undo", "duplicate"} and done is not None:
        return redirect("broadcast_edit", done.pk)
    return _back(request, pk)


def _back(request: AgentRequest, pk: int | None) -> HttpResponse:
    """To the list that the agent came from, else to the broadcast."""
    if back := _ours(request.POST.get("back", "")):
        return redirect(back)
    return redirect("broadcasts") if pk is None else redirect("broadcast", pk)


def _ours(address: str) -> str:
    """The address of a page of ours, else nothing."""
    is_local = address.startswith("/") and url_has_allowed_host_and_scheme(
        address, allowed_hosts=None
    )
    return address if is_local else ""


@needs(Role.SENDER)
@require_safe
def broadcast_ask(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """The question before something that can't be undone, on a page of its own."""
    if act not in ASKS:
        raise Http404(act)
    broadcast = find(pk)
    able = [*control.actions(broadcast), *(["rotate"] if calls.path(broadcast) else [])]
    if act not in able:
        messages.error(request, _("This is no longer possible: the broadcast has changed."))
        return redirect("broadcast", pk)
    context: dict[str, Any] = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "alone": True,
        "back": _ours(request.GET.get("back", "")),
    }
    if act == "restart":
        context |= _left(broadcast, parse_id(request.GET.get("cause", "")))
    if act == "remove":
        context["goes"] = retention.removal(broadcast)
    context["question"] = f"broadcasts/asks/{act}.html"
    return render(request, "broadcasts/ask.html", context)


def _left(broadcast: Broadcast, cause: int | None = None) -> dict[str, Any]:
    left = restarts.leftover(broadcast, cause)
    text = wording_of(cause) if cause else ""
    return {
        "left": left,
        "certain": left["failed"] + left["unsent"],
        "cause": cause,
        "cause_text": text,
    }


@needs(Role.SENDER)
@require_safe
def broadcast_left(request: AgentRequest, pk: int) -> HttpResponse:
    """To how many a restart would go, counted when its dialog is opened."""
    broadcast = find(pk)
    return render(
        request, "broadcasts/asks/left.html", {"broadcast": broadcast, **_left(broadcast)}
    )


@needs(Role.SENDER)
@require_POST
def broadcast_restart(request: AgentRequest, pk: int) -> HttpResponse:
    """Send again to those who failed or were left out, as a new broadcast."""
    in_doubt = request.POST.get("in_doubt") == "on"
    try:
        fresh = restarts.restart(
            find(pk),
            by=request.user,
            in_doubt=in_doubt,
            cause=parse_id(request.POST.get("cause", "")),
        )
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("broadcast", pk)
    return redirect("broadcast", fresh.pk)


@needs(Role.SENDER)
@require_POST
def broadcast_rate(request: AgentRequest, pk: int) -> HttpResponse:
    """Change the send rate while it runs; an empty field is as fast as the channels go."""
    try:
        rate = rates.parse(request.POST.get("rate", ""))
        changed = control.set_rate(find(pk), rate, by=request.user)
    except ValueError as error:  # what rooms raise for a person's mistake
        messages.error(request, str(error))
    else:
        if changed.rate is None:
            messages.success(request, _("Send rate: no limit other than that of the channels."))
        else:
            sentence = _("Send rate: at most %s messages a second.")
            messages.success(request, sentence % number(changed.rate))
    return redirect("broadcast", pk)


@needs(Role.SENDER)
@require_POST
def broadcast_release(request: AgentRequest, pk: int) -> HttpResponse:
    """Let people who are held have it now: all of them, or one by their chat number."""
    chat = parse_id(request.POST["chat"]) if "chat" in request.POST else None
    if chat is None and "chat" in request.POST:
        raise Http404("no chat has such a number")
    try:
        count = control.release_held(
            find(pk), by=request.user, address_ids=None if chat is None else [chat]
        )
    except ControlError as error:
        messages.error(request, str(error))
    else:
        sentence = ngettext("%s recipient released.", "%s recipients released.", count)
        messages.success(request, sentence % number(count))
    return _back(request, pk)
