"""Broadcasts as the pages show them: the facts of a package, plus shares, words and times left."""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.broadcasts import calls
from clarion.broadcasts.history import facts, message_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.content.preview import preview_story
from clarion.records.states import PENDING
from clarion.segments.manage import segment_name
from clarion.web import current_rate

PARTS = (  # of the result bar, from the left: the fill, and the states it stands for
    ("read", ("read",)),
    ("delivered", ("delivered",)),
    ("sent", ("sent",)),
    ("bad", ("failed",)),
    ("warn", ("in_doubt",)),
    ("calm", ("skipped", "unsent")),
    ("busy", ("sending",)),
)


FILLS = {state: fill for fill, states in PARTS for state in states} | {
    "queued": "none",
    "held": "none",
}
_PLANNED = frozenset({BroadcastState.SCHEDULED, BroadcastState.MISSED, BroadcastState.LIVE})
VARIABLE = re.compile(r"\{\{\s*(.+?)\s*\}\}|‹(.+?)›", re.DOTALL)


def shown(broadcasts: Iterable[Broadcast]) -> list[dict[str, Any]]:
    """The facts of broadcasts with what the pages show beside them."""
    listed = list(broadcasts)
    return [
        {
            **counts,
            **_shares(counts),
            "name": name_of(broadcast),
            "on": [(channel.kind, channel.name) for channel in broadcast.channels.all()],
            "moment": moment(broadcast),
            "zone": broadcast.zone,
            "is_planned": broadcast.state in _PLANNED,  # its moment was chosen in its own zone
            "is_live": broadcast.is_live,
            "restartable": broadcast.is_live or _is_restartable(counts),
            "runs_only": broadcast.is_live and broadcast.type != Broadcast.Type.TRIGGER,
        }
        for broadcast, counts in zip(listed, facts(listed), strict=True)
    ]


def name_of(broadcast: Broadcast) -> str:
    """The title, or the beginning of the message, or the number."""
    words = without_variables(broadcast.title or " ".join(message_of(broadcast).split()))
    if not words:
        return _("Broadcast %d") % broadcast.pk
    return words if len(words) <= 60 else words[:59] + "…"


def without_variables(text: str) -> str:
    """A text for places that can show no chips: ‹name› instead of {{ contact.name }}."""
    return VARIABLE.sub(lambda match: f"‹{variable_name(match)}›", text)


def variable_name(match: re.Match[str]) -> str:
    """The name of a variable that VARIABLE has found, without its filters and “contact.”."""
    return (match[1] or match[2]).partition("|")[0].strip().removeprefix("contact.")


def moment(broadcast: Broadcast) -> tuple[str, datetime | None]:
    """The moment that matters in the state a broadcast is in, and the word for it."""
    b, state = broadcast, BroadcastState
    if b.state == state.DRAFT:
        return (_("Edited"), b.edited_at) if b.edited_at else (_("Created"), b.created_at)
    if b.state == state.SCHEDULED:
        return _("Starts"), b.scheduled_at
    if b.state == state.MISSED:
        return _("Was due"), b.scheduled_at
    if b.state == state.LIVE and b.next_run_at:
        return _("Next run"), b.next_run_at
    if b.finished_at:
        return (_("Stopped") if b.state == state.STOPPED else _("Finished")), b.finished_at
    return (_("Started"), b.started_at) if b.started_at else (_("Scheduled"), b.scheduled_at)


def bar(counts: dict[str, Any]) -> list[dict[str, str]]:
    """The parts of the result bar, in percent of ``total``; ``counts`` has every state."""
    total, parts, left = counts["total"], [], 0.0
    for fill, states in PARTS:
        width = 100 * sum(counts[state] for state in states) / total if total else 0.0
        if width:
            parts.append({"fill": fill, "x": f"{left:.3f}", "width": f"{width:.3f}"})
            left += width
    return parts


def bar_words(counts: dict[str, Any]) -> str:
    """What the result bar shows, for people who don't see it: a number for each of its parts."""
    phrases = [
        _("%(number)s of %(total)s completed")
        % {"number": _number(counts["completed"]), "total": _number(counts["total"])}
    ]
    parts = {
        "failed": _("%s failed"),
        "in_doubt": _("%s in doubt"),
        "skipped": _("%s skipped"),
        "unsent": _("%s unsent"),
        "held": _("%s held"),
        "queued": _("%s queued"),
        "sending": _("%s sending"),
    }
    phrases += [words % _number(counts[state]) for state, words in parts.items() if counts[state]]
    return ", ".join(phrases)


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)


def _shares(counts: dict[str, Any]) -> dict[str, Any]:
    total = counts["total"]
    done = total - sum(counts[state] for state in PENDING)
    return {
        "bar": bar(counts),
        "bar_words": bar_words(counts),
        "arrived": counts["delivered"] + counts["read"],
        "done": done,
        # Told to screen readers: now and then, not with every message.
        "tenths": 10 * (10 * done // total) if total else 0,
        "took": _took(counts),
    }


def _is_restartable(counts: dict[str, Any]) -> bool:
    """Whether there is anybody whom a restart could reach."""
    return not counts["sending"] and any(
        counts[state] for state in ("failed", "unsent", "in_doubt")
    )


def _took(counts: dict[str, Any]) -> float | None:
    if counts["started_at"] is None or counts["finished_at"] is None:
        return None
    seconds: float = (counts["finished_at"] - counts["started_at"]).total_seconds()
    return seconds


def send_rate(counts: dict[str, Any]) -> dict[str, Any]:
    """Messages a second now, and the seconds that are left at this rate."""
    now = current_rate.rate(counts["id"], counts["done"])
    left = counts["total"] - counts["done"]
    return {"rate": now, "seconds_left": left / now if now and counts["expanded_at"] else None}


def content(broadcast: Broadcast) -> dict[str, Any]:
    """What people get: ``text``; ``story`` with its ``version`` and ``shown``; or ``template``."""
    if broadcast.data_type == Broadcast.DataType.TEMPLATE:
        return {"template": broadcast.template}
    if broadcast.data_type == Broadcast.DataType.TEXT:
        return {"text": broadcast.text}
    story, version = broadcast.story, broadcast.story_version
    if version is None and story is not None:  # not launched yet: it would be the newest
        version = story.versions.order_by("-number").first()
    shown_blocks = preview_story(version.blocks, None) if version else []
    return {"story": story, "version": version, "shown": shown_blocks}


def own_url(broadcast: Broadcast, base: str) -> dict[str, str] | None:
    """The secret URL of an external broadcast or an event's trigger, with a sample call.

    ``base`` is where this server is reached, if no setting says so.
    """
    if not calls.path(broadcast):
        return None
    url = urljoin(base, calls.url(broadcast))
    kinds = broadcast.channels.order_by("pk").values_list("kind", flat=True)
    body: dict[str, Any] = {"users": ["4711"], "data": {"order": "A-17"}}
    if broadcast.type == Broadcast.Type.EXTERNAL:
        body = {"platform": next(iter(kinds), "webhook"), **body}
    curl = (
        f"curl -X POST '{url}' \\\n"
        "  -H 'Content-Type: application/json' -H 'Idempotency-Key: A-17' \\\n"
        f"  -d '{json.dumps(body)}'"
    )
    return {"url": url, "curl": curl}


def audience_words(broadcast: Broadcast) -> str:
    """Who it is for, in words."""
    words = _chosen(broadcast)
    if without := broadcast.audience.get("without_segments"):
        names = ", ".join(map(segment_name, without))
        words = _("%(audience)s, not in %(segments)s") % {"audience": words, "segments": names}
    if broadcast.audience.get("only_written"):
        return _("%s, only those who have written to the channel") % words
    return words


def _chosen(broadcast: Broadcast) -> str:
    audience = broadcast.audience
    match audience.get("kind"):
        case "all":
            return _("All contacts on the chosen channels")
        case "tags":
            return _tagged(audience["tags"], audience.get("without_tags", ()))
        case "segments":
            names = ", ".join(map(segment_name, audience["segments"]))
            return _("In the segment %s") % names if names else _("No segments chosen yet")
        case "picks":
            picked = broadcast.picks.count() if broadcast.pk else 0
            return _picked(audience.get("picked_from", ""), picked)
    return _("Not chosen yet")


def _tagged(tags: Sequence[str], without: Sequence[str]) -> str:
    if not tags:
        return _("No tags chosen yet")
    words = {"tags": ", ".join(tags), "without": ", ".join(without)}
    if without:
        return _("Tagged %(tags)s, without %(without)s") % words
    return _("Tagged %(tags)s") % words


def _picked(source: str, count: int) -> str:
    people = ngettext("%s contact", "%s contacts", count)
    people %= _number(count)
    origins = {
        "ids": _("%s from a file of user ids"),
        "chats": _("%s by chat number"),
        "restart": _("%s not reached by an earlier broadcast"),
    }
    return origins.get(source, _("%s, selected by hand")) % people
