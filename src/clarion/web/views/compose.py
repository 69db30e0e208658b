"""New broadcast: one page that is saved as one types, with a summary at its side."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from clarion.accounts.models import Role
from clarion.broadcasts import launch
from clarion.broadcasts.audience import DROPPED, Audience, summary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.contacts.models import Address
from clarion.contacts.search import contact_list, known_variables
from clarion.contacts.tags import tag_counts
from clarion.content.rendering import ContentError, preview
from clarion.web.forms.compose import Composition, from_draft, from_post, text_problems
from clarion.web.people import channels_with_people
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import audience_words
from clarion.web.zones import zone_choices

FOUND = 6  # people offered for the preview


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def broadcast_new(request: AgentRequest) -> HttpResponse:
    """A new broadcast; it becomes a draft with the first change."""
    if request.method == "POST":
        return _finish(request, draft_of(request))
    only = list(Channel.objects.values_list("pk", flat=True)[:2])
    made = Composition(
        channel_ids=only if len(only) == 1 else [], who="all", zone=request.user.time_zone
    )
    return _page(request, None, made)


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def broadcast_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Edit a draft, and send it."""
    draft = get_object_or_404(Broadcast, pk=pk)
    if draft.state != BroadcastState.DRAFT:
        messages.warning(request, _("Only a draft can be edited."))
        return redirect("broadcast", pk)
    if request.method == "POST":
        return _finish(request, draft)
    return _page(request, draft, from_draft(draft))


def draft_of(request: AgentRequest) -> Broadcast | None:
    """The draft that this page has been saved as, if it has."""
    number = request.POST.get("draft", "")
    if not number.isdecimal():
        return None
    return Broadcast.objects.filter(pk=int(number)).first()


def save(request: AgentRequest, draft: Broadcast | None, made: Composition) -> Broadcast:
    """Save the page as a draft. Raises LaunchError when it is no draft any more."""
    fields = made.draft_fields(draft)
    if draft is None:
        return launch.create_draft(by=request.user, **fields)
    return launch.edit_draft(draft, by=request.user, **fields)


def _finish(request: AgentRequest, draft: Broadcast | None) -> HttpResponse:
    """Save, then send or schedule when that is what was asked for."""
    made = from_post(request.POST)
    try:
        draft = save(request, draft, made)
        if "save" in request.POST:
            messages.success(request, _("The draft is saved."))
            return redirect(f"{reverse('broadcasts')}?section=drafts")
        if made.problems:
            return _page(request, draft, made, tried=True)
        if made.moment is not None:
            launch.schedule(draft, at=made.moment, by=request.user)
        else:
            launch.send(draft, by=request.user)
    except launch.LaunchError as error:
        if draft is None or draft.state != BroadcastState.DRAFT:
            messages.error(request, str(error))
            return redirect("broadcast", draft.pk) if draft else redirect("broadcasts")
        return _page(request, draft, made, tried=True)
    return redirect("broadcast", draft.pk)


def _page(
    request: AgentRequest, draft: Broadcast | None, made: Composition, *, tried: bool = False
) -> HttpResponse:
    context = {
        "draft": draft,
        "made": made,
        "all_channels": [
            {"channel": channel, "kind": kind_class(channel.kind).label}
            for channel in channels_with_people()
        ],
        "tag_counts": tag_counts(),
        "variables": sorted(known_variables(), key=_own_first),
        "zones": zone_choices(made.zone),
        **_text_side(request, made),
        **_audience_side(draft, made),
        **_ending(draft, made, tried=tried),
    }
    return render(request, "broadcasts/compose.html", context, status=422 if tried else 200)


def _own_first(name: str) -> tuple[bool, str]:
    return name != "contact.name", name


@needs(Role.SENDER)
@require_POST
def compose_save(request: AgentRequest, part: str) -> HttpResponse:
    """Save the page as it stands; answer with what follows from the part that was changed."""
    if part not in {"text", "audience"}:
        raise Http404(part)
    made = from_post(request.POST)
    draft = draft_of(request)
    is_new = draft is None
    try:
        draft = save(request, draft, made)
    except launch.LaunchError as error:  # it was sent, from another window
        return gone(request, draft, error)
    return saved(request, draft, made, part=part, is_new=is_new)


def gone(request: AgentRequest, draft: Broadcast | None, error: ValueError) -> HttpResponse:
    """Leave the page of what is no draft any more, and say so."""
    messages.error(request, str(error))
    there = reverse("broadcast", args=[draft.pk]) if draft else reverse("broadcasts")
    return HttpResponseClientRedirect(there)


def saved(
    request: AgentRequest,
    draft: Broadcast | None,
    made: Composition,
    *,
    part: str,
    is_new: bool,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """The parts of the page that follow from what was changed; ``draft`` is as it is saved now."""
    context = {
        "part": part,
        "draft": draft,
        "made": made,
        **_text_side(request, made),
        **(_audience_side(draft, made) if part == "audience" else {}),
        **_ending(draft, made, tried=False),
        **(more or {}),
    }
    response = render(request, "broadcasts/compose_saved.html", context)
    if is_new and draft is not None:
        response["HX-Replace-Url"] = reverse("broadcast_edit", args=[draft.pk])
    return response


def _text_side(request: AgentRequest, made: Composition) -> dict[str, Any]:
    """What is wrong with the text, and how it looks to one person."""
    address = _person(request, made)
    shown, problem = "", ""
    if address is not None and made.text:
        try:
            shown = preview(made.text, address.contact, address)
        except ContentError as error:
            problem = str(error)
    return {
        "text_problems": text_problems(made.text),
        "preview_person": address,
        "preview_text": shown,
        "preview_problem": problem,
    }


def _person(request: AgentRequest, made: Composition) -> Address | None:
    """The person of the preview: who was chosen, else somebody on the chosen channels."""
    people = Address.objects.select_related("contact", "channel")
    chosen = request.POST.get("person", "")
    if chosen.isdecimal() and len(chosen) < 19:
        found = people.filter(pk=int(chosen)).first()
        if found is not None:
            return found
    if made.picks:
        return people.filter(pk=made.picks[0]).first()
    return people.filter(channel__in=made.channel_ids).order_by("channel_id", "pk").first()


def _audience_side(draft: Broadcast | None, made: Composition) -> dict[str, Any]:
    """How many people, by channel, and who drops out (A6)."""
    channels = made.channels
    found = None
    spec = draft.audience if draft else {"kind": "all"}
    if channels and spec:
        audience = Audience.model_validate(spec)
        if draft is not None or audience.kind != "picks":
            found = summary(audience, channels, broadcast_id=draft.pk if draft else None)
    return {
        "found": found,
        "by_channel": [(c, found.by_channel.get(c.pk, 0)) for c in channels] if found else [],
        "dropped": [(DROPPED[reason], n) for reason, n in found.dropped.items()] if found else [],
        "one_channel": channels[0] if len(channels) == 1 else None,
        "picked": draft.picks.count() if draft and made.who in {"ids", "picked"} else 0,
        "who_words": audience_words(draft) if draft else _("Everyone on its channels"),
    }


def _ending(draft: Broadcast | None, made: Composition, *, tried: bool) -> dict[str, Any]:
    """What is still missing, and how it leaves."""
    missing = launch.check(draft) if draft else []
    return {
        "missing": list(dict.fromkeys([*made.problems.values(), *missing])),
        "tried": tried,
        "undo_seconds": settings.CLARION.undo_seconds,
    }


@needs(Role.SENDER)
@require_safe
def compose_people(request: AgentRequest) -> HttpResponse:
    """People to preview the text as."""
    q = request.GET.get("q", "").strip()
    people = [
        {"name": row.name or reached.value, "address": reached}
        for row in (contact_list(q=q, limit=FOUND).rows if q else [])
        for reached in row.addresses
    ]
    context = {"people": people[:FOUND], "q": q}
    return render(request, "broadcasts/compose_people.html", context)
