"""Segments: list, add, edit, delete, and how many contacts are in one as it is typed."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.attribute_filters import CHOICES
from clarion.contacts.models import Tag
from clarion.segments import manage
from clarion.segments.manage import SegmentError
from clarion.segments.members import conditions_of, count, sample
from clarion.segments.models import Segment
from clarion.web.forms.segments import WORDS, SegmentForm, from_post, from_segment
from clarion.web.requests import AgentRequest, needs


@require_safe
def segments(request: AgentRequest) -> HttpResponse:
    """All segments with their conditions; the page asks how many contacts are in each."""
    rows = [
        {
            "segment": segment,
            "conditions": conditions_of(segment),
        }
        for segment in Segment.objects.order_by("name")
    ]
    return render(request, "segments/list.html", {"rows": rows})


@require_safe
def segment_counted(request: AgentRequest, pk: int) -> HttpResponse:
    """How many contacts are in a saved segment; about, of very many."""
    counted = count(get_object_or_404(Segment, pk=pk), quick=True)
    return render(request, "segments/counted.html", {"count": counted})


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def segment_new(request: AgentRequest) -> HttpResponse:
    """Add a segment."""
    return _edit(request, None)


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def segment_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change a segment's name and conditions."""
    return _edit(request, get_object_or_404(Segment, pk=pk))


def _edit(request: AgentRequest, segment: Segment | None) -> HttpResponse:
    problem = ""
    form = from_segment(segment) if segment else SegmentForm()
    if request.method == "POST":
        form = from_post(request.POST)
        try:
            if form.is_right and _save(request, form, segment):
                return redirect("segments")
        except SegmentError as error:
            problem = str(error)
    context = {
        "segment": segment,
        "form": form,
        "problem": problem,
        "special": WORDS,
        "comparisons": CHOICES,
        "known": _known_names(),
    }
    return render(request, "segments/edit.html", context)


def _save(request: AgentRequest, form: SegmentForm, segment: Segment | None) -> bool:
    fields: dict[str, Any] = {"name": form.name, "conditions": form.conditions, "match": form.match}
    if segment is None:
        saved = manage.define(**fields, by=request.user)
    else:
        saved = manage.update(segment, **fields, by=request.user)
    messages.success(request, _("“%s” is saved. Broadcasts can use it.") % saved.name)
    return True


def _known_names() -> list[str]:
    """What the values of conditions on tags, consents and channels can be."""
    models = (Tag, Consent, Channel)
    names = [model.objects.values_list("name", flat=True) for model in models]
    return sorted({name for some in names for name in some}, key=str.casefold)


@needs(Role.SENDER)
@require_POST
def segment_count(request: AgentRequest) -> HttpResponse:
    """How many contacts fulfil the conditions as they are typed: about, at first, of very many."""
    form = from_post(request.POST)
    segment = form.unsaved
    counted = None
    if form.conditions:
        counted = count(segment, quick="exactly" not in request.GET)
    context = {
        "count": counted,
        "sample": sample(segment) if counted and counted.contacts and not counted.about else [],
    }
    return render(request, "segments/count.html", context)


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def segment_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete a segment."""
    segment = get_object_or_404(Segment, pk=pk)
    if request.method == "POST":
        try:
            manage.delete(segment, by=request.user)
        except SegmentError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("“%s” has been deleted.") % segment.name)
        return redirect("segments")
    context = {"segment": segment, "needed_by": manage.needed_by(segment)}
    return render(request, "segments/delete.html", context)
