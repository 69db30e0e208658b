"""The suppression list: search, add, remove, import, export."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.bulk import orders
from clarion.channels.registry import KINDS
from clarion.contacts import addresses, uploads
from clarion.contacts.models import Address, Suppression
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions import entries
from clarion.contacts.suppressions.entries import Reason, SuppressionError
from clarion.contacts.suppressions.listing import (
    REASONS,
    Wanted,
    export_csv,
    reason_of,
    suppression_list,
)
from clarion.kit import clock
from clarion.kit.paging import CursorError
from clarion.web.filters import chips, list_url
from clarion.web.forms.suppressions import SuppressionFileForm, SuppressionForm, kind_choices
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download


@require_safe
def suppressions(request: AgentRequest) -> HttpResponse:
    """The entries, and the addresses that opted out or can't be reached."""
    wanted = _wanted(request)
    after = request.GET.get("after", "")
    try:
        page = suppression_list(wanted, after or None)
    except CursorError:
        return redirect("suppressions")
    kept = {"q": wanted.q, "reason": wanted.reason, "kind": wanted.kind}
    following = {**kept, "after": page.next_cursor}
    context = {
        "rows": page.rows,
        "q": wanted.q,
        "wanted": wanted,
        "reasons": Reason.choices,
        "kinds": kind_choices(),
        "filtered": any(kept.values()),
        "first_url": list_url("suppressions", kept) if after else "",
        "next_url": list_url("suppressions", following) if page.next_cursor else "",
        "export_url": list_url("suppressions_export", kept),
        **chips(
            "suppressions",
            kept,
            {
                "reason": Reason(wanted.reason).label if wanted.reason else "",
                "kind": KINDS[wanted.kind].label if wanted.kind else "",
            },
        ),
    }
    return render(request, "suppressions/list.html", context)


def _wanted(request: AgentRequest) -> Wanted:
    reason, kind = (request.GET.get(name, "") for name in ("reason", "kind"))
    return Wanted(
        q=request.GET.get("q", "").strip(),
        reason=reason if reason in Reason.values else "",
        kind=kind if kind in KINDS else "",
    )


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def suppression_new(request: AgentRequest) -> HttpResponse:
    """Put an address or a pattern on the list."""
    form = SuppressionForm(request.POST or None, initial={"reason": Reason.BLOCKED})
    if request.method == "POST" and form.is_valid():
        try:
            entry, count = entries.add(**form.cleaned_data, by=request.user)
        except SuppressionError as error:
            form.add_error("pattern", str(error))
        else:
            messages.success(request, _added(entry, count))
            return redirect("suppressions")
    return render(request, "suppressions/new.html", {"form": form})


def _added(entry: Suppression, count: int) -> str:
    return ngettext(
        "“%(pattern)s” is on the list. It matches %(count)s address.",
        "“%(pattern)s” is on the list. It matches %(count)s addresses.",
        count,
    ) % {"pattern": entry.pattern, "count": f"{count:,}"}


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def suppression_remove(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then take an entry off the list."""
    entry = get_object_or_404(Suppression, pk=pk, removed_at=None)
    if request.method == "POST":
        entries.remove([entry], reachable="reachable" in request.POST, by=request.user)
        messages.success(request, _("“%s” is off the list.") % entry.pattern)
        return redirect("suppressions")
    count = Address.objects.filter(suppression__in=entries.removed_with(entry)).count()
    bounced = entries.bounced_with(entry).count()
    context = {"entry": entry, "count": count, "bounced": bounced}
    return render(request, "suppressions/remove.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def suppression_lift(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then make an address active again that opted out or could not be reached."""
    address = get_object_or_404(
        Address.objects.select_related("channel", "contact"), pk=pk, state__in=list(REASONS)
    )
    if request.method == "POST":
        addresses.mark(address.pk, AddressState.ACTIVE, clock.now(), by=request.user)
        messages.success(request, _("%s is active again.") % address.user_id)
        return redirect("suppressions")
    context = {"address": address, "reason": reason_of(address)}
    return render(request, "suppressions/lift.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def suppression_import(request: AgentRequest) -> HttpResponse:
    """Have a worker put the addresses of a file on the list."""
    form = SuppressionFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        token = uploads.keep(form.cleaned_data["file"].chunks())
        try:
            action = orders.import_suppressions(
                token,
                filename=form.cleaned_data["file"].name,
                kind=form.cleaned_data["kind"],
                reason=form.cleaned_data["reason"],
                by=request.user,
            )
        except SuppressionError as error:
            uploads.drop(token)
            form.add_error("file", str(error))
        else:
            return redirect("bulk_one", action.pk)
    return render(request, "suppressions/import.html", {"form": form})


@needs(Role.MANAGER)
@require_safe
def suppressions_export(request: AgentRequest) -> HttpResponseBase:
    """The list, or what the filters choose of it, as a CSV file."""
    wanted = _wanted(request)
    audit.note_export("suppressions", request.user, wanted.to_query())
    zone = timezone.get_current_timezone_name()
    return download(export_csv(wanted, zone), "suppressions.csv")
