"""The templates that providers list, and the order to fetch the list again."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Role
from clarion.channels.errors import ChannelError
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates import library
from clarion.channels.templates.parts import parts_of
from clarion.web.requests import AgentRequest, needs
from clarion.web.words import TEMPLATE_CATEGORIES, TEMPLATE_QUALITIES, template_status

MOST = 200  # templates of one page; a search finds the others


@require_safe
def templates(request: AgentRequest) -> HttpResponse:
    """The templates of all channels that have a list, or of one of them."""
    channels = [channel for channel in Channel.objects.order_by("name") if _lists(channel)]
    chosen = request.GET.get("channel", "")
    of = [channel for channel in channels if str(channel.pk) == chosen] or channels
    wanted = request.GET.get("q", "").strip()[:200]
    rows = list(library.templates_of(of).filter(name__icontains=wanted)[: MOST + 1])
    context = {
        "channels": channels,
        "chosen": chosen,
        "q": wanted,
        "rows": [_shown(row) for row in rows[:MOST]],
        "most": MOST if len(rows) > MOST else 0,
        "is_fetching": any(channel.templates_asked_at for channel in channels),
    }
    return render(request, "channels/templates.html", context)


@needs(Role.SENDER)
@require_POST
def templates_refresh(request: AgentRequest, pk: int) -> HttpResponse:
    """Have a worker fetch the list of a channel."""
    channel = get_object_or_404(Channel, pk=pk)
    try:
        library.order_refresh(channel, by=request.user)
    except ChannelError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The list of %s is being fetched.") % channel.name)
    return redirect("templates")


def _lists(channel: Channel) -> bool:
    try:
        return library.lists_templates(channel)
    except ChannelError:  # of a kind that there is no more
        return False


def _shown(row: MessageTemplate) -> dict[str, Any]:
    parts = parts_of(row.components)
    return {
        "template": row,
        "status": template_status(row.status),
        "category": TEMPLATE_CATEGORIES.get(row.category, row.category),
        "quality": TEMPLATE_QUALITIES.get(row.quality, row.quality),
        "parts": parts,
        "buttons": [button.label or button.url for button in parts.buttons],
    }
