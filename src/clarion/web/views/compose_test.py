"""A test send of a draft, to the agent's own address, with its result as it comes (B5)."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Role
from clarion.broadcasts import singles
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from clarion.engine.status import workers_alive
from clarion.kit import ids
from clarion.kit.numbers import parse_id
from clarion.records.models import Delivery
from clarion.records.states import PENDING
from clarion.web.composed import from_post
from clarion.web.requests import AgentRequest, needs
from clarion.web.views import compose
from clarion.web.views import compose_parts as parts

REMEMBERED = "test_address"  # in the session of the agent


@needs(Role.SENDER)
@require_POST
def compose_test_to(request: AgentRequest) -> HttpResponse:
    """Remember where this agent's tests go."""
    if number := parse_id(request.POST.get("test_address", "")):
        request.session[REMEMBERED] = number
    return render(request, "broadcasts/compose_test.html", {"test_address": address_of(request)})


def address_of(request: AgentRequest) -> Address | None:
    """Where this agent's tests go, if that has been chosen and is still there."""
    return parts.remembered_address(request.session.get(REMEMBERED))


@needs(Role.SENDER)
@require_POST
def compose_test(request: AgentRequest) -> HttpResponse:
    """Save the draft, and send what it says to the agent now."""
    composition = from_post(request.POST)
    draft = compose.draft_of(request)
    more: dict[str, object] = {"tested": True, "test_token": ids.token()}
    if draft is None and not composition.is_worth_keeping:
        more["test_problem"] = _("Write a message first.")
        return compose.saved(request, None, composition, part="text", more=more)
    try:
        draft = compose.save(request, draft, composition)
    except LaunchError as error:
        return compose.refused(request, draft, error)
    address = address_of(request)
    if address is None:
        more["test_problem"] = parts.NO_TEST_PERSON
    else:
        try:
            more["single"] = singles.send_test(
                draft, address, by=request.user, form_token=request.POST.get("test_token", "")
            )
        except ValueError as error:  # what packages raise for a person's mistake
            more["test_problem"] = str(error)
    return compose.saved(request, draft, composition, part="text", more=more)


@needs(Role.SENDER)
@require_safe
def compose_test_result(request: AgentRequest, pk: int) -> HttpResponse:
    """How a test send stands; asked again until it has arrived or failed."""
    single = get_object_or_404(Broadcast, pk=pk, type=Broadcast.Type.SINGLE)
    delivery = Delivery.objects.select_related("reason").filter(broadcast=single).first()
    if delivery is None:
        raise Http404
    moving = delivery.state in PENDING
    context = {
        "single": single,
        "delivery": delivery,
        "reason": delivery.reason.text if delivery.reason else "",
        "moving": moving,
        "no_engine": moving and not workers_alive(),
    }
    return render(request, "broadcasts/compose_test_result.html", context)
