"""Deleting one contact for good, and everything that is stored about them as a file."""

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.contacts.deleting import DeletionError, delete_contact, kept_ids
from clarion.contacts.models import Contact
from clarion.insights.person_export import export_person
from clarion.insights.person_facts import person_facts
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def contact_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, with what goes and what is kept, then delete."""
    person = get_object_or_404(Contact, pk=pk)
    if request.method == "POST":
        try:
            delete_contact(person, suppress="suppress" in request.POST, by=request.user)
        except DeletionError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The contact has been deleted."))
        return redirect("contacts")
    context = {"person": person, "facts": person_facts(person), "kept": kept_ids(person)}
    return render(request, "contacts/delete.html", context)


@needs(Role.MANAGER)
@require_safe
def contact_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """A JSON file of everything that is stored about a contact."""
    person = get_object_or_404(Contact, pk=pk)
    document = export_person(person, by=request.user)
    encoder = DjangoJSONEncoder(ensure_ascii=False, indent=2)
    chunks = (chunk.encode() for chunk in encoder.iterencode(document))
    return download(chunks, f"contact-{pk}.json")
