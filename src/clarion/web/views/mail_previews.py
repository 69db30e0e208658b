"""The HTML of e-mails, in a frame of its own that can neither run scripts nor reach the page."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.safestring import mark_safe
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from clarion.broadcasts import history
from clarion.broadcasts.preview import preview_page
from clarion.contacts.models import Address
from clarion.content.errors import ContentError
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest
from clarion.web.shown import name_of

# Nothing but pictures is fetched, nothing runs, no form is sent, links open nothing.
POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; "
    "font-src https:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def framed(page: str) -> HttpResponse:
    """HTML that agents wrote, as an answer that only a frame of ours shows."""
    response = HttpResponse(mark_safe(page))  # noqa: S308 - the policy above takes its powers
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def unshown(request: AgentRequest, problem: str) -> HttpResponse:
    """Why there is nothing to show, in the frame."""
    page = render(request, "broadcasts/mail_problem.html", {"problem": problem})
    return framed(page.content.decode())


@require_safe
@xframe_options_sameorigin
def broadcast_mail(request: AgentRequest, pk: int) -> HttpResponse:
    """The e-mail of a broadcast, as the contact at ``address`` would get it."""
    broadcast = get_object_or_404(history.visible(), pk=pk)
    addresses = Address.objects.select_related("contact", "channel")
    address = addresses.filter(pk=parse_id(request.GET.get("address", "")) or 0).first()
    try:
        return framed(preview_page(broadcast, address))
    except ContentError as error:
        return unshown(request, str(error))


@require_safe
def broadcast_mail_wide(request: AgentRequest, pk: int) -> HttpResponse:
    """The e-mail of a broadcast on a phone and on a desktop."""
    broadcast = get_object_or_404(history.visible(), pk=pk)
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "query": request.GET.urlencode(),
    }
    return render(request, "broadcasts/mail_wide.html", context)
