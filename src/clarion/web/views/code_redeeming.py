"""Looking a code up, redeeming it, undoing that, and redeeming a file of codes."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.codes import bulk, redeeming
from clarion.codes.errors import CodeError, RedeemError
from clarion.codes.models import Redemption
from clarion.contacts import uploads
from clarion.kit import ids
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest, needs

MOST_LINES = 5_000  # of a file on the page, which is waited for; the command line has no limit


@require_safe
def code(request: AgentRequest) -> HttpResponse:
    """A code by what was typed: its pool, who has it, whether it can be redeemed now."""
    text = request.GET.get("code", "").strip()
    code = redeeming.find_code(text)
    context: dict[str, object] = {"text": text[:100], "code": code}
    if code is not None:
        holder = code.contact_id if code.pool.holder_only else None
        context["problem"] = redeeming.why_not(code, code.pool, holder)
        context["key"] = ids.token()
        context["redemptions"] = code.redemptions.select_related("contact").order_by("-pk")
    return render(request, "codes/code.html", context)


@needs(Role.SENDER)
@require_POST
def code_redeem(request: AgentRequest) -> HttpResponse:
    """Redeem a code. The key of the page makes a double click one redemption."""
    text = request.POST.get("code", "")
    try:
        redeeming.redeem(
            text,
            by=request.user,
            contact_id=parse_id(request.POST.get("contact", "")),
            key=request.POST.get("key", "")[: redeeming.LONGEST_KEY],
            note=request.POST.get("note", ""),
        )
    except (RedeemError, CodeError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%s has been redeemed.") % text.strip())
    return redirect(_page_of(text))


@needs(Role.MANAGER)
@require_POST
def code_undo(request: AgentRequest, pk: int) -> HttpResponse:
    """Undo a redemption."""
    used = get_object_or_404(Redemption.objects.select_related("code"), pk=pk)
    try:
        redeeming.undo(used, by=request.user)
    except CodeError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Undone. The code can be used once more."))
    return redirect(_page_of(used.code.code))


@needs(Role.SENDER)
@require_http_methods(["GET", "POST"])
def code_redeem_file(request: AgentRequest) -> HttpResponse:
    """Redeem the codes of a CSV file."""
    context: dict[str, object] = {"most": MOST_LINES}
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            context["problem"] = _("Choose a file.")
        else:
            token = uploads.keep(file.chunks())
            try:
                context["result"] = bulk.redeem_file(
                    uploads.path(token), by=request.user, most=MOST_LINES
                )
            except CodeError as error:
                context["problem"] = str(error)
            finally:
                uploads.drop(token)
    return render(request, "codes/redeem_file.html", context)


def _page_of(text: str) -> str:
    return f"{reverse('code')}?{urlencode({'code': text.strip()})}"
