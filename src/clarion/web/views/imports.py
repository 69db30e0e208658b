"""Contact imports: upload, columns, dry run, progress, result."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.channels.models import Channel
from clarion.contacts import uploads
from clarion.contacts.import_look import first_rejects, first_rows, look_at
from clarion.contacts.import_run import ImportRefused
from clarion.contacts.import_undo import UndoError, kept_file, may_be_undone, request_undo
from clarion.contacts.imports import Choices, mark_interrupted, rejects_file, request_import
from clarion.contacts.models import Import
from clarion.contacts.tags import tag_counts
from clarion.engine.status import workers_alive
from clarion.web.forms.import_columns import (
    MODES,
    WINS,
    column_rows,
    mapping_of,
    mode_of,
    wins_of,
)
from clarion.web.forms.imports import ImportForm
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import stored_file

LISTED = 5


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_import(request: AgentRequest) -> HttpResponse:
    """Choose a file, a channel and tags; then what the columns become; then check or import."""
    chosen = {"channel": request.GET.get("channel")}
    form = ImportForm(request.POST or None, request.FILES or None, initial=chosen)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if data["file"]:
            data["token"] = uploads.keep(data["file"].chunks())
            data["filename"] = data["file"].name
        try:
            if not data["file"] and mapping_of(request.POST):
                return _requested(request, data)
            return _columns(request, data)
        except ImportRefused as refused:
            form.data = {**request.POST.dict(), "token": "", "filename": ""}
            form.add_error("file", str(refused))
    mark_interrupted()
    context = {
        "form": form,
        "channels": Channel.objects.exists(),
        "tags": [tag.name for tag in tag_counts()],
        "imports": Import.objects.select_related("channel").order_by("-pk")[:LISTED],
    }
    return render(request, "contacts/import.html", context)


def _requested(request: AgentRequest, data: Mapping[str, Any]) -> HttpResponse:
    """Have the file checked or imported with the columns that were chosen.

    Raises ImportRefused when the upload is gone.
    """
    choices = Choices(mapping_of(request.POST), mode_of(request.POST), wins_of(request.POST))
    try:
        row = request_import(
            data["token"],
            filename=data["filename"],
            channel=data["channel"],
            tags=data["tags"],
            have_written=data["have_written"],
            choices=choices,
            dry_run="check" in request.POST,
            by=request.user,
        )
    except ImportRefused as refused:
        return _columns(request, data, choices.mapping, str(refused))
    return redirect("contact_import_one", row.pk)


def _columns(
    request: AgentRequest, data: Mapping[str, Any], mapping: Sequence[str] = (), problem: str = ""
) -> HttpResponse:
    """Show what was recognised, and ask what each column becomes. Raises ImportRefused."""
    look = look_at(data["token"], data["channel"], mapping)
    hidden = {
        "token": data["token"],
        "filename": data["filename"],
        "channel": data["channel"].pk,
        "tags": ", ".join(data["tags"]),
        **({"have_written": "on"} if data["have_written"] else {}),
    }
    context = {
        "look": look,
        "rows": column_rows(look),
        "hidden": hidden,
        "problem": problem,
        "modes": MODES,
        "mode": mode_of(request.POST),
        "all_wins": WINS,
        "wins": wins_of(request.POST),
    }
    return render(request, "contacts/import_columns.html", context)


@require_safe
def contact_import_one(request: AgentRequest, pk: int) -> HttpResponse:
    """How far an import is, and what it has done."""
    return render(request, "contacts/import_one.html", _status(request, pk))


@require_safe
def contact_import_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of it."""
    mark_interrupted()
    return fragment(request, "contacts/import_status.html", _status(request, pk))


def _status(request: AgentRequest, pk: int) -> dict[str, object]:
    row = get_object_or_404(Import.objects.select_related("channel"), pk=pk)
    return {
        "row": row,
        "to_import": row.created + row.updated,
        "offer": _may_be_imported(request, row),
        "rejects": rejects_file(row) is not None,
        "left_out": first_rejects(row),
        "first": first_rows(row) if row.dry_run else None,
        "may_undo": may_be_undone(row),
        "kept": kept_file(row) is not None,
        "undo_total": row.created + row.updated,
        "undone_before": row.undo_removed + row.undo_restored + row.undo_kept,
        "no_worker": bool(row.upload) and row.state in Import.OPEN and not workers_alive(),
    }


def _may_be_imported(request: AgentRequest, row: Import) -> bool:
    """Whether this is a dry run by this agent whose upload is still there."""
    checked = row.dry_run and row.state == Import.State.DONE
    return checked and row.agent_id == request.user.pk and uploads.exists(row.upload)


@needs(Role.MANAGER)
@require_POST
def contact_import_go(request: AgentRequest, pk: int) -> HttpResponse:
    """Import for real what a dry run has looked through."""
    checked = get_object_or_404(Import.objects.select_related("channel"), pk=pk, dry_run=True)
    try:
        if checked.agent_id != request.user.pk:
            raise ImportRefused(_("Only the person who checked a file can import it."))
        row = request_import(
            checked.upload,
            filename=checked.filename,
            channel=checked.channel,
            id_column=checked.id_column,
            tags=checked.tags,
            have_written=checked.have_written,
            choices=Choices(checked.mapping, checked.mode, checked.wins),
            by=request.user,
        )
    except ImportRefused as refused:
        messages.error(request, str(refused))
        return redirect("contact_import")
    return redirect("contact_import_one", row.pk)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_import_undo(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then have a worker undo an import."""
    row = get_object_or_404(Import, pk=pk)
    if request.method == "POST":
        try:
            request_undo(row, by=request.user)
        except UndoError as error:
            messages.error(request, str(error))
        return redirect("contact_import_one", pk)
    if not may_be_undone(row):
        return redirect("contact_import_one", pk)
    return render(request, "contacts/import_undo.html", {"row": row})


@require_safe
def contact_import_kept(request: AgentRequest, pk: int) -> HttpResponseBase:
    """What undoing an import could not undo, as CSV."""
    path = kept_file(get_object_or_404(Import, pk=pk))
    if path is None:
        raise Http404
    return stored_file(
        path, f"not-undone-{pk}.csv", f"contacts not undone of import {pk}", request.user
    )


@require_safe
def contact_import_rejects(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The lines that were not taken, as CSV."""
    row = get_object_or_404(Import, pk=pk)
    path = rejects_file(row)
    if path is None:
        raise Http404
    return stored_file(
        path, f"rejected-lines-{pk}.csv", f"rejected lines of import {pk}", request.user
    )
