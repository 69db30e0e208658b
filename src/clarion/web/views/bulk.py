"""Bulk actions: one change to selected contacts, or to all that the filters of the list find."""

from pathlib import Path
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.bulk import actions
from clarion.bulk.acts import rejects_path
from clarion.bulk.errors import BulkError
from clarion.bulk.export import export_csv
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.consents.models import Consent
from clarion.contacts.attribute_filters import AttributeFilter
from clarion.contacts.import_look import first_of
from clarion.contacts.models import Tag
from clarion.engine.status import workers_alive
from clarion.kit.numbers import parse_count, parse_id
from clarion.web.forms.bulk import FORMS, form_of
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download, stored_file
from clarion.web.templatetags.pages import number

LARGE: Final = 100  # contacts from which on deleting needs their number typed
LISTED: Final = 50
FILTERS: Final = ("q", "channel", "tag", "attribute", "is", "value")


def selection_of(query: QueryDict) -> Selection:
    """The contacts that a query is about. Raises BulkError and ConditionError."""
    if query.get("of") == "selected" or ("of" not in query and query.getlist("id")):
        return Selection.of_ids(key for text in query.getlist("id") if (key := parse_id(text)))
    name = query.get("attribute", "").strip()
    condition = (name, query.get("is", ""), query.get("value", "").strip())
    return Selection(
        None,
        query.get("q", "").strip(),
        _id_in(query, "channel"),
        _id_in(query, "tag"),
        (AttributeFilter.made(*condition),) if name else (),
    )


def _id_in(query: QueryDict, name: str) -> int | None:
    """The id of a filter, None without one. A damaged one must not mean all contacts."""
    text = query.get(name, "")
    key = parse_id(text)
    if text and key is None:
        raise BulkError(_("This page's address is damaged. Choose the contacts again."))
    return key


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def bulk_new(request: AgentRequest) -> HttpResponse:
    """Choose what to do to the contacts; deleting them asks once more."""
    query = request.POST if request.method == "POST" else request.GET
    try:
        selection = selection_of(query)
    except ValueError as error:
        messages.warning(request, str(error))
        return redirect("contacts")
    kind = request.POST.get("kind", "")
    forms = {name: form_of(name, query if name == kind else None) for name in FORMS}
    count = actions.count(selection)
    context = {
        "forms": forms,
        "count": count,
        "words": selection.words(),
        "is_selected": selection.ids is not None,
        "kept": _kept(query, selection),
        "consents": Consent.objects.exists(),
        "tags": Tag.objects.order_by("name"),
        "needs_number": count >= LARGE,
    }
    if kind in FORMS and forms[kind].is_valid():
        if kind == "delete" and not _is_agreed(request, count, context):
            return render(request, "bulk/delete.html", context)
        try:
            action = actions.start(
                kind, selection, forms[kind].options(), by=request.user,
                counted=parse_count(request.POST.get("counted", "")),
            )  # fmt: skip
        except BulkError as error:
            forms[kind].add_error(None, str(error))
        else:
            return redirect("bulk_one", action.pk)
    return render(request, "bulk/new.html", context)


def _is_agreed(request: AgentRequest, count: int, context: dict[str, object]) -> bool:
    """Whether the agent has seen how many contacts are deleted, and typed a large number."""
    if request.POST.get("counted") != str(count):
        return False
    confirmation = request.POST.get("typed", "").replace(",", "").strip()
    if count >= LARGE and confirmation != str(count):
        if "typed" in request.POST:
            context["wrong"] = _("Type %s to confirm.") % number(count)
        return False
    return True


def _kept(query: QueryDict, selection: Selection) -> list[tuple[str, object]]:
    """The selection as hidden fields."""
    if selection.ids is not None:
        return [("id", key) for key in selection.ids]
    return [(name, query[name]) for name in FILTERS if query.get(name)]


@needs(Role.MANAGER)
@require_safe
def bulk_list(request: AgentRequest) -> HttpResponse:
    """The last actions."""
    rows = BulkAction.objects.order_by("-pk")[:LISTED]
    return render(request, "bulk/list.html", {"rows": rows})


@needs(Role.MANAGER)
@require_safe
def bulk_one(request: AgentRequest, pk: int) -> HttpResponse:
    """How far an action is, and what it has done."""
    return render(request, "bulk/one.html", _status(pk))


@needs(Role.MANAGER)
@require_safe
def bulk_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of it."""
    return fragment(request, "bulk/status.html", _status(pk))


def _status(pk: int) -> dict[str, object]:
    row = get_object_or_404(BulkAction, pk=pk)
    is_import = row.kind == BulkAction.Kind.SUPPRESS
    is_of_tag = row.kind in (BulkAction.Kind.MERGE_TAG, BulkAction.Kind.DELETE_TAG)
    rejects = _rejects(row)
    return {
        "row": row,
        "is_open": row.state in BulkAction.OPEN,
        "is_import": is_import,
        "is_of_tag": is_of_tag,
        "words": [] if is_import or is_of_tag else Selection.stored(row.contacts).words(),
        "rejects": first_of(rejects) if rejects else [],
        "no_worker": row.state in BulkAction.OPEN and not workers_alive(),
    }


def _rejects(row: BulkAction) -> Path | None:
    """The file of an action's rejected lines, once it has ended; None when there is none here."""
    path = rejects_path(row)
    return path if row.rejects_size and row.state not in BulkAction.OPEN and path.exists() else None


@needs(Role.MANAGER)
@require_safe
def bulk_rejects(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The lines that were not taken, as CSV."""
    path = _rejects(get_object_or_404(BulkAction, pk=pk))
    if path is None:
        raise Http404
    return stored_file(
        path, f"rejected-lines-{pk}.csv", f"rejected lines of bulk action {pk}", request.user
    )


@needs(Role.MANAGER)
@require_POST
def bulk_cancel(request: AgentRequest, pk: int) -> HttpResponse:
    """Stop an action; what is done stays done."""
    row = get_object_or_404(BulkAction, pk=pk)
    try:
        actions.cancel(row, by=request.user)
    except BulkError as error:
        messages.error(request, str(error))
    return redirect("bulk_one", pk)


@needs(Role.MANAGER)
@require_safe
def contacts_export(request: AgentRequest) -> HttpResponseBase:
    """The selected contacts, or all that the filters find, as a CSV file."""
    try:
        selection = selection_of(request.GET)
    except ValueError as error:
        messages.warning(request, str(error))
        return redirect("contacts")
    only = ", ".join(selection.words())
    if selection.ids is not None:
        only = f"{len(selection.ids)} selected"
    audit.note_export("contacts", request.user, only)
    zone = timezone.get_current_timezone_name()
    return download(export_csv(selection, zone=zone), "contacts.csv")
