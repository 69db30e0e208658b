"""Merging two contacts by hand, undoing it, and the list of likely duplicates."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.contacts import merges
from clarion.contacts.duplicates import duplicates
from clarion.contacts.merges import MergeError
from clarion.contacts.models import Contact
from clarion.contacts.search import contact_list
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest, needs

MATCHES = 20  # contacts shown of a search


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_merge(request: AgentRequest, pk: int) -> HttpResponse:
    """Choose the contact to merge into this one, see what results, and merge."""
    kept = get_object_or_404(Contact, pk=pk)
    number = parse_id((request.POST or request.GET).get("with", ""))
    other = Contact.objects.filter(pk=number).exclude(pk=pk).first() if number else None
    if other is None:
        return _choose(request, kept)
    if request.method == "POST":
        try:
            merges.merge(kept.pk, other.pk, by=request.user)
        except MergeError as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request, _("The contacts are merged. You can undo this for %d days.") % merges.DAYS
            )
        return redirect("contact", pk)
    context = {
        "person": kept,
        "other": other,
        "preview": merges.preview(kept, other),
        "days": merges.DAYS,
    }
    return render(request, "contacts/merge.html", context)


def _choose(request: AgentRequest, kept: Contact) -> HttpResponse:
    q = request.GET.get("q", "").strip()
    rows = contact_list(q=q).rows if q else []
    context = {
        "person": kept,
        "q": q,
        "people": [row for row in rows if row.id != kept.pk][:MATCHES],
    }
    return render(request, "contacts/merge_choose.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_unmerge(request: AgentRequest, pk: int, merge: int) -> HttpResponse:
    """Ask, then separate two merged contacts again."""
    person = get_object_or_404(Contact, pk=pk)
    row = get_object_or_404(merges.undoable(), pk=merge, kept_id=pk)
    if request.method == "POST":
        try:
            back = merges.undo(row.pk, by=request.user)
        except MergeError as error:
            messages.error(request, str(error))
            return redirect("contact", pk)
        messages.success(request, _("The contacts are separate again."))
        return redirect("contact", back.pk)
    return render(request, "contacts/unmerge.html", {"person": person, "merge": row})


@needs(Role.MANAGER)
@require_safe
def contact_duplicates(request: AgentRequest) -> HttpResponse:
    """Contacts that are likely one person, with the reason."""
    return render(request, "contacts/duplicates.html", {"pairs": duplicates()})
