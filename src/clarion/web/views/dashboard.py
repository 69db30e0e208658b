"""The first page: what is sent now and next, what needs attention, and a time range in numbers."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from clarion.accounts.models import Role
from clarion.broadcasts import control, history
from clarion.engine.status import workers_alive
from clarion.insights import dashboard as insights
from clarion.insights.attention import Concern
from clarion.insights.codes import numbers_of
from clarion.insights.spans import DAY, DEFAULT_RANGE, RANGES
from clarion.kit import clock
from clarion.web.first_steps import first_steps
from clarion.web.live import fragment
from clarion.web.measure_charts import MEASURES, channel_charts, measures_chart
from clarion.web.requests import AgentRequest
from clarion.web.shown import name_of, send_rate, shown

LATEST = 15  # broadcasts in the table
_RANGES = {
    "24h": (gettext_lazy("24 hours"), gettext_lazy("in the 24 hours before")),
    "7d": (gettext_lazy("7 days"), gettext_lazy("in the 7 days before")),
    "30d": (gettext_lazy("30 days"), gettext_lazy("in the 30 days before")),
    "90d": (gettext_lazy("90 days"), gettext_lazy("in the 90 days before")),
}


@require_safe
def dashboard(request: AgentRequest) -> HttpResponse:
    """The dashboard; before the first broadcast, the steps to it."""
    if not _anything():
        steps = first_steps(request.user)
        return render(request, "dashboard/page.html", {"steps": steps, "here_url": "/"})
    context = {**_now(request), **_numbers(request), **_table(request), "live": _live_urls(request)}
    return render(request, "dashboard/page.html", context)


@require_safe
def dashboard_now(request: AgentRequest) -> HttpResponse:
    """The part about this moment."""
    return fragment(request, "dashboard/now.html", _now(request))


@require_safe
def dashboard_numbers(request: AgentRequest) -> HttpResponse:
    """The numbers and charts of the range."""
    return fragment(request, "dashboard/numbers.html", _numbers(request))


@require_safe
def dashboard_broadcasts(request: AgentRequest) -> HttpResponse:
    """The newest broadcasts."""
    return fragment(request, "dashboard/broadcasts.html", _table(request))


def _anything() -> bool:
    """Whether there is more than drafts."""
    sizes = history.section_sizes()
    return any(size for name, size in sizes.items() if name != "drafts")


def _now(request: AgentRequest) -> dict[str, Any]:
    now = insights.now(clock.now())
    under_way = shown(now.under_way)
    for row in under_way:
        if row["state"] == "sending":
            row |= send_rate(row)
    return {
        "under_way": under_way,
        "upcoming": [
            {
                "at": at,
                "id": broadcast.pk,
                "name": name_of(broadcast),
                "periodic": bool(broadcast.recurrence),
            }
            for at, broadcast in now.upcoming
        ],
        "concerns": [
            _concern(concern)
            for concern in now.concerns
            if concern.endpoint is None or request.user.may(Role.MANAGER)
        ],
        "told_channels": [concern.channel for concern in now.concerns if concern.kind == "channel"],
        "no_engine": bool(now.under_way or now.upcoming) and not workers_alive(),
    }


def _concern(concern: Concern) -> dict[str, Any]:
    """A concern with the page that it is dealt with on."""
    if concern.pool is not None:
        url = reverse("code_pool", args=[concern.pool.pk])
        return _shown(concern, url)
    if concern.endpoint is not None:
        return _shown(concern, reverse("webhook", args=[concern.endpoint.pk]))
    if concern.broadcast is None:
        assert concern.channel is not None
        url = reverse("channel", args=[concern.channel.pk])
        if concern.kind == "errors":
            since = timezone.localtime(clock.now() - DAY).replace(microsecond=0)
            query = {"status": "error", "channel": concern.channel.name, "after": since.isoformat()}
            url = f"{reverse('records')}?{urlencode(query)}"
        return _shown(concern, url)
    pk = concern.broadcast.pk
    url = reverse("broadcast", args=[pk])
    if concern.kind == "approval":
        url = reverse("broadcast_approval", args=[pk])
    if concern.kind in {"in_doubt", "held"}:
        url = f"{reverse('broadcast_recipients', args=[pk])}?state={concern.kind}"
    return _shown(concern, url) | {"name": name_of(concern.broadcast)}


def _shown(concern: Concern, url: str) -> dict[str, Any]:
    return {
        "kind": concern.kind, "text": concern.text, "name": "", "url": url,
        "until": concern.until,
    }  # fmt: skip


def _numbers(request: AgentRequest) -> dict[str, Any]:
    name = _range_name(request)
    results = insights.in_range(name, timezone.get_current_timezone(), clock.now())
    since, until = results.spans.since, results.spans.until
    records = {"after": since.isoformat(), "before": until.isoformat()}
    opens = {
        "sent": f"{reverse('records')}?{urlencode({'status': 'completed', **records})}",
        "failed": f"{reverse('records')}?{urlencode({'status': 'error', **records})}",
        "opened": f"{reverse('clicks')}?{urlencode({'event': 'open', 'first': 'yes', **records})}",
        "clicked": f"{reverse('clicks')}?{urlencode({'first': 'yes', **records})}",
    }
    return {
        "range": results,
        "ranges": [
            {"name": key, "title": title, "here": key == name, "url": f"?range={key}"}
            for key, (title, _before) in _RANGES.items()
        ],
        "before_words": _RANGES[name][1],
        "numbers": [
            {
                "name": number.name,
                "title": MEASURES[number.name][0],
                "tone": MEASURES[number.name][1],
                "now": number.now,
                "before": number.before,
                "change": None if number.change is None else round(100 * number.change),
                "url": opens.get(number.name, ""),
            }
            for number in results.compared
        ],
        "all_chart": measures_chart("all", _("Messages over time"), results.over_time),
        "channel_charts": channel_charts(results.over_time),
    }


def _table(request: AgentRequest) -> dict[str, Any]:
    page = history.section("all", limit=LATEST)
    rows = shown(page.broadcasts)
    codes = numbers_of(page.broadcasts)
    for row, broadcast in zip(rows, page.broadcasts, strict=True):
        row["actions"] = control.actions(broadcast)
        row["codes"] = codes.get(broadcast.pk)
    return {
        "rows": rows,
        "counted": True,
        "with_codes": bool(codes),
        "here_url": f"{reverse('dashboard')}?range={_range_name(request)}",
    }


def _range_name(request: AgentRequest) -> str:
    wanted = request.GET.get("range", "")
    return wanted if wanted in RANGES else DEFAULT_RANGE


def _live_urls(request: AgentRequest) -> dict[str, str]:
    query = f"?range={_range_name(request)}"
    return {
        "now": reverse("dashboard_now"),
        "numbers": reverse("dashboard_numbers") + query,
        "broadcasts": reverse("dashboard_broadcasts") + query,
    }
