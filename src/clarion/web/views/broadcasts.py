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
from clarion.broadcasts import chains, control, history, retention
from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.history import Section, Sought
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.condition import conditions
from clarion.engine.status import workers_alive
from clarion.kit import clock
from clarion.kit.numbers import parse_id
from clarion.records import tallies
from clarion.records.filters import RecordFilter
from clarion.records.held import held_since
from clarion.records.search import search
from clarion.web.advice import with_advice
from clarion.web.first_steps import first_steps
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest
from clarion.web.shown import FILLS, audience_words, content, name_of, own_url, send_rate, shown
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
        "live_url": _url(section, query, after, place="broadcasts_live"),
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
            "text": str(BROADCAST_TYPES[one]),
            "without": _url(section, query | {"type": [t for t in query["type"] if t != one]}),
        }
        for one in types
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
    for row, one in zip(rows, page.broadcasts, strict=True):
        row["actions"] = control.actions(one)
    return {"rows": rows}


def _query(request: AgentRequest) -> dict[str, Any]:
    """What the list is filtered by, as far as it makes sense."""
    given = request.GET
    return {
        "q": given.get("q", "").replace("\x00", "").strip(),
        "type": [value for value in BROADCAST_TYPES if value in given.getlist("type")],
        "since": given.get("since", "") if _day(given.get("since", "")) else "",
        "until": given.get("until", "") if _day(given.get("until", "")) else "",
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


def _url(section: str, query: dict[str, Any], after: object = "", place: str = "broadcasts") -> str:
    every = {"section": section, **query, "after": after}
    given = {name: value for name, value in every.items() if value}
    return f"{reverse(place)}?{urlencode(given, doseq=True)}"


@require_safe
def broadcast(request: AgentRequest, pk: int) -> HttpResponse:
    """One broadcast: how it stands, in numbers that move."""
    found = find(pk)
    sender = request.user.may(Role.SENDER)
    context = {
        **_standing(found),
        "audience": audience_words(found),
        "content": content(found),
        "chain": chains.chain(found) if _linked(found) else [],
        "own_url": own_url(found, request.build_absolute_uri("/")) if sender else None,
        "channels": list(found.channels.order_by("name")),
        "told_channels": list(found.channels.all()),
        "recipients": summary_of(found) if _is_counted_before(found) else None,
        "parent_name": name_of(found.parent) if found.parent else "",
    }
    return render(request, "broadcasts/one.html", context)


def _is_counted_before(found: Broadcast) -> bool:
    """Whether its page says to how many it will be sent."""
    return found.state == "scheduled" and not found.is_live


def _linked(found: Broadcast) -> bool:
    return found.restart_of_id is not None or found.restarts.exists()


@require_safe
def broadcast_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of the page of a broadcast; away from it once somebody has deleted it."""
    if not history.visible().filter(pk=pk).exists():
        return HttpResponseClientRedirect(reverse("broadcasts"))
    return fragment(request, "broadcasts/standing.html", _standing(find(pk)) | {"moving": True})


def find(pk: int) -> Broadcast:
    """A broadcast that is not deleted, with what its page shows. Raises Http404."""
    found = history.visible().select_related(
        "agent", "drafted_by", "story", "story_version", "parent"
    )
    return get_object_or_404(found.prefetch_related("channels"), pk=pk)


def _standing(found: Broadcast) -> dict[str, Any]:
    (b,) = shown([found])
    starts_in = (
        (found.scheduled_at - clock.now()).total_seconds()
        if found.state == "scheduled" and found.scheduled_at
        else None
    )
    numbers = [
        {"state": state, "count": b[state], "meaning": word.meaning, "fill": FILLS[state]}
        for state, word in DELIVERY_STATES.items()
        if b[state] or state in {"queued", "sent", "failed"}
    ]
    moving = found.state in {"scheduled", "sending", "live"}
    return {
        "b": b,
        "broadcast": found,
        "name": name_of(found),
        "page_title": _page_title(found, b),
        "actions": control.actions(found),
        "counts": _counts(found),
        "numbers": numbers,
        "held_since": held_since(found.pk) if b["held"] else None,
        "soon": starts_in is not None and starts_in < UNDO_WINDOW,
        "troubled": conditions(found.channels.all()) if found.state in _ON_ITS_WAY else [],
        "no_engine": moving and not workers_alive(),
        **(send_rate(b) if found.state == "sending" else {}),
    }


def _page_title(found: Broadcast, b: dict[str, Any]) -> str:
    """The name, with the progress before it while there is one: the tab of a browser shows it."""
    if found.state in {"sending", "paused"} and b["total"]:
        return _("%(share)d %% · %(name)s") % {
            "share": 100 * b["done"] // b["total"],
            "name": name_of(found),
        }
    return name_of(found)


def _counts(found: Broadcast) -> bool:
    """Whether it has people itself. A periodic or external one has not: its runs have."""
    alone = not found.is_live or found.type == Broadcast.Type.TRIGGER
    return alone and found.started_at is not None


@require_safe
def broadcast_details(request: AgentRequest, pk: int) -> HttpResponse:
    """Runs, calls, and the newest records: the slower part of the page."""
    found = find(pk)
    waiting = 0
    if found.type == Broadcast.Type.TRIGGER:
        waiting = found.firings.filter(state=Firing.State.WAITING).count()
    runs = _rows(history.runs(found, limit=LATEST))["rows"] if found.is_live else []
    calls = found.calls.select_related("run").order_by("-at")[:LATEST]
    context = {
        "broadcast": found,
        "counts": _counts(found),
        "waiting": waiting,
        "runs": runs,
        "calls": calls if found.is_live else [],
        "rows": search(RecordFilter(broadcast=found.pk), limit=LATEST).rows,
    }
    return fragment(request, "broadcasts/details.html", context)


@require_safe
def broadcast_errors(request: AgentRequest, pk: int) -> HttpResponse:
    """The errors by cause, with what to do about each: failed attempts, and failed recipients."""
    found = find(pk)
    causes = with_advice(found.pk)
    context = {
        "broadcast": found,
        "causes": causes,
        "attempts": sum(one.cause.errors for one in causes),
        "people": tallies.counts([pk])[pk]["failed"],
    }
    return fragment(request, "broadcasts/errors.html", context)


@require_safe
def broadcast_runs(request: AgentRequest, pk: int) -> HttpResponse:
    """All runs of a periodic or external broadcast."""
    found = find(pk)
    after = parse_id(request.GET.get("after", ""))
    page = history.runs(found, after=after)
    here = reverse("broadcast_runs", args=[pk])
    context = {
        "broadcast": found,
        "name": name_of(found),
        **_rows(page),
        "section": "runs",
        "anything": True,
        "counted": True,
        "here_url": here,
        "next_url": f"{here}?after={page.after}" if page.after else "",
        "first_url": here if after else "",
    }
    return render(request, "broadcasts/runs.html", context)


@require_safe
def broadcast_reconcile(request: AgentRequest, pk: int) -> HttpResponse:
    """The equation O2, counted from the rows and from the tallies."""
    context = {"reconciliation": reconcile(find(pk).pk)}
    return render(request, "broadcasts/reconciled.html", context)
