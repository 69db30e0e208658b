"""What the pages of records and of clicks do alike with the conditions in their address."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clarion.records.filters import HistoryFilter
from clarion.web.requests import AgentRequest


def page_url(view: str, query: str) -> str:
    """The address of a list with a query string."""
    return reverse(view) + (f"?{query}" if query else "")


def url_at(view: str, wanted: HistoryFilter, cursor: str | None) -> str:
    """The address of the list at a cursor; empty without one."""
    if cursor is None:
        return ""
    return page_url(
        view, "&".join(filter(None, (wanted.to_query(), urlencode({"cursor": cursor}))))
    )


def field_values(request: AgentRequest, wanted: HistoryFilter) -> dict[str, str]:
    """What stands in the fields: what was typed; moments as their inputs want them."""
    texts = {name: request.GET.get(name, "") for name in type(wanted).model_fields}
    for name in ("after", "before"):
        value = getattr(wanted, name)
        if value:
            layout = "%Y-%m-%dT%H:%M:%S" if value.second else "%Y-%m-%dT%H:%M"
            texts[name] = timezone.localtime(value).strftime(layout)
    return texts


def condition_chips(
    view: str,
    wanted: HistoryFilter,
    labels: Mapping[str, str],
    shown: Callable[[str, Any], str] | None = None,
) -> list[dict[str, str]]:
    """The conditions that are set, each with the address of the page without it.

    ``labels``: what a chip says, with a place for the value, by condition, beside those that all
    lists have. ``shown``: a value in words, or "" for as it is.
    """
    words = {
        "broadcast": _("Broadcast %s"),
        "story": _("Story %s"),
        "story_name": _("Story name contains “%s”"),
        "user": _("User id %s"),
        "name": _("Name contains “%s”"),
        "after": _("From %s"),
        "before": _("Before %s"),
        "channel": _("Channel %s"),
        "agent": _("Agent %s"),
        **labels,
    }
    empty = type(wanted)()
    chips = []
    for name, value in wanted:
        if value in ("", None):
            continue
        text = (shown(name, value) if shown else "") or _as_text(value)
        without = wanted.model_copy(update={name: getattr(empty, name)}).to_query()
        label = words[name]
        chips.append(
            {"text": label % text if "%s" in label else label, "without": page_url(view, without)}
        )
    return chips


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "j M Y, H:i")
    return str(value)
