"""Broadcasts: the live list, and one of them. What can be done with one is in broadcast_acts."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from clarion.accounts.models import Role
from clarion.broadcasts import chains, control, events, history, retention
from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.halting import limits_of
from clarion.broadcasts.history import Section, Sought
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.restarts import can_restart
from clarion.broadcasts.states import FINISHED
from clarion.channels.condition import conditions
from clarion.engine.status import workers_alive
from clarion.insights.codes import numbers_of
from clarion.insights.errors import explained_causes
from clarion.insights.links import clicks_of, opens_of
from clarion.kit import clock
from clarion.kit.numbers import parse_id
from clarion.records import tallies
from clarion.records.filters import RecordFilter
from clarion.records.held import held_since
from clarion.records.search import search
from clarion.web.first_steps import first_steps
from clarion.web.live import fragment
from clarion.web.previews import mail_facts
from clarion.web.requests import AgentRequest
from clarion.web.shown import FILLS, audience_words, content, name_of, own_url, send_rate, shown
from clarion.web.tabs import frame
from clarion.web.words import BROADCAST_TYPES, DELIVERY_STATES

_ON_ITS_WAY = ("scheduled", "sending", "paused", "live")
LATEST = 8  # records, runs and calls on the page of a broadcast
# Seconds: a start this near is counted down.
UNDO_WINDOW = max(600, settings.CLARION.undo_seconds)
TYPED = ("active", "completed")  # the sections with check boxes for types (E1)
SOON = timedelta(days=14)  # what is deleted until then is announced
_MOMENTS = {
    "active": (gettext_lazy("Started from"), gettext_lazy("Started until")),
    "scheduled": (gettext_lazy("Scheduled from"), gettext_lazy("Scheduled until")),
    "completed": (gettext_lazy("Finished from"), gettext_lazy("Finished until")),
    "drafts": (gettext_lazy("Created from"), gettext_lazy("Created until")),
}

_MOMENT_TITLES = {
    "active": gettext_lazy("Started"),
    "scheduled": gettext_lazy("Starts"),
    "periodic": gettext_lazy("Next run"),
    "completed": gettext_lazy("Finished"),
    "drafts": gettext_lazy("Edited"),
}


@require_safe
def broadcasts(request: AgentRequest) -> HttpResponse:
    """The sections with their broadcasts, newest first."""
    context = {**_listed(request), "date_problem": _date_problem(request)}
    if context["section"] == "completed":
        context["going"] = retention.summary(clock.now() + SOON)
    return render(request, "broadcasts/list.html", context)


@require_safe
def broadcasts_live(request: AgentRequest) -> HttpResponse:
    """The moving part of the list."""
    return fragment(request, "broadcasts/rows.html", _listed(request))


def _listed(request: AgentRequest) -> dict[str, Any]:
    query = _query(request)
    everywhere = Sought(q=query["q"], since=_day(query["since"]), until=_day(query["until"], 1))
    sizes = history.section_sizes(everywhere)
    section = request.GET.get("section", "")
    if section not in history.SECTIONS:
        section = next((name for name in history.SECTIONS if sizes[name]), "active")
    types = tuple(query["type"]) if section in TYPED else ()
    sought = Sought(types, everywhere.q, everywhere.since, everywhere.until)
    after = parse_id(request.GET.get("after", ""))
    page = history.section(section, sought, after=after)
    titles = (_("Active"), _("Scheduled"), _("Periodic"), _("Completed"), _("Drafts"))
    tabs = [
        {"title": title, "url": _url(name, query), "size": sizes[name], "here": name == section}
        for name, title in zip(history.SECTIONS, titles, strict=True)
    ]
    filtered = any(query.values())
    return {
        "section": section,
        **query,
        "types": [
            {"value": value, "label": label, "ticked": value in types}
            for value, label in BROADCAST_TYPES.items()
        ]
        if section in TYPED
        else [],
        "moment": _MOMENTS.get(section, _MOMENTS["drafts"]),
        "moment_title": _MOMENT_TITLES[section],
        "tabs": tabs,
        "filtered": filtered,
        "chips": _chips(section, query, types),
        "clear_url": _url(section, {}),
        "found_elsewhere": any(sizes.values()),
        "anything": filtered or any(sizes.values()),
        "steps": first_steps(request.user) if not filtered and _unsent(sizes) else [],
        "counted": section in {"active", "completed"},
        "picks": section == "drafts" and request.user.may(Role.SENDER),
        **_rows(page),
        "live_url": _url(section, query, after, view="broadcasts_live"),
        "here_url": _url(section, query, after),
        "next_url": _url(section, query, page.after) if page.after else "",
        "first_url": _url(section, query) if after else "",
    }


def _unsent(sizes: dict[str, int]) -> bool:
    """Whether nothing but drafts is there yet."""
    return not any(size for name, size in sizes.items() if name != "drafts")


def _chips(section: str, query: dict[str, Any], types: Sequence[str]) -> list[dict[str, str]]:
    """The conditions beside the search, each with the address of the list without it."""
    dates = _MOMENTS.get(section, _MOMENTS["drafts"])
    days = [
        (name, label, _day(query[name]))
        for name, label in zip(("since", "until"), dates, strict=True)
    ]
    return [
        {
            "text": str(BROADCAST_TYPES[kind]),
            "without": _url(section, query | {"type": [t for t in query["type"] if t != kind]}),
        }
        for kind in types
    ] + [
        {
            "text": f"{label}: {formats.date_format(day, 'j M Y')}",
            "without": _url(section, query | {name: ""}),
        }
        for name, label, day in days
        if day
    ]


def _rows(page: Section) -> dict[str, Any]:
    rows = shown(page.broadcasts)
    for row, broadcast in zip(rows, page.broadcasts, strict=True):
        row["actions"] = control.actions(broadcast)
    return {"rows": rows}


def _query(request: AgentRequest) -> dict[str, Any]:
    """What the list is filtered by, as far as it makes sense."""
    data = request.GET
    return {
        "q": data.get("q", "").replace("\x00", "").strip(),
        "type": [value for value in BROADCAST_TYPES if value in data.getlist("type")],
        "since": data.get("since", "") if _day(data.get("since", "")) else "",
        "until": data.get("until", "") if _day(data.get("until", "")) else "",
    }


def _date_problem(request: AgentRequest) -> str:
    """Why a date of the filter does not count, "" where all do."""
    since, until = (request.GET.get(name, "").strip() for name in ("since", "until"))
    for text in (since, until):
        if text and not _day(text):
            return _("“%s” is not a date. Write it like 2026-12-24.") % text[:40]
    first, last = _day(since), _day(until)
    if first and last and first > last:
        return _("The first date is after the last one, so nothing can match. Swap them.")
    return ""


def _day(text: str, later: int = 0) -> datetime | None:
    """The beginning of a day in the agent's zone, or of the day after; None for anything else."""
    try:
        day = parse_date(text)
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day + timedelta(days=later), time()))
    except (ValueError, OverflowError):
        return None


def _url(section: str, query: dict[str, Any], after: object = "", view: str = "broadcasts") -> str:
    every = {"section": section, **query, "after": after}
    fields = {name: value for name, value in every.items() if value}
    return f"{reverse(view)}?{urlencode(fields, doseq=True)}"


@require_safe
def broadcast(request: AgentRequest, pk: int) -> HttpResponse:
    """One broadcast: how it stands, in numbers that move."""
    broadcast = find(pk)
    sender = request.user.may(Role.SENDER)
    context = {
        **frame(broadcast, "details"),
        **_standing(broadcast),
        "audience": audience_words(broadcast),
        "mail_facts": mail_facts(broadcast),
        "content": content(broadcast),
        "chain": chains.chain(broadcast) if _linked(broadcast) else [],
        "limits": limits_of(broadcast),
        "own_url": own_url(broadcast, request.build_absolute_uri("/")) if sender else None,
        "channels": list(broadcast.channels.order_by("name")),
        "told_channels": list(broadcast.channels.all()),
        "recipients": summary_of(broadcast) if _is_counted_before(broadcast) else None,
    }
    return render(request, "broadcasts/one.html", context)


def _is_counted_before(broadcast: Broadcast) -> bool:
    """Whether its page says to how many it will be sent."""
    return broadcast.state == "scheduled" and not broadcast.is_live


def _linked(broadcast: Broadcast) -> bool:
    return broadcast.restart_of_id is not None or broadcast.restarts.exists()


@require_safe
def broadcast_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of the page of a broadcast; away from it once somebody has deleted it."""
    if not history.visible().filter(pk=pk).exists():
        return HttpResponseClientRedirect(reverse("broadcasts"))
    return fragment(request, "broadcasts/standing.html", _standing(find(pk)) | {"moving": True})


def find(pk: int) -> Broadcast:
    """A broadcast that is not deleted, with what its page shows. Raises Http404."""
    broadcasts = history.visible().select_related(
        "agent", "drafted_by", "story", "story_version", "parent"
    )
    return get_object_or_404(broadcasts.prefetch_related("channels"), pk=pk)


def _standing(broadcast: Broadcast) -> dict[str, Any]:
    (b,) = shown([broadcast])
    starts_in = (
        (broadcast.scheduled_at - clock.now()).total_seconds()
        if broadcast.state == "scheduled" and broadcast.scheduled_at
        else None
    )
    numbers = [
        {"state": state, "count": b[state], "meaning": word.meaning, "fill": FILLS[state]}
        for state, word in DELIVERY_STATES.items()
        if b[state] or state in {"queued", "sent", "failed"}
    ]
    moving = broadcast.state in {"scheduled", "sending", "live"}
    return {
        "b": b,
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "page_title": _page_title(broadcast, b),
        "actions": control.actions(broadcast),
        "counts": _counts(broadcast),
        "numbers": numbers,
        "held_since": held_since(broadcast.pk) if b["held"] else None,
        "soon": starts_in is not None and starts_in < UNDO_WINDOW,
        "troubled": conditions(broadcast.channels.all()) if broadcast.state in _ON_ITS_WAY else [],
        "halted": events.halted_by(broadcast),
        "no_engine": moving and not workers_alive(),
        **(send_rate(b) if broadcast.state == "sending" else {}),
    }


def _page_title(broadcast: Broadcast, b: dict[str, Any]) -> str:
    """The name, with the progress before it while there is one: the tab of a browser shows it."""
    if broadcast.state in {"sending", "paused"} and b["total"]:
        return _("%(share)d %% · %(name)s") % {
            "share": 100 * b["done"] // b["total"],
            "name": name_of(broadcast),
        }
    return name_of(broadcast)


def _counts(broadcast: Broadcast) -> bool:
    """Whether it has people itself. A periodic or external one has not: its runs have."""
    alone = not broadcast.is_live or broadcast.type == Broadcast.Type.TRIGGER
    return alone and broadcast.started_at is not None


@require_safe
def broadcast_details(request: AgentRequest, pk: int) -> HttpResponse:
    """Runs, calls, and the newest records: the slower part of the page."""
    broadcast = find(pk)
    waiting = 0
    if broadcast.type == Broadcast.Type.TRIGGER:
        waiting = broadcast.firings.filter(state=Firing.State.WAITING).count()
    runs = _rows(history.runs(broadcast, limit=LATEST))["rows"] if broadcast.is_live else []
    calls = broadcast.calls.select_related("run").order_by("-at")[:LATEST]
    context = {
        "broadcast": broadcast,
        "b": shown([broadcast])[0],
        "counts": _counts(broadcast),
        "waiting": waiting,
        "runs": runs,
        "calls": calls if broadcast.is_live else [],
        "codes": numbers_of([broadcast]).get(broadcast.pk),
        "clicks": clicks_of(broadcast),
        "opens": opens_of(broadcast),
        "of_runs": broadcast.is_live and not _counts(broadcast),
        "rows": search(RecordFilter(broadcast=broadcast.pk), limit=LATEST).rows,
    }
    return fragment(request, "broadcasts/details.html", context)


@require_safe
def broadcast_errors(request: AgentRequest, pk: int) -> HttpResponse:
    """The errors by cause, with what to do about each: failed attempts, and failed recipients."""
    broadcast = find(pk)
    causes = explained_causes(broadcast.pk)
    context = {
        "broadcast": broadcast,
        "causes": causes,
        "can_restart": can_restart(broadcast) and broadcast.state in FINISHED,
        "attempts": sum(row.cause.errors for row in causes),
        "people": tallies.counts([pk])[pk]["failed"],
    }
    return fragment(request, "broadcasts/errors.html", context)


@require_safe
def broadcast_runs(request: AgentRequest, pk: int) -> HttpResponse:
    """All runs of a periodic or external broadcast."""
    broadcast = find(pk)
    after = parse_id(request.GET.get("after", ""))
    page = history.runs(broadcast, after=after)
    here = reverse("broadcast_runs", args=[pk])
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        **_rows(page),
        "section": "runs",
        "anything": True,
        "counted": True,
        "here_url": here,
        "next_url": f"{here}?after={page.after}" if page.after else "",
        "first_url": here if after else "",
    }
    return render(request, "broadcasts/runs.html", context)
