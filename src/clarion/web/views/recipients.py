"""Everyone a broadcast is for, with where they stand (J2)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.kit.numbers import parse_id
from clarion.kit.paging import CursorError
from clarion.records import tallies
from clarion.records.audience import Wanted, export_recipients
from clarion.records.audience import recipients as recipients_of
from clarion.records.causes import Cause, causes, left_out
from clarion.records.states import COMPLETED
from clarion.web.requests import AgentRequest
from clarion.web.stream import download
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find
from clarion.web.words import DELIVERY_STATES


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address of the page asks for."""

    pk: int
    query: dict[str, str]  # state, channel, reason: what makes sense of them
    wanted: Wanted

    def url(self, view: str = "broadcast_recipients", **changes: str) -> str:
        query = {name: text for name, text in (self.query | changes).items() if text}
        return reverse(view, args=[self.pk]) + (f"?{urlencode(query)}" if query else "")


def _asked(request: AgentRequest, pk: int) -> _Asked:
    state = request.GET.get("state", "")
    query = {"state": state if state in DELIVERY_STATES else ""}
    numbers = {name: parse_id(request.GET.get(name, "")) for name in ("channel", "reason")}
    query |= {name: str(number or "") for name, number in numbers.items()}
    query["recovered"] = "1" if request.GET.get("recovered") == "1" else ""
    states = tuple(filter(None, [query["state"]]))
    if query["recovered"] and not states:
        states = tuple(COMPLETED)  # one that failed again by a later receipt is no longer recovered
    return _Asked(pk, query, Wanted(states, **numbers, recovered=bool(query["recovered"])))


@require_safe
def recipients(request: AgentRequest, pk: int) -> HttpResponse:
    """The people of a broadcast, all or those in one state, on one channel, with one error."""
    broadcast = find(pk)
    asked = _asked(request, pk)
    cursor = request.GET.get("cursor")
    try:
        page = recipients_of(pk, asked.wanted, cursor)
    except CursorError:
        return redirect(asked.url())
    channels = list(broadcast.channels.order_by("name"))
    reasons = [*causes(pk), *left_out(pk)]
    context = {
        **frame(broadcast, "audience"),
        "page": page,
        "state": asked.query["state"],
        "asked": asked.query,
        "tabs": _states(broadcast, asked),
        "channels": channels,
        "reasons": [row for row in reasons if row.people],
        "chips": _chips(asked, {row.pk: row.name for row in channels}, reasons),
        "clear_url": asked.url(channel="", reason="", recovered=""),
        "kinds": {channel.name: channel.kind for channel in channels},
        "may_release": asked.query["state"] == "held"
        and request.user.may(Role.SENDER)
        and "release" in control.actions(broadcast),
        "next_url": asked.url(cursor=page.next_cursor) if page.next_cursor else "",
        "first_url": asked.url() if cursor else "",
        "export_url": asked.url("recipients_export"),
    }
    return render(request, "broadcasts/recipients.html", context)


def _states(broadcast: Broadcast, asked: _Asked) -> list[dict[str, Any]]:
    """The states that there are recipients in, each with its number."""
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    chosen = asked.query["state"]
    everyone = {
        "state": "",
        "url": asked.url(state=""),
        "count": broadcast.total,
        "here": not chosen,
    }
    return [everyone] + [
        {"state": name, "url": asked.url(state=name), "count": counts[name], "here": name == chosen}
        for name in DELIVERY_STATES
        if counts[name] or name == chosen
    ]


def _chips(asked: _Asked, channels: dict[int, str], reasons: list[Cause]) -> list[dict[str, str]]:
    texts = {cause.id: cause.text for cause in reasons}
    chips = []
    if asked.wanted.channel is not None:
        name = channels.get(asked.wanted.channel, str(asked.wanted.channel))
        chips.append({"text": _("Channel %s") % name, "without": asked.url(channel="")})
    if asked.wanted.reason is not None:
        text = texts.get(asked.wanted.reason, str(asked.wanted.reason))
        chips.append({"text": _("Error: %s") % text, "without": asked.url(reason="")})
    if asked.wanted.recovered:
        chips.append({"text": _("Recovered on a retry"), "without": asked.url(recovered="")})
    return chips


@require_safe
def recipients_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The people of a broadcast as CSV, those that the page with the same conditions shows."""
    find(pk)
    asked = _asked(request, pk)
    chunks = export_recipients(pk, asked.wanted, zone=timezone.get_current_timezone_name())
    chosen = {name: text for name, text in asked.query.items() if text}
    audit.note_export(f"recipients of broadcast {pk}", request.user, urlencode(chosen))
    return download(chunks, f"broadcast-{pk}-recipients.csv")
