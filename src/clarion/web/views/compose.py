"""New broadcast: one page that is saved as one types, with a summary at its side."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from clarion.accounts.models import Role
from clarion.broadcasts import drafts, launch, once
from clarion.broadcasts.audience import to_confirm
from clarion.broadcasts.errors import ApprovalNeeded, EditConflict, LaunchError
from clarion.broadcasts.estimate import AudienceSummary
from clarion.broadcasts.gaps import unaccepted
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import check
from clarion.broadcasts.states import BroadcastState
from clarion.contacts.search import contact_list
from clarion.kit import clock, ids
from clarion.kit.numbers import parse_count, parse_id
from clarion.web.composed import at_first, from_draft, from_post, is_changed
from clarion.web.forms.compose import Composition
from clarion.web.forms.compose_when import TAG
from clarion.web.requests import AgentRequest, needs
from clarion.web.views import compose_parts as parts
from clarion.web.views.compose_costs import cost_context

CLICKS = 10  # on Send at the same moment
FOUND = 6  # people offered for the preview
PARTS = {"text", "when", "audience"}


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def broadcast_new(request: AgentRequest) -> HttpResponse:
    """A new broadcast; it becomes a draft with the first change."""
    if request.method == "POST":
        return _finish(request, draft_of(request))
    return _page(request, None, at_first(request.user.time_zone))


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def broadcast_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Edit a draft, and send it. A scheduled one is taken back first, when that is asked for."""
    draft = get_object_or_404(Broadcast, pk=pk)
    if request.method == "POST" and "draft" in request.POST:
        return _finish(request, draft)
    if draft.state != BroadcastState.DRAFT:
        return _take_back(request, draft)
    return _page(request, draft, from_draft(draft))


def _take_back(request: AgentRequest, broadcast: Broadcast) -> HttpResponse:
    if request.method != "POST":
        messages.warning(request, _("Only a draft can be edited. Undo it first."))
        return redirect("broadcast", broadcast.pk)
    try:
        launch.edit(broadcast, by=request.user)
    except LaunchError as error:
        messages.error(request, str(error))
        return redirect("broadcast", broadcast.pk)
    messages.success(request, _("Undone: nothing was sent. It is a draft again."))
    return redirect("broadcast_edit", broadcast.pk)


def draft_of(request: AgentRequest) -> Broadcast | None:
    """What this page has been saved as, if it has, even when the answer never got there."""
    number = parse_id(request.POST.get("draft", "") or request.GET.get("draft", ""))
    if number is None:
        return once.made_by(_page_of(request))
    return Broadcast.objects.select_related("edited_by").filter(pk=number).first()


def _page_of(request: AgentRequest) -> str:
    return request.POST.get("page", "")[: once.TOKEN_LENGTH]


def save(
    request: AgentRequest,
    draft: Broadcast | None,
    composition: Composition,
    *,
    leaving: bool = False,
) -> Broadcast:
    """Save the page as a draft. Raises LaunchError when it is no draft any more.

    Raises EditConflict when somebody else has edited it since this page was shown. ``leaving``:
    it is the last that comes from this page, and may overtake what the page saved just before.
    """
    page = _page_of(request)
    fields = composition.draft_fields(draft, page)
    if draft is None:
        return drafts.create_draft(by=request.user, form_token=page, **fields)
    own = page if leaving else ""
    revision = _seen(request.POST)
    return drafts.edit_draft(draft, by=request.user, revision=revision, page=own, **fields)


def _seen(data: Mapping[str, str]) -> int | None:
    """The revision of the draft that the page shows."""
    return parse_count(data.get("revision", ""))


def _finish(request: AgentRequest, draft: Broadcast | None) -> HttpResponse:
    """Save, then launch when that is what was asked for."""
    composition = from_post(request.POST)
    if "copy" in request.POST:
        return _copy(request, draft, composition)
    saves = "save" in request.POST
    if draft is None and not (composition.is_worth_keeping or (saves and is_changed(composition))):
        return _page(request, None, composition, tried=True)
    try:
        if saves:
            save(request, draft, composition, leaving=True)
            messages.success(request, _("The draft is saved."))
            return redirect(f"{reverse('broadcasts')}?section=drafts")
        draft, not_sent = _send(request, draft, composition)
    except EditConflict as conflict:
        return _page(request, draft, composition, conflict=conflict)
    except LaunchError as error:
        return _too_late(request, draft_of(request), error)
    if "approval" in not_sent:
        return redirect("broadcast_approval", draft.pk)
    return (
        _page(request, draft, composition, **not_sent)
        if not_sent
        else redirect("broadcast", draft.pk)
    )


def _send(
    request: AgentRequest, draft: Broadcast | None, composition: Composition
) -> tuple[Broadcast, dict[str, Any]]:
    """Save, then launch: of several clicks one sends, and the others find it sent.

    In two transactions, for between them the audience is counted, which takes seconds where it is
    very large. What is not launched stays a draft; the second value is what its page shows then.
    Raises LaunchError as ``save``.
    """
    draft = save(request, draft, composition, leaving=True)
    if composition.problems or check(draft) or unaccepted(draft, parts.gaps_of(draft, composition)):
        return draft, {"tried": True}
    if "confirmed" not in request.POST and (large := to_confirm(draft)):
        return draft, {"confirm": large}
    try:
        return _launch(request, draft), {}
    except EditConflict:
        raise
    except ApprovalNeeded:
        return draft, {"approval": True}
    except LaunchError as error:
        draft.refresh_from_db()
        if draft.state != BroadcastState.DRAFT:
            raise
        return draft, {"tried": True, "refused_for": str(error)}


def _launch(request: AgentRequest, draft: Broadcast) -> Broadcast:
    """Launch what this page has just saved; another click on it may have saved the same again."""
    page = _page_of(request)
    for _attempt in range(CLICKS):
        try:
            return launch.start(draft, by=request.user, revision=draft.revision)
        except EditConflict:
            draft.refresh_from_db()
            mine = draft.edited_by_id == request.user.pk and draft.form_state.get("page") == page
            if not page or not mine:
                raise
    raise drafts.conflict(draft)


def _too_late(request: AgentRequest, draft: Broadcast | None, error: LaunchError) -> HttpResponse:
    """To what is no draft any more; all is well when it was this page that sent it."""
    if draft is None:
        messages.error(request, str(error))
        return redirect("broadcasts")
    page = _page_of(request)
    if page and page in {draft.form_token, draft.form_state.get("page")}:
        messages.info(
            request,
            _("This broadcast has already been sent from this page. It was not sent again."),
        )
    else:
        messages.error(request, str(error))
    return redirect("broadcast", draft.pk)


def _copy(request: AgentRequest, draft: Broadcast | None, composition: Composition) -> HttpResponse:
    """Keep what stands on this page as a draft of its own."""
    copy = drafts.duplicate(draft, by=request.user) if draft else None
    title = copy.title if copy else composition.title
    try:
        fields = {**composition.draft_fields(copy), "title": title}
        if copy is None:
            copy = drafts.create_draft(by=request.user, **fields)
        else:
            drafts.edit_draft(copy, by=request.user, **fields)
    except LaunchError as error:
        messages.error(request, str(error))
        return redirect("broadcasts")
    messages.success(request, _("This is your copy. The other draft stays as it is."))
    return redirect("broadcast_edit", copy.pk)


def _page(
    request: AgentRequest,
    draft: Broadcast | None,
    composition: Composition,
    *,
    tried: bool = False,
    conflict: EditConflict | None = None,
    confirm: AudienceSummary | None = None,
    refused_for: str = "",
) -> HttpResponse:
    people = parts.audience_context(draft, composition)
    content = parts.content_context(draft, composition, parts.Asked.read(request.POST))
    context = {
        "draft": draft,
        "form": composition,
        "closed_ways": parts.closed_ways(draft, composition),
        "page_id": ids.token() if draft else _page_of(request) or ids.token(),
        "confirm": confirm,
        "revision": request.POST.get("revision", "") if conflict else _revision(draft),
        "conflict": conflict,
        "test_address": parts.remembered_address(request.session.get("test_address")),
        **parts.choice_context(composition),
        **content,
        **people,
        **cost_context(draft, composition, people["counted"], content["preview_address"]),
        **parts.timing_context(draft, composition, people["counted"]),
        **parts.ending_context(draft, composition, tried=tried, refused_for=refused_for),
    }
    status = 422 if tried or conflict else 200
    return render(request, "broadcasts/compose.html", context, status=status)


def _revision(draft: Broadcast | None) -> int | str:
    return draft.revision if draft else ""


@needs(Role.SENDER)
@require_POST
def compose_save(request: AgentRequest, part: str) -> HttpResponse:
    """Save the page as it stands; answer with what follows from the part that was changed."""
    if part not in PARTS:
        raise Http404(part)
    composition = from_post(request.POST)
    draft = draft_of(request)
    if draft is not None or composition.is_worth_keeping or "selecting" in request.POST:
        try:
            draft = save(request, draft, composition, leaving="leaving" in request.POST)
        except LaunchError as error:
            return refused(request, draft, error)
    return saved(request, draft, composition, part=part)


def refused(request: AgentRequest, draft: Broadcast | None, error: LaunchError) -> HttpResponse:
    """Say who was faster, with what can be done; leave the page of what is no draft any more."""
    if isinstance(error, EditConflict):
        return render(
            request, "broadcasts/compose_conflict.html", {"conflict": error, "draft": draft}
        )
    messages.error(request, str(error))
    url = reverse("broadcast", args=[draft.pk]) if draft else reverse("broadcasts")
    return HttpResponseClientRedirect(url)


def saved(
    request: AgentRequest,
    draft: Broadcast | None,
    composition: Composition,
    *,
    part: str,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """The parts of the page that follow from what was changed; ``draft`` is as it is saved now.

    There is none while the page has nothing that is worth keeping.
    """
    people = parts.audience_context(draft, composition) if part == "audience" else {}
    counted = people.get("counted") or parts.Counted.read(request.POST.get("counted", ""))
    content = parts.content_context(draft, composition, parts.Asked.read(request.POST))
    context = {
        "part": part,
        "draft": draft,
        "form": composition,
        "revision": _revision(draft),
        "saved_at": clock.now() if draft else None,
        "tag_condition": TAG,
        **parts.name_context(composition),
        **content,
        **people,
        **cost_context(draft, composition, counted, content["preview_address"]),
        **parts.timing_context(draft, composition, counted),
        **parts.ending_context(draft, composition, tried=False),
        **(more or {}),
    }
    response = render(request, "broadcasts/compose_saved.html", context)
    if part == "audience":
        trigger_client_event(response, "audience-saved")  # for the people who can be ticked
    if draft is not None and not request.POST.get("draft"):
        response["HX-Replace-Url"] = reverse("broadcast_edit", args=[draft.pk])
    return response


@needs(Role.SENDER)
@require_safe
def compose_count(request: AgentRequest) -> HttpResponse:
    """The exact number of people of a draft, after an “about”; nothing when it has changed."""
    draft = draft_of(request)
    if draft is None or _seen(request.GET) != draft.revision:
        return HttpResponse(status=204)
    composition = from_draft(draft)
    context = {"form": composition, "draft": draft, "revision": draft.revision, "exact": True}
    context |= parts.audience_context(draft, composition, exactly=True)
    context |= parts.ending_context(draft, composition, tried=False, exactly=True)
    return render(request, "broadcasts/compose_counted.html", context)


@needs(Role.SENDER)
@require_safe
def compose_watch(request: AgentRequest) -> HttpResponse:
    """Whether somebody else has edited, sent or deleted the draft that a page shows."""
    number = request.GET.get("draft", "")
    if not number:
        return HttpResponse(status=204)
    draft = draft_of(request)
    if draft is None or draft.state != BroadcastState.DRAFT:
        return render(request, "broadcasts/compose_conflict.html", {"draft": draft, "gone": True})
    if _seen(request.GET) in {None, draft.revision}:
        return HttpResponse(status=204)
    conflict = drafts.conflict(draft)
    return render(
        request, "broadcasts/compose_conflict.html", {"conflict": conflict, "draft": draft}
    )


@needs(Role.SENDER)
@require_safe
def compose_contacts(request: AgentRequest) -> HttpResponse:
    """People to preview the message as, or to send a test to."""
    q = request.GET.get("q", request.GET.get("test_q", "")).strip()
    people = [
        {"name": row.name or reached.value, "address": reached}
        for row in (contact_list(q=q, limit=FOUND).rows if q else [])
        for reached in row.addresses
    ]
    context = {"people": people[:FOUND], "q": q, "for_test": "test_q" in request.GET}
    return render(request, "broadcasts/compose_contacts.html", context)
