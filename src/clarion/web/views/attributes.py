"""Attributes: list with types and counts, declare, rename, change the type, delete."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.contacts import attribute_changes as changes
from clarion.contacts.attribute_changes import AttributeProblem
from clarion.contacts.attribute_uses import uses
from clarion.contacts.attributes import LONGEST
from clarion.contacts.models import Attribute
from clarion.web.requests import AgentRequest, needs
from clarion.web.words import TYPES_OF_ATTRIBUTES

_NAME_HINT = gettext_lazy(
    "Texts show it as {{ contact.name }}. Use letters, digits and underscores."
)


class AttributeForm(forms.Form):
    """The name and the type of an attribute."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=LONGEST, help_text=_NAME_HINT)
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=list(TYPES_OF_ATTRIBUTES.items()))


class NameForm(forms.Form):
    """The name of an attribute."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST,
        help_text=gettext_lazy("Contacts keep their values, and segments follow."),
    )


@require_safe
def attributes(request: AgentRequest) -> HttpResponse:
    """All attributes: type, how many contacts have each, and what uses it."""
    rows = [
        {"row": row, "type": TYPES_OF_ATTRIBUTES.get(row.attribute.type, "")}
        for row in changes.attribute_list()
    ]
    return render(request, "contacts/attributes.html", {"rows": rows})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def attribute_new(request: AgentRequest) -> HttpResponse:
    """Declare an attribute."""
    form = AttributeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            attribute = changes.declare(data["name"], data["type"], by=request.user)
        except AttributeProblem as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("“%s” has been declared.") % attribute.name)
            return redirect("attributes")
    return render(request, "contacts/attribute_new.html", {"form": form})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def attribute_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Rename an attribute, or choose another type, or to delete it."""
    attribute = get_object_or_404(Attribute, pk=pk)
    form = NameForm(request.POST or None, initial={"name": attribute.name})
    if request.method == "POST" and form.is_valid():
        try:
            changes.rename(attribute, form.cleaned_data["name"], by=request.user)
        except AttributeProblem as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("attributes")
    context = {
        "attribute": attribute,
        "form": form,
        "type": TYPES_OF_ATTRIBUTES.get(attribute.type, ""),
        "types": {key: word for key, word in TYPES_OF_ATTRIBUTES.items() if key != attribute.type},
    }
    return render(request, "contacts/attribute.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def attribute_type(request: AgentRequest, pk: int) -> HttpResponse:
    """Show what does not fit another type, then change it."""
    attribute = get_object_or_404(Attribute, pk=pk)
    wanted = (request.POST or request.GET).get("type", "")
    if wanted not in TYPES_OF_ATTRIBUTES:
        messages.error(request, _("Choose a type."))
        return redirect("attribute_edit", pk)
    if request.method == "POST":
        try:
            misfits = changes.change_type(attribute, wanted, by=request.user)
        except AttributeProblem as error:
            messages.error(request, str(error))
            return redirect("attribute_edit", pk)
        if misfits:
            sentence = ngettext(
                "The type has been changed. %(n)s value stayed as it was.",
                "The type has been changed. %(n)s values stayed as they were.",
                misfits,
            ) % {"n": f"{misfits:,}"}
        else:
            sentence = _("The type has been changed.")
        messages.success(request, sentence)
        return redirect("attributes")
    context = {
        "attribute": attribute,
        "wanted": wanted,
        "type": TYPES_OF_ATTRIBUTES[wanted],
        "preview": changes.preview(attribute, wanted),
    }
    return render(request, "contacts/attribute_type.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def attribute_delete(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then delete an attribute and its values."""
    attribute = get_object_or_404(Attribute, pk=pk)
    if request.method == "POST":
        try:
            changes.delete(attribute, by=request.user)
        except AttributeProblem as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("“%s” has been deleted.") % attribute.name)
        return redirect("attributes")
    context = {
        "attribute": attribute,
        "uses": uses().get(attribute.name, []),
        "values": changes.preview(attribute, ""),
    }
    return render(request, "contacts/attribute_delete.html", context)
