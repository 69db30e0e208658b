"""Consents: list, add, edit, remove, and where one contact stands with them."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.consents import grants, manage
from clarion.consents.confirmations import pending_counts
from clarion.consents.history import export_csv
from clarion.consents.manage import ConsentError
from clarion.consents.models import Change, Consent
from clarion.contacts.models import Contact
from clarion.kit import clock
from clarion.kit.numbers import parse_id
from clarion.web.forms.consents import ConsentForm
from clarion.web.requests import AgentRequest, needs
from clarion.web.stream import download


@require_safe
def consents(request: AgentRequest) -> HttpResponse:
    """All consents, and how many people have given and withdrawn each."""
    counts = grants.counts()
    pending = pending_counts(clock.now())
    rows = [
        {
            "consent": consent,
            "pending": pending.get(consent.pk, 0),
            "count": counts.get(consent.pk, grants.Count()),
        }
        for consent in Consent.objects.order_by("category", "name")
    ]
    return render(request, "consents/list.html", {"rows": rows})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def consent_new(request: AgentRequest) -> HttpResponse:
    """Add a consent that people can give."""
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            consent = manage.define(**form.changes(), by=request.user)
        except ConsentError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("“%s” is added. Broadcasts can require it.") % consent.name)
            return redirect("consents")
    return render(request, "consents/edit.html", {"form": form})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def consent_edit(request: AgentRequest, pk: int) -> HttpResponse:
    """Change a consent's name, category or text. Who has given it stays as it is."""
    consent = get_object_or_404(Consent, pk=pk)
    name = consent.name
    stored = {
        "name": name,
        "category": consent.category,
        "text": consent.text,
        "confirm_channel": consent.confirm_channel_id,
        "confirm_subject": consent.confirm_subject,
        "confirm_text": consent.confirm_text,
    }
    form = ConsentForm(request.POST or None, initial=stored)
    if request.method == "POST" and form.is_valid():
        try:
            manage.update(consent, **form.changes(), by=request.user)
        except ConsentError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("consents")
    context = {
        "form": form,
        "consent": consent,
        "name": name,
        "count": _count(consent),
        "versions": consent.versions.order_by("-number"),
    }
    return render(request, "consents/edit.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def consent_remove(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then remove a consent with everything that is known about who gave it."""
    consent = get_object_or_404(Consent, pk=pk)
    if request.method == "POST":
        try:
            manage.remove(consent, by=request.user)
        except ConsentError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("“%s” has been deleted.") % consent.name)
        return redirect("consents")
    context = {
        "consent": consent,
        "count": _count(consent),
        "needed_by": manage.needed_by(consent),
    }
    return render(request, "consents/remove.html", context)


@needs(Role.SENDER)
@require_POST
def contact_consent(request: AgentRequest, pk: int) -> HttpResponse:
    """Note that a contact has given or withdrawn a consent."""
    person = get_object_or_404(Contact, pk=pk)
    consent = get_object_or_404(Consent, pk=parse_id(request.POST.get("consent", "")))
    change = grants.give if request.POST.get("given") == "yes" else grants.withdraw
    change(consent, [person.pk], how=Change.How.AGENT, by=request.user)
    if request.htmx:
        context = {"person": person, **standing(person)}
        return render(request, "consents/of_contact.html", context)
    return redirect(f"{reverse('contact', args=[pk])}#consents")


@needs(Role.MANAGER)
@require_safe
def consents_export(request: AgentRequest) -> HttpResponseBase:
    """Every change with its proof as a CSV file; of one contact where the query names one."""
    number = parse_id(request.GET.get("contact", ""))
    person = get_object_or_404(Contact, pk=number) if number else None
    audit.note_export("consents", request.user, f"contact {number}" if number else "")
    zone = timezone.get_current_timezone_name()
    return download(export_csv(zone, contact=person), "consents.csv")


def standing(person: Contact) -> dict[str, object]:
    """What the part “Consents” on the page of a contact shows."""
    return {"standing": grants.standing(person), "consent_changes": grants.changes(person)}


def _count(consent: Consent) -> grants.Count:
    return grants.counts().get(consent.pk, grants.Count())
