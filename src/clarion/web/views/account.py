"""One's own account: name and time zone."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clarion.accounts.agents import AgentError, change_own, valid_name
from clarion.accounts.models import Agent
from clarion.web.requests import AgentRequest
from clarion.web.zones import zone_choices


class AccountForm(forms.Form):
    """What agents change about themselves; the e-mail and the role are an admin's to change."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("All times on the pages are shown in it."),
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
    return render(request, "accounts/account.html", {"form": form})
