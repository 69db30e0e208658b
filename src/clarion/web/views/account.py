"""One's own account: name, time zone, sessions; and setting one's password with a link."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from clarion.accounts.agents import AgentError, change_own, valid_name
from clarion.accounts.links import agent_of_link, use_link
from clarion.accounts.models import Agent
from clarion.accounts.sessions import end_session, end_sessions, sessions_of
from clarion.web.forms.agents import NewPasswordForm
from clarion.web.requests import AgentRequest
from clarion.web.zones import zone_choices


class AccountForm(forms.Form):
    """What agents change about themselves; the e-mail and the role are an admin's to change."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("All times on the pages are shown in this time zone."),
    )

    def __init__(self, agent: Agent, data: Any) -> None:
        super().__init__(data, initial={"name": agent.name, "time_zone": agent.time_zone})
        choices = cast(forms.ChoiceField, self.fields["time_zone"])
        choices.choices = zone_choices(agent.time_zone)

    def settle(self, agent: Agent) -> bool:
        """Whether the name can be this agent's; else the form says why not."""
        try:
            self.cleaned_data["name"] = valid_name(
                self.cleaned_data["name"], role=agent.role, agent=agent
            )
        except AgentError as error:
            self.add_error("name", str(error))
        return self.is_valid()


@require_http_methods(["GET", "POST"])
def account(request: AgentRequest) -> HttpResponse:
    """Show and change one's own account."""
    agent = request.user
    form = AccountForm(agent, request.POST or None)
    if request.method == "POST" and form.is_valid() and form.settle(agent):
        change_own(agent, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("account")
    context = {"form": form, "sessions": sessions_of(agent, request.session.session_key)}
    return render(request, "accounts/account.html", context)


@require_POST
def account_session_end(request: AgentRequest, handle: str) -> HttpResponse:
    """End one of one's own sessions."""
    end_session(request.user, handle, by=request.user)
    messages.success(request, _("The session has ended."))
    return redirect("account")


@require_POST
def account_sessions_end(request: AgentRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    end_sessions(request.user, by=request.user, but=request.session.session_key)
    messages.success(request, _("Your other sessions have ended."))
    return redirect("account")


@require_http_methods(["GET", "POST"])
def set_password(request: HttpRequest, key: str) -> HttpResponse:
    """Set a password with the link of an admin."""
    agent = agent_of_link(key)
    form = NewPasswordForm(request.POST or None)
    context = {"agent": agent, "form": form, "done": False}
    if agent is not None and request.method == "POST" and form.is_valid():
        try:
            use_link(key, form.cleaned_data["password"])
        except AgentError as error:
            form.add_error("password", str(error))
        else:
            context["done"] = True
    answer = render(
        request, "accounts/set_password.html", context, status=200 if agent is not None else 404
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
