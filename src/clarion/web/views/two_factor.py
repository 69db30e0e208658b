"""One's own two-factor authentication: the app, passkeys, recovery codes."""

import json
from io import BytesIO
from typing import Any, Final

import qrcode
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe
from qrcode.image.svg import SvgPathImage

from clarion.accounts import passkeys, second_factor
from clarion.accounts.models import Agent
from clarion.accounts.second_factor import SecondFactorError
from clarion.kit import vault
from clarion.web.requests import AgentRequest
from clarion.web.second_step import confirmed_lately, site_of

_SECRET: Final = "app_secret"  # noqa: S105 - a key of the session
_STATE: Final = "passkey_state"


class AppForm(forms.Form):
    """The code that the app shows, as a proof that it works."""

    code = forms.CharField(
        label=gettext_lazy("Code that the app shows"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )


class PasskeyForm(forms.Form):
    """A name, and what the browser answers."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=passkeys.NAME_LENGTH,
        initial=gettext_lazy("Passkey"),
        help_text=gettext_lazy("Such as “Phone” or “Security key”, to tell them apart."),
    )
    passkey = forms.JSONField(widget=forms.HiddenInput)


@require_safe
def two_factor(request: AgentRequest) -> HttpResponse:
    """What is set up."""
    agent = request.user
    context = {
        "app": getattr(agent, "app", None),
        "passkeys": agent.passkeys.order_by("pk"),
        "codes_left": agent.recovery_codes.count(),
        "is_on": second_factor.has_second_factor(agent),
        "is_required": agent.role in second_factor.required_roles(),
    }
    return render(request, "accounts/two_factor.html", context)


@require_http_methods(["GET", "POST"])
@confirmed_lately
def app(request: AgentRequest) -> HttpResponse:
    """Set up an authenticator app."""
    form = AppForm(request.POST or None)
    sealed = request.session.get(_SECRET) or vault.seal(second_factor.new_secret())
    request.session[_SECRET] = sealed
    secret = vault.open_sealed(sealed)
    if request.method == "POST" and form.is_valid():
        key = request.session.session_key
        try:
            codes = second_factor.add_app(request.user, secret, form.cleaned_data["code"], keep=key)
        except SecondFactorError as error:
            form.add_error("code", str(error))
        else:
            del request.session[_SECRET]
            return _added(request, codes)
    url = second_factor.setup_url(request.user, secret)
    context = {"form": form, "secret": secret, "qr_code": _qr_code(url)}
    return render(request, "accounts/two_factor_app.html", context)


def _qr_code(url: str) -> SafeString:
    """A drawing for a camera; the same is beside it as text."""
    drawing = BytesIO()
    qrcode.make(url, image_factory=SvgPathImage, border=2).save(drawing)
    svg = drawing.getvalue().decode()
    return mark_safe(svg[svg.index("<svg") :])  # noqa: S308 - a path of numbers


def _added(request: AgentRequest, codes: list[str]) -> HttpResponse:
    """Show the recovery codes this once, if there are new ones."""
    if codes:
        return render(request, "accounts/recovery_codes.html", {"codes": codes})
    messages.success(request, _("Saved."))
    return redirect("account_two_factor")


@require_http_methods(["GET", "POST"])
@confirmed_lately
def app_remove(request: AgentRequest) -> HttpResponse:
    """Ask, then remove the authenticator app."""
    if request.method == "POST":
        second_factor.remove_app(request.user)
        messages.success(request, _("The authenticator app is removed."))
        return redirect("account_two_factor")
    return _ask(request, request.user, "")


def _ask(request: AgentRequest, agent: Agent, name: str) -> HttpResponse:
    count = agent.passkeys.count() + hasattr(agent, "app")
    context: dict[str, Any] = {"name": name, "is_last": count == 1}
    return render(request, "accounts/two_factor_remove.html", context)


@require_http_methods(["GET", "POST"])
@confirmed_lately
def passkey(request: AgentRequest) -> HttpResponse:
    """Add a passkey."""
    agent, site = request.user, site_of(request)
    form = PasskeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = form.cleaned_data["passkey"]
        try:
            codes = passkeys.add_passkey(
                agent,
                site,
                request.session.pop(_STATE, None),
                answer if isinstance(answer, dict) else {},
                name=form.cleaned_data["name"],
                keep=request.session.session_key,
            )
        except SecondFactorError as error:
            form.add_error("name", str(error))
        else:
            return _added(request, codes)
    options, request.session[_STATE] = passkeys.begin_adding(agent, site)
    context = {"form": form, "options": json.dumps(options)}
    return render(request, "accounts/two_factor_passkey.html", context)


@require_http_methods(["GET", "POST"])
@confirmed_lately
def passkey_remove(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then remove a passkey."""
    shown = get_object_or_404(request.user.passkeys, pk=pk)
    if request.method == "POST":
        passkeys.remove_passkey(request.user, pk)
        messages.success(request, _("“%s” is removed.") % shown.name)
        return redirect("account_two_factor")
    return _ask(request, request.user, shown.name)


@require_http_methods(["GET", "POST"])
@confirmed_lately
def codes(request: AgentRequest) -> HttpResponse:
    """Ask, then make other recovery codes, and show them this once."""
    if not second_factor.has_second_factor(request.user):
        return redirect("account_two_factor")
    if request.method == "POST":
        context = {"codes": second_factor.new_recovery_codes(request.user)}
        return render(request, "accounts/recovery_codes.html", context)
    return render(request, "accounts/recovery_codes_new.html")
