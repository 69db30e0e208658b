"""The events of a broadcast as sentences: what happened, and what belongs to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clarion.web.words import DELIVERY_STATES

Text = str | Promise
Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How events of one kind are shown."""

    title: Text
    icon: str
    tone: str  # calm, plan, busy, live, good, warn, bad: classes of status.css
    more: Callable[[Detail], str] = lambda detail: ""


def _count(detail: Detail) -> str:
    """How many recipients the event is about."""
    return _recipients(detail.get("people", 0))


def _recipients(people: int) -> str:
    sentence = ngettext("%s recipient", "%s recipients", people)
    return sentence % formats.number_format(people, force_grouping=True)


def _moment(text: Any) -> str:
    moment = parse_datetime(str(text)) if text else None
    if not isinstance(moment, datetime):
        return ""
    return formats.date_format(timezone.localtime(moment), "j M Y, H:i")


def _by_state(detail: Detail) -> str:
    """How many recipients ended in which state: “1,200 sent, 4 failed”."""
    return ", ".join(
        f"{formats.number_format(detail[state], force_grouping=True)} {str(word.label).lower()}"
        for state, word in DELIVERY_STATES.items()
        if detail.get(state)
    )


def _written(detail: Detail) -> str:
    return ", ".join(filter(None, (_count(detail), _by_state(detail))))


def _starts(detail: Detail) -> str:
    at = _moment(detail.get("at"))
    return _("Sending starts on %s.") % at if at else ""


def _rate(detail: Detail) -> str:
    rate = detail.get("rate")
    if rate is None:
        return _("No limit other than that of the channels.")
    return _("At most %s messages a second.") % formats.number_format(rate, force_grouping=True)


def _gaps(detail: Detail) -> str:
    lacking = [f"{key}: {_recipients(people)}" for key, people in detail.get("without", {}).items()]
    return _("Nothing is sent to those without %s.") % ", ".join(lacking)


def _waits(detail: Detail) -> str:
    return _("Until %s.") % _moment(detail.get("until"))


def _held(detail: Detail) -> str:
    return _("%s in an open chat with an agent.") % _count(detail)


def _chats(detail: Detail) -> str:
    chats = detail.get("chats", 0)
    sentence = ngettext("%s open chat of a recipient.", "%s open chats of recipients.", chats)
    return sentence % formats.number_format(chats, force_grouping=True)


def _repaired(detail: Detail) -> str:
    return " ".join(detail.get("corrected", ()))


def _worker(detail: Detail) -> str:
    return (
        _("It had taken %s. What was certainly not sent is queued again; the rest is in doubt.")
        % _count(detail)
    )  # fmt: skip


def _asked(detail: Detail) -> str:
    count = "" if detail.get("people") is None else _count(detail)
    return ". ".join(filter(None, (count, str(detail.get("reason", "")))))


def _decided(detail: Detail) -> str:
    return str(detail.get("comment", ""))


T = gettext_lazy
KINDS: dict[str, Kind] = {
    "create": Kind(T("Created"), "plus", "calm"),
    "edited": Kind(T("Edited"), "pencil", "calm"),
    "edit": Kind(T("Editing of the live broadcast started"), "pencil", "calm"),
    "change": Kind(T("Live broadcast changed"), "pencil", "plan"),
    "schedule": Kind(T("Scheduled"), "clock", "plan", _starts),
    "send": Kind(T("Ready to send"), "send", "plan", _starts),
    "start": Kind(T("Went live"), "player-play", "live"),
    "send_now": Kind(T("Undo window ended by hand"), "send", "plan"),
    "undo": Kind(T("Undone: a draft again"), "arrow-back-up", "calm"),
    "missed": Kind(T("Missed"), "alert-triangle", "bad"),
    "begin": Kind(T("Sending started"), "player-play", "busy"),
    "expanded": Kind(T("Recipients listed"), "users", "busy", _written),
    "pause": Kind(T("Paused"), "player-pause", "warn"),
    "resume": Kind(T("Resumed"), "player-play", "busy"),
    "stop": Kind(T("Stopped"), "player-stop", "warn"),
    "complete": Kind(T("Completed"), "check", "good", _by_state),
    "restart": Kind(T("Restarted"), "refresh", "plan"),
    "run": Kind(T("Run created"), "refresh", "live"),
    "call": Kind(T("Request received"), "webhook", "live"),
    "rate_changed": Kind(T("Send rate changed"), "settings", "plan", _rate),
    "rotate": Kind(T("Secret URL changed"), "link", "plan"),
    "duplicate": Kind(T("Duplicated"), "copy", "calm"),
    "test": Kind(T("Test sent"), "send", "calm"),
    "send_to_others": Kind(T("Missing values accepted"), "users", "plan", _gaps),
    "ask_approval": Kind(T("Approval asked for"), "user-circle", "plan", _asked),
    "approve": Kind(T("Approved"), "check", "good", _decided),
    "reject": Kind(T("Rejected"), "x", "bad", _decided),
    "repair": Kind(T("Numbers repaired"), "check", "warn", _repaired),
    "held": Kind(T("Held"), "messages", "warn", _held),
    "release": Kind(T("Released by hand"), "messages", "plan", _count),
    "released": Kind(T("Released: the chat was closed"), "messages", "plan", _count),
    "close_all": Kind(T("Chats closed"), "messages", "plan", _chats),
    "channel_paused": Kind(T("Channel paused"), "plug", "warn"),
    "channel_resumed": Kind(T("Channel resumed"), "plug", "busy"),
    "channel_waits": Kind(T("Channel waiting"), "clock", "warn", _waits),
    "webhook_waits": Kind(T("Waiting for the story's webhook"), "clock", "warn"),
    "webhook_answers": Kind(T("The story's webhook answers again"), "webhook", "busy"),
    "end_wait": Kind(T("Wait ended by hand"), "player-play", "plan"),
    "worker_ended": Kind(T("A worker ended"), "alert-triangle", "warn", _worker),
}
GROUPS: dict[str, Text] = {
    "status": T("Status"),
    "changes": T("Changes"),
    "waits": T("Waiting"),
    "messages": T("Messages"),
    "errors": T("Errors"),
}
# Which other broadcast an event leads to: the key of its id, and the words before it.
LINKS: dict[str, Text] = {
    "copy_of": T("Copy of"),
    "restart_of": T("Restart of"),
    "run_of": T("Run of"),
    "restart": T("As"),
    "run": T("Run"),
    "copy": T("Copy"),
    "draft": T("Draft"),
}
