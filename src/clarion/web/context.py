"""What every template sees."""

import re
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, lazy
from django.utils.translation import gettext as _

from clarion.channels.condition import Condition, conditions
from clarion.channels.models import Channel
from clarion.engine.status import troubles
from clarion.web.templatetags.saved_filters import with_default

# Pages that the navigation does not name, by the entry they are below.
_WITHIN = {
    "consent": "contact",
    "segment": "contact",
    "suppression": "contact",
    "tag": "contact",
    "keyword": "channel",
    "click": "record",
    "layout": "broadcast",
    "picker": "broadcast",
}
_FIRST_BEHIND_MORE = "stories"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation."""

    name: str
    url: str
    icon: str
    here: bool
    begins_more: bool  # on a phone, this one and the following are behind a button


def navigation(request: HttpRequest) -> dict[str, object]:
    """The places of the navigation, the agent's time zone, and what needs attention."""
    return {
        "entries": lazy(_entries, list)(request),
        "zone": timezone.get_current_timezone_name(),
        "blocked_channels": SimpleLazyObject(_blocked_channels),
        "worker_troubles": SimpleLazyObject(troubles),
    }


def _entries(request: HttpRequest) -> list[Entry]:
    match = request.resolver_match
    here = _stem(match.url_name.partition("_")[0]) if match and match.url_name else ""
    here = _WITHIN.get(here, here)
    return [
        Entry(name, with_default(request, url), icon, here == _stem(url), url == _FIRST_BEHIND_MORE)
        for name, url, icon in (
            (_("Dashboard"), "dashboard", "layout-dashboard"),
            (_("Broadcasts"), "broadcasts", "broadcast"),
            (_("Chats"), "chats", "messages"),
            (_("Contacts"), "contacts", "users"),
            (_("Stories"), "stories", "book"),
            (_("Codes"), "codes", "ticket"),
            (_("Channels"), "channels", "plug"),
            (_("Records"), "records", "list-details"),
            (_("Logs"), "logs", "file"),
        )
    ]


def _stem(noun: str) -> str:
    """What “story” and “stories” have in common: the pages of one place begin with it."""
    return re.sub("(ies|y|s)$", "", noun)


def _blocked_channels() -> list[tuple[Channel, Condition]]:
    """The channels that send nothing for more than a moment, each with its condition."""
    waits = Q(state=Channel.State.PAUSED) | Q(waits_until__isnull=False)
    waits |= Q(people_full_until__isnull=False)
    unwell = conditions(Channel.objects.filter(waits).order_by("name"))
    return [(channel, state) for channel, state in unwell if state.is_long and state.reason]
