"""Agents: list, invite, role, access, sessions. For admins."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts import links, second_factor
from clarion.accounts.agents import AgentError, set_active, set_role
from clarion.accounts.models import Agent, Role
from clarion.accounts.second_factor import HAS_SECOND_FACTOR
from clarion.accounts.sessions import end_session, end_sessions, sessions_of
from clarion.accounts.tokens import live_tokens
from clarion.web.forms.agents import InvitationForm, RoleForm, TwoFactorForm
from clarion.web.requests import AgentRequest, needs


@needs(Role.ADMIN)
@require_safe
def agents(request: AgentRequest) -> HttpResponse:
    """All agents, by their names."""
    context = {
        "agents": Agent.objects.order_by("name", "pk").annotate(two_factor=HAS_SECOND_FACTOR),
        "required": [Role(role).label for role in second_factor.required_roles()],
    }
    return render(request, "accounts/agents.html", context)


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def agents_two_factor(request: AgentRequest) -> HttpResponse:
    """Choose the roles that need a second factor."""
    data = request.POST if request.method == "POST" else None  # without a tick, it may be empty
    form = TwoFactorForm(data, initial={"roles": second_factor.required_roles()})
    if request.method == "POST" and form.is_valid():
        second_factor.require_for(form.cleaned_data["roles"], by=request.user)
        messages.success(request, _("Saved."))
        return redirect("agents")
    return render(request, "accounts/agents_two_factor.html", {"form": form})


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def agent_new(request: AgentRequest) -> HttpResponse:
    """Invite an agent, and show the link this once: it is in the answer and nowhere else."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            agent, link = links.invite_agent(**form.cleaned_data, by=request.user)
        except AgentError as error:
            form.add_error(error.field, str(error))
        else:
            return _show_link(request, agent, link)
    return render(request, "accounts/agent_new.html", {"form": form})


def _show_link(request: AgentRequest, agent: Agent, link: str) -> HttpResponse:
    context = {"agent": agent, "link": request.build_absolute_uri(link), "days": links.DAYS}
    return render(request, "accounts/agent_link.html", context)


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def agent(request: AgentRequest, pk: int) -> HttpResponse:
    """One agent; a POST changes the role."""
    shown = get_object_or_404(Agent, pk=pk)
    form = RoleForm(request.POST or None, initial={"role": shown.role})
    if request.method == "POST" and form.is_valid():
        try:
            set_role(shown, form.cleaned_data["role"], by=request.user)
        except AgentError as error:
            form.add_error("role", str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("agent", pk)
    context = {
        "agent": shown,
        "form": form,
        "sessions": sessions_of(shown, request.session.session_key),
        "two_factor": second_factor.has_second_factor(shown),
        "is_own": shown.pk == request.user.pk,
    }
    return render(request, "accounts/agent.html", context)


def _reset(request: AgentRequest, agent: Agent) -> HttpResponse:
    return _show_link(request, agent, links.reset_password(agent, by=request.user))


def _deactivate(request: AgentRequest, agent: Agent) -> HttpResponse:
    set_active(agent, False, by=request.user)
    messages.success(request, _("%s is deactivated.") % agent.name)
    return redirect("agent", agent.pk)


def _activate(request: AgentRequest, agent: Agent) -> HttpResponse:
    set_active(agent, True, by=request.user)
    messages.success(request, _("%s can log in again.") % agent.name)
    return redirect("agent", agent.pk)


def _reset_two_factor(request: AgentRequest, agent: Agent) -> HttpResponse:
    second_factor.reset(agent, by=request.user)
    messages.success(request, _("The two-factor authentication of %s is reset.") % agent.name)
    return redirect("agent", agent.pk)


def _log_out(request: AgentRequest, agent: Agent) -> HttpResponse:
    end_sessions(agent, by=request.user, but=request.session.session_key)
    messages.success(request, _("The sessions of %s have ended.") % agent.name)
    return redirect("agent", agent.pk)


_ACTS: Final[dict[str, Callable[[AgentRequest, Agent], HttpResponse]]] = {
    "reset": _reset,
    "deactivate": _deactivate,
    "activate": _activate,
    "log-out": _log_out,
    "reset-two-factor": _reset_two_factor,
}


_ENDS_OWN: Final = frozenset({"deactivate", "reset-two-factor"})


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def agent_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Ask whether to do something to an agent, then do it."""
    if act not in _ACTS:
        raise Http404
    agent = get_object_or_404(Agent, pk=pk)
    problem = ""
    if request.method == "POST":
        try:
            answer = _ACTS[act](request, agent)
            if agent.pk == request.user.pk and act in _ENDS_OWN:
                request.session.flush()  # it has ended: nothing more can be saved in it
                return redirect("account_login")
            return answer
        except AgentError as error:
            problem = str(error)
    context: dict[str, Any] = {"agent": agent, "act": act, "problem": problem, "days": links.DAYS}
    context["tokens"] = live_tokens().filter(created_by=agent).count()
    return render(request, "accounts/agent_ask.html", context)


@needs(Role.ADMIN)
@require_POST
def agent_session_end(request: AgentRequest, pk: int, handle: str) -> HttpResponse:
    """End one session of an agent."""
    end_session(get_object_or_404(Agent, pk=pk), handle, by=request.user)
    messages.success(request, _("The session has ended."))
    return redirect("agent", pk)
