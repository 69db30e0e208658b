"""What templates need beyond Django's own: icons, moments, numbers, states, roles."""

import re
from contextlib import suppress
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from clarion.accounts.models import Agent
from clarion.channels import registry
from clarion.content.errors import CODE, LINKS
from clarion.kit import clock
from clarion.kit.durations import duration
from clarion.kit.markup.pieces import MarkupError, as_page
from clarion.kit.markup.reading import read
from clarion.web import assets
from clarion.web.browsers import browser_name
from clarion.web.shown import VARIABLE, variable_name
from clarion.web.words import WORDS, Word

register = template.Library()
register.filter(duration)
register.filter(browser_name)
_TILES = Path(__file__).parent.parent / "static" / "web" / "channels.svg"
_DRAWN = frozenset(re.findall(r'<symbol id="([\w-]+)"', _TILES.read_text(encoding="utf-8")))


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decoration beside a word; screen readers pass over it."""
    return _drawing("icon", "vendor/icons.svg", name)


@register.simple_tag
def channel_icon(kind: str | None) -> SafeString:
    """The tile of a kind of channel, or a general one; a decoration beside the channel's name."""
    return _drawing("channel-icon", "web/channels.svg", kind if kind in _DRAWN else "channel")


def _drawing(style: str, file: str, symbol: str | None) -> SafeString:
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        style,
        assets.url(file),
        symbol,
    )


@register.simple_tag
def account_examples() -> str:
    """What a channel can be, for a sentence that explains channels."""
    return registry.account_examples()


@register.filter
def inserted(name: str) -> str:
    """What a click on a variable's chip writes: with a default, which people then replace."""
    default = "" if name in {"contact.id", CODE, *LINKS} else f' | default("{default_of(name)}")'
    return f"{{{{ {name}{default} }}}}"


@register.filter
def default_of(name: str) -> str:
    """The default that is offered for a variable; empty where there is no usual one."""
    return _("friend") if name == "contact.name" else ""


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A moment in the agent's zone, to the minute; the title has it in full, with the zone."""
    return _time(value, "H:i")


@register.filter
def exact(value: datetime | None) -> SafeString | str:
    """A moment in the agent's zone, to the second."""
    return _time(value, "H:i:s")


@register.filter
def own_zone(value: datetime | None, zone: str) -> SafeString | str:
    """A moment in another zone, to stand beside ``moment``; empty where that shows the same."""
    agents = timezone.get_current_timezone()
    if value is None or not clock.shows_other_time(value, zone, agents):
        return ""
    local = value.astimezone(clock.zone(zone))
    is_same_day = local.date() == value.astimezone(agents).date()
    return format_html(
        ' <span class="own-zone quiet" title="{1}">({0} {1})</span>',
        formats.date_format(local, "H:i" if is_same_day else "j M, H:i"),
        zone,
    )


def _time(value: datetime | None, form: str) -> SafeString | str:
    if value is None:
        return "–"
    zone, year = timezone.get_current_timezone(), timezone.localtime().year
    return _written(clock.to_us(value), zone, get_language(), year, form)


# A list shows the same moments again and again, every two seconds where it moves. By the number of
# the moment: datetimes of two zones, or of the hour that a clock is set back by, can be equal.
@lru_cache(maxsize=4_096)
def _written(
    moment_us: int, zone: tzinfo, _language: str | None, this_year: int, form: str
) -> SafeString:
    local = clock.from_us(moment_us).astimezone(zone)
    day = "j M" if local.year == this_year else "j M Y"
    return format_html(
        '<time datetime="{}" title="{} {}">{}</time>',
        local.isoformat(timespec="milliseconds"),
        formats.date_format(local, "j M Y, H:i:s"),
        local.tzname(),
        formats.date_format(local, f"{day}, {form}"),
    )


@register.filter
def number(value: float | None) -> str:
    """A number with its thousands kept apart."""
    if value is None:
        return "–"
    whole = float(value).is_integer()
    return formats.number_format(value, 0 if whole else None, force_grouping=True)


@register.filter
def compact(value: int) -> str:
    """A number for a narrow place: from a million on in millions, cut off and not rounded up."""
    if value < 1_000_000:
        return number(value)
    places = 2 if value < 10_000_000 else 1
    cut = value // 10 ** (6 - places) / 10**places
    return _("%(count)s M") % {"count": formats.number_format(cut, places)}


@register.filter
def percent_of(part: int | None, whole: int | None) -> str:
    """``part`` of ``whole`` in percent; never 100 % unless it is all, never 0 % unless none."""
    if not whole or part is None:
        return "–"
    share = 100 * part / whole
    if part and share < 0.1:
        return _("< 0.1 %")
    if part < whole and share > 99.9:
        return _("> 99.9 %")
    digits = 0 if share in {0.0, 100.0} else 1
    return _("%(share)s %%") % {"share": formats.number_format(round(share, 1), digits)}


@register.filter
def microseconds(value: int | None) -> str:
    """A span given in microseconds, as ``duration`` shows it."""
    return duration(None if value is None else value / 1_000_000)


@register.simple_tag
def state(noun: str, value: str) -> SafeString:
    """The state of something as a coloured word; its meaning is in the title."""
    word = _word(noun, value)
    return format_html(
        '<span class="state state-{}" title="{}">{}</span>', word.tone, word.meaning, word.label
    )


@register.simple_tag
def label(noun: str, value: str) -> str:
    """The plain word for a state."""
    return str(_word(noun, value).label)


@register.simple_tag
def meaning(noun: str, value: str) -> str:
    """What a state means, as a sentence."""
    return str(_word(noun, value).meaning)


def _word(noun: str, value: str) -> Word:
    return WORDS[noun][value]


@register.filter
def variables(text: str) -> SafeString:
    """A text with its variables as chips; the title of each has it as it is written."""
    parts, end = [], 0
    for match in VARIABLE.finditer(text):
        parts.append(escape(text[end : match.start()]))
        chip = '<span class="variable" title="{}">{}</span>'
        parts.append(format_html(chip, match[0], variable_name(match)))
        end = match.end()
    return mark_safe("".join(parts) + escape(text[end:]))  # noqa: S308  (every part is escaped)


@register.filter
def formatted(message: Any) -> SafeString:
    """The text of a message or bubble as chats show it; one that can't be read as it is written."""
    if message.format:
        with suppress(MarkupError):
            return mark_safe(as_page(read(message.text, message.format)))  # noqa: S308  (escaped)
    return escape(message.text)


@register.filter
def with_chips(message: Any) -> SafeString:
    """As ``formatted``; the variables of a plain text as chips."""
    return formatted(message) if message.format else variables(message.text)


@register.filter
def may(agent: Any, role: str) -> bool:
    """Whether the agent's role includes ``role``; nobody's does on the log-in page."""
    return isinstance(agent, Agent) and agent.may(role)


@register.filter
def get(mapping: dict[str, Any], key: str) -> Any:
    """``mapping[key]``, or nothing."""
    return mapping.get(key)
