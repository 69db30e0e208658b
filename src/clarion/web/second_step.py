"""The second step of a log-in, and leading agents there who need a second factor and have none."""

import json
import time
from functools import wraps
from typing import Any, Final, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.stages import LoginStage
from allauth.core import ratelimit
from allauth.core.exceptions import ReauthenticationRequired
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from clarion.accounts import audit, passkeys, second_factor
from clarion.accounts.models import Agent
from clarion.web.middleware import OPEN_TO_ALL, Handler
from clarion.web.requests import View

CONFIRMED_FOR: Final = 300.0  # seconds after the password was typed
_STATE: Final = "passkey_state"
_KEY: Final = "auth_hash"
# Where an agent may go who has to set up a second factor first.
_ON_THE_WAY: Final = (
    *OPEN_TO_ALL,
    "/account/two-factor/",
    "/account/confirm/",
    "/account/logout/",
)


class SecondStep(LoginStage):  # type: ignore[misc]
    """After the password: a code or a passkey, from agents who have set one up."""

    key = "second_step"
    urlname = "account_second_step"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """Ask for it, or pass on."""
        agent = self.login.user
        if not second_factor.has_second_factor(agent):
            return None, True
        # Void when the password is changed meanwhile.
        self.state[_KEY] = agent.get_session_auth_hash()
        return redirect("account_second_step"), True

    def is_resumable(self, request: HttpRequest) -> bool:
        """Never: the page of the log-in must stay open to others, and to who begins again."""
        return False


class CodeForm(forms.Form):
    """A code of the app, or a recovery code; or what a browser answers for a passkey."""

    code = forms.CharField(label=gettext_lazy("Code"), max_length=40, required=False)
    passkey = forms.JSONField(required=False, widget=forms.HiddenInput)


@require_http_methods(["GET", "POST"])
@login_stage_required(stage=SecondStep.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor, and log in."""
    stage = request._login_stage  # type: ignore[attr-defined]
    agent = stage.login.user
    if (
        not agent.is_active
        or stage.state.get(_KEY) != agent.get_session_auth_hash()
        or not second_factor.has_second_factor(agent)  # it was reset meanwhile
    ):
        return cast(HttpResponse, stage.abort())
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        problem = _problem(request, agent, form)
        if not problem:
            return cast(HttpResponse, stage.exit())
        form.add_error("code", problem)
    options, request.session[_STATE] = passkeys.begin_using(agent, site_of(request)) or (None, None)
    context = {"form": form, "options": json.dumps(options) if options else ""}
    return render(request, "accounts/second_step.html", context)


def _problem(request: HttpRequest, agent: Agent, form: CodeForm) -> str:
    """Why the second factor does not do; "" if it does."""
    # For each agent, over all addresses: who is here knows the password, and codes are short.
    key = f"second-step-{agent.pk}"
    if not ratelimit.consume(request, action="login_failed", key=key):
        return _("Too many failed attempts. Wait five minutes and try again.")
    state = request.session.pop(_STATE, None)
    if answer := form.cleaned_data["passkey"]:
        passed = isinstance(answer, dict) and passkeys.use_passkey(
            agent, site_of(request), state, answer
        )
        problem = _("The passkey was not accepted. Try again.")
    else:
        passed = second_factor.use_code(agent, form.cleaned_data["code"])
        problem = _("This code is wrong or was used before. Wait for the next one.")
    if passed:
        ratelimit.clear(request, action="login_failed", key=key)
        return ""
    address = str(request.META.get("REMOTE_ADDR", ""))
    audit.note("agent.second_step_failed", f"agent {agent.pk}", audit.STRANGER, address=address)
    return problem


def confirmed_lately(view: View) -> View:
    """Let a view answer who has typed the password in the last five minutes; else ask for it."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        records = get_authentication_records(request, request.user)
        if not records or time.time() - records[-1]["at"] > CONFIRMED_FOR:
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return cast(View, answer)


def site_of(request: HttpRequest) -> str:
    """The address of the pages as the browser has it, without a path."""
    return f"{request.scheme}://{request.get_host()}"


def set_up_first(handler: Handler) -> Handler:
    """Who needs a second factor and has none can do nothing but set one up."""

    def answer(request: HttpRequest) -> HttpResponse:
        agent: Any = request.user
        if (
            request.path.startswith(_ON_THE_WAY)
            or not agent.is_authenticated
            or not second_factor.must_set_up(agent)
        ):
            return handler(request)
        page = resolve_url("account_two_factor")
        if request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(page)
        return HttpResponseRedirect(page)

    return answer
