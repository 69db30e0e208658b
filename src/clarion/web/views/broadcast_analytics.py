"""A broadcast in numbers over time (J4)."""

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from clarion.insights import over_time
from clarion.insights.codes import numbers_of
from clarion.insights.links import links_clicked
from clarion.records.kept_latency import latency_of
from clarion.records.latency import SHARES
from clarion.web.live import fragment
from clarion.web.measure_charts import channel_charts, measures_chart
from clarion.web.moments import asked_span
from clarion.web.requests import AgentRequest
from clarion.web.shown import shown
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find
from clarion.web.wrong import Wrong

_SPANS = {  # of the latency: what each is called, and what it contains
    "total": (
        gettext_lazy("Until accepted"),
        gettext_lazy("From the scheduled time to the provider’s answer"),
    ),
    "waiting": (
        gettext_lazy("Waiting"),
        gettext_lazy("Until the request began: send rate, pauses, retries, earlier messages"),
    ),
    "request": (
        gettext_lazy("Network and provider"),
        gettext_lazy("From the request to the provider’s answer"),
    ),
    "delivery": (
        gettext_lazy("Delivery"),
        gettext_lazy("From that answer to “delivered”, by the provider’s clock"),
    ),
}


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
        "codes": numbers_of([broadcast]).get(pk),
        "links": links_clicked(broadcast) if broadcast.track_clicks else [],
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
    """How long messages took. It may be read from many records, so it comes after the page."""
    find(pk)
    latency = latency_of(pk)
    spans = [
        {
            "title": _SPANS[name][0],
            "meaning": _SPANS[name][1],
            "messages": percentiles.messages,
            "within": percentiles.within,
        }
        for name, percentiles in latency.spans.items()
    ]
    context = {"spans": spans, "shares": SHARES, "read_at": latency.at}
    return fragment(request, "broadcasts/latency.html", context)
