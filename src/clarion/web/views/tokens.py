"""API tokens: list, create, revoke."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clarion.accounts.models import Role
from clarion.accounts.tokens import TokenError, create_token, limit_of, live_tokens, revoke_token
from clarion.web.forms.tokens import TokenForm
from clarion.web.requests import AgentRequest, needs

# The API has addresses of its own, which no name here leads to.
API_DOCUMENTATION = "/api/v1/docs"


@needs(Role.MANAGER)
@require_safe
def tokens(request: AgentRequest) -> HttpResponse:
    """The tokens that are not revoked."""
    rows = [
        {"token": token, "limit": limit_of(token)}
        for token in live_tokens().select_related("created_by")
    ]
    context = {"rows": rows, "documentation": API_DOCUMENTATION}
    return render(request, "accounts/tokens.html", context)


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def token_new(request: AgentRequest) -> HttpResponse:
    """Create a token, and show its secret this once: it is in the answer and nowhere else."""
    form = TokenForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token, secret = create_token(**form.values(), by=request.user)
        except TokenError as error:
            form.refuse(error)
        else:
            context = {"token": token, "secret": secret}
            return render(request, "accounts/token_created.html", context)
    return render(request, "accounts/token_new.html", {"form": form})


@needs(Role.MANAGER)
@require_http_methods(["GET", "POST"])
def token_revoke(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask, then revoke a token."""
    token = get_object_or_404(live_tokens(), pk=pk)
    if request.method == "POST":
        revoke_token(token, by=request.user)
        messages.success(request, _("“%s” has been revoked.") % token.name)
        return redirect("tokens")
    return render(request, "accounts/token_revoke.html", {"token": token})
