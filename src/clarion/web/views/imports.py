"""Contact imports: upload, dry run, progress, result."""

from pathlib import Path

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.channels.models import Channel
from clarion.contacts.imports import ImportRefused, mark_interrupted
from clarion.contacts.models import Import
from clarion.contacts.tags import tag_counts
from clarion.web import uploads
from clarion.web.background import Job, begin
from clarion.web.forms.imports import ImportForm
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download, pieces

KEPT = "imports"  # in the session: import -> upload that a dry run has left for the real one
LISTED = 5


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_import(request: AgentRequest) -> HttpResponse:
    """Choose a file, a channel and tags; check it first, or import it at once."""
    chosen = {"channel": request.GET.get("channel")}
    form = ImportForm(request.POST or None, request.FILES or None, initial=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            row = _begin(request, form)
        except ImportRefused as refused:
            form = _ask_again(form, refused)
        else:
            return redirect("contact_import_one", row.pk)
    mark_interrupted()
    context = {
        "form": form,
        "channels": Channel.objects.exists(),
        "tags": [tag.name for tag in tag_counts()],
        "imports": Import.objects.select_related("channel").order_by("-pk")[:LISTED],
    }
    return render(request, "contacts/import.html", context)


def _begin(request: AgentRequest, form: ImportForm) -> Import:
    given = form.cleaned_data
    if given["file"]:
        token, filename = uploads.keep(given["file"]), given["file"].name
        # For the next try of this form, when it is the column that must be chosen.
        form.data = {**request.POST.dict(), "token": token, "filename": filename}
    else:
        token, filename = given["token"], given["filename"]
    try:
        there = uploads.path(token).exists()
    except FileNotFoundError:
        there = False
    if not there:
        raise ImportRefused(_("The upload is not there any more. Choose the file again."))
    dry_run = "check" in request.POST
    column = given["id_column"] or None
    row = begin(
        Job(token, filename, given["channel"], column, given["tags"], dry_run, request.user)
    )
    if dry_run:
        _remember(request, row, token)
    return row


def _ask_again(form: ImportForm, refused: ImportRefused) -> ImportForm:
    again = ImportForm(form.data, columns=refused.columns)
    again.add_error("id_column" if refused.columns else "file", str(refused))
    return again


def _remember(request: AgentRequest, row: Import, token: str) -> None:
    kept = request.session.get(KEPT, {})
    request.session[KEPT] = {**dict(list(kept.items())[-9:]), str(row.pk): token}


@require_safe
def contact_import_one(request: AgentRequest, pk: int) -> HttpResponse:
    """How far an import is, and what it has done."""
    return render(request, "contacts/import_one.html", _told(request, pk))


@require_safe
def contact_import_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of it."""
    mark_interrupted()
    return fragment(request, "contacts/import_told.html", _told(request, pk))


def _told(request: AgentRequest, pk: int) -> dict[str, object]:
    row = get_object_or_404(Import.objects.select_related("channel"), pk=pk)
    done = row.state == Import.State.DONE
    return {
        "row": row,
        "to_import": row.created + row.updated,
        "offer": done and row.dry_run and str(pk) in request.session.get(KEPT, {}),
        "rejects": bool(row.rejects_path) and Path(row.rejects_path).exists(),
    }


@needs(Role.MANAGER)
@require_POST
def contact_import_go(request: AgentRequest, pk: int) -> HttpResponse:
    """Import for real what a dry run has looked through."""
    checked = get_object_or_404(Import.objects.select_related("channel"), pk=pk, dry_run=True)
    token = request.session.get(KEPT, {}).get(str(pk), "")
    job = Job(
        token,
        checked.filename,
        checked.channel,
        checked.id_column,
        checked.tags,
        dry_run=False,
        by=request.user,
    )
    try:
        if not uploads.path(token).exists():
            raise FileNotFoundError(token)
        row = begin(job)
    except FileNotFoundError:
        messages.error(request, _("The upload is not there any more. Choose the file again."))
        return redirect("contact_import")
    except ImportRefused as refused:
        messages.error(request, str(refused))
        return redirect("contact_import_one", pk)
    return redirect("contact_import_one", row.pk)


@require_safe
def contact_import_rejects(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The lines that were not taken, as CSV."""
    row = get_object_or_404(Import, pk=pk)
    if not row.rejects_path or not Path(row.rejects_path).exists():
        raise Http404
    return download(request, pieces(Path(row.rejects_path)), f"rejected-lines-{pk}.csv")
