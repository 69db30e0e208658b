"""A broadcast in numbers over time (J4)."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.insights import over_time
from clarion.insights.links import links_clicked
from clarion.records.latency import latency
from clarion.web.live import fragment
from clarion.web.measure_charts import channel_charts, measures_chart
from clarion.web.moments import asked_span
from clarion.web.requests import AgentRequest
from clarion.web.shown import shown
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find
from clarion.web.wrong import Wrong


@require_safe
def broadcast_analytics(request: AgentRequest, pk: int) -> HttpResponse:
    """What was sent, delivered, read, failed, recovered and clicked, in all and by channel."""
    broadcast = find(pk)
    (b,) = shown([broadcast])
    query, moments, problems = asked_span(request.GET)
    context = {
        **frame(broadcast, "analytics"),
        **_numbers(pk, **moments),
        "b": b,
        "links": links_clicked(pk) if broadcast.track_clicks else [],
        "query": query,
        "wrong": [Wrong(text, f"f-{name}") for name, text in problems.items()],
        "problems_intro": _("These filters can’t be applied. Correct them:"),
        "clear_url": reverse("broadcast_analytics", args=[pk]),
        "filtered": any(moments.values()),
    }
    return render(request, "broadcasts/analytics.html", context)


def _numbers(pk: int, since: datetime | None, until: datetime | None) -> dict[str, object]:
    numbers = over_time.of_broadcast(pk, timezone.get_current_timezone(), since, until)
    if numbers is None:
        return {"total": None}
    return {
        "total": numbers.total,
        "knows": {name: numbers.knows(name) for name in ("delivered", "read")},
        "chart": measures_chart("all", _("Messages over time"), numbers),
        "channel_charts": channel_charts(numbers),
    }


@require_safe
def broadcast_latency(request: AgentRequest, pk: int) -> HttpResponse:
    """How long messages took: read from every record, so it comes after the page."""
    broadcast = find(pk)
    context = {"broadcast": broadcast, "latency": latency(pk)}
    return fragment(request, "broadcasts/latency.html", context)
