"""Approval of a broadcast by a second person: ask, see the facts, decide; and the rules."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clarion.accounts.models import Role
from clarion.broadcasts import approvals
from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.costs import costs
from clarion.broadcasts.errors import ApprovalError
from clarion.broadcasts.forecast import forecast
from clarion.broadcasts.models import ApprovalRules, Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.web.previews import mail_facts
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import audience_words, content, name_of
from clarion.web.views.broadcasts import find


class RulesForm(forms.Form):
    """When a second person is needed, and for whose broadcasts."""

    more_than = forms.IntegerField(
        label=gettext_lazy("Most recipients without approval"),
        required=False,
        min_value=0,
        max_value=ApprovalRules.MOST,
        help_text=gettext_lazy(
            "Broadcasts to more recipients need the approval of a second person. Leave it empty if "
            "none do."
        ),
    )
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Applies to broadcasts sent by"),
        choices=[choice for choice in Role.choices if choice[0] != Role.VIEWER],
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def approval_rules(request: AgentRequest) -> HttpResponse:
    """Show and change the rules."""
    rules = approvals.rules()
    initial = {"more_than": rules.more_than, "roles": rules.roles}
    if rules.more_than is None and not rules.roles:
        initial["roles"] = ["sender", "manager", "admin"]
    form = RulesForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        approvals.set_rules(**form.cleaned_data, by=request.user)
        messages.success(request, _("Saved."))
        return redirect("broadcasts_approval_rules")
    return render(request, "broadcasts/approval_rules.html", {"form": form})


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def approval(request: AgentRequest, pk: int) -> HttpResponse:
    """The facts about a draft, and what was asked and decided; a POST asks or decides."""
    draft = find(pk)
    if draft.state != BroadcastState.DRAFT:
        return redirect("broadcast", pk)
    if request.method == "POST":
        try:
            _act(request, draft)
        except ApprovalError as error:
            messages.error(request, str(error))
        return redirect("broadcast_approval", pk)
    return render(request, "broadcasts/approval.html", _facts(request, draft))


def _act(request: AgentRequest, draft: Broadcast) -> None:
    if "ask" in request.POST:
        approvals.ask(draft, approvals.recipients_of(draft), by=request.user)
        messages.success(request, _("Approval is asked for. It is on the dashboard."))
        return
    latest = approvals.latest(draft)
    if latest is None or str(latest.pk) != request.POST.get("request"):
        raise ApprovalError(_("This request is no longer open."))
    approve, comment = "approve" in request.POST, request.POST.get("comment", "")
    approvals.decide(latest, approve=approve, comment=comment, by=request.user)
    messages.success(request, _("Approved.") if approve else _("Rejected."))


def _facts(request: AgentRequest, draft: Broadcast) -> dict[str, object]:
    channels = list(draft.channels.order_by("name"))
    summary = None if draft.is_live else summary_of(draft)
    recipients = summary.total if summary else None
    latest = approvals.latest(draft)
    return {
        "broadcast": draft,
        "name": name_of(draft),
        "needed": approvals.is_needed(draft, recipients, request.user),
        "approval": latest,
        "void": approvals.why_void(latest, recipients) if latest else "",
        "why_not": approvals.why_not(latest, request.user) if latest else "",
        "summary": summary,
        "channels": [
            {"channel": channel, "people": summary.by_channel.get(channel.pk) if summary else None}
            for channel in channels
        ],
        "forecast": forecast(draft, channels, summary.by_channel if summary else {}),
        "costs": costs(draft, channels, summary.by_channel, about=summary.about) if summary else [],
        "audience": audience_words(draft),
        "content": content(draft),
        "mail_facts": mail_facts(draft),
    }
