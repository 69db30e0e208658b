"""Changing one contact by hand: the form, adding an address, opting an address out."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clarion.accounts.models import Role
from clarion.contacts import addresses
from clarion.contacts.attributes import attribute_names
from clarion.contacts.editing import EditError, add_address, edit
from clarion.contacts.models import Address, Contact, Tag
from clarion.contacts.states import AddressState
from clarion.kit import clock
from clarion.web.forms.contact import (
    AddressForm,
    ContactForm,
    attribute_rows,
    initial,
    typed_attributes,
)
from clarion.web.requests import AgentRequest, needs


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def contact_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Name, language, time zone, tags and attributes."""
    person = get_object_or_404(Contact, pk=pk)
    tags = list(Tag.objects.filter(taggings__contact=person).order_by("name"))
    form = ContactForm(
        request.POST or None,
        contact=person,
        initial=initial(person, [tag.name for tag in tags]),
    )
    rows = typed_attributes(request.POST)
    if request.method == "POST" and form.is_valid():
        try:
            edit(person, form.edit({name: value for name, value in rows if name}), by=request.user)
        except EditError as error:
            for field, sentence in error.problems.items():
                form.add_error(field if field in form.fields else None, sentence)
        else:
            messages.success(request, _("Saved."))
            return redirect("contact", pk)
    context = {
        "person": person,
        "form": form,
        "rows": attribute_rows(person, rows),
        "known": attribute_names(),
    }
    return render(request, "contacts/edit.html", context)


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def contact_address_new(request: AgentRequest, pk: int) -> HttpResponse:
    """Add an address to a contact."""
    person = get_object_or_404(Contact, pk=pk)
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            add_address(person, **form.cleaned_data, by=request.user)
        except EditError as error:
            for field, sentence in error.problems.items():
                form.add_error(field, sentence)
        else:
            messages.success(request, _("The address has been added."))
            return redirect("contact", pk)
    return render(request, "contacts/address_new.html", {"person": person, "form": form})


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def contact_opt_out(request: AgentRequest, pk: int, address: int) -> HttpResponse:
    """Ask, then note that a contact does not want broadcasts at an address."""
    row = get_object_or_404(
        Address.objects.select_related("contact", "channel"), pk=address, contact=pk, alias_of=None
    )
    if request.method == "POST":
        addresses.mark(row.pk, AddressState.OPTED_OUT, clock.now(), by=request.user)
        messages.success(request, _("No more broadcasts are sent to this address."))
        return redirect("contact", pk)
    return render(request, "contacts/opt_out.html", {"person": row.contact, "address": row})
