"""Who got which code from a broadcast, and when it was redeemed (L, J4)."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from clarion.insights.codes import codes_of_broadcast, numbers_of
from clarion.kit.paging import CursorError
from clarion.web.requests import AgentRequest
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find


@require_safe
def broadcast_codes(request: AgentRequest, pk: int) -> HttpResponse:
    """The codes that contacts got, or those that were redeemed."""
    broadcast = find(pk)
    redeemed = request.GET.get("redeemed") == "yes"
    after = request.GET.get("after", "")
    try:
        page = codes_of_broadcast(broadcast, after or None, redeemed=redeemed)
    except CursorError:
        return redirect("broadcast_codes", pk)
    query = "?redeemed=yes" if redeemed else "?"
    context = frame(broadcast, "details") | {
        "page": page,
        "redeemed": redeemed,
        "numbers": numbers_of([broadcast]).get(pk),
        "first_url": query if after else "",
        "next_url": f"{query}&after={page.next_cursor}" if page.next_cursor else "",
    }
    return render(request, "broadcasts/codes.html", context)
