"""Whether a template can be sent as the provider lists it now, where its list was fetched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates import library
from clarion.channels.templates.parts import parts_of, places_of, why_not_sendable

# Why a template of this status can't be sent: what follows its name.
_NOT_APPROVED: Final[dict[str, str]] = {
    "paused": "is paused by the provider because of its low quality. Wait until it is active "
    "again, or choose another template.",
    "disabled": "is disabled by the provider. Choose another template.",
    "rejected": "was rejected by the provider. Choose another template, or submit it again.",
    "pending": "is not approved yet. Wait until the provider has approved it.",
}
_OTHERWISE: Final = "can't be sent: its status is “{status}”. Choose another template."


def library_problems(template: Mapping[str, Any], channels: Sequence[Channel]) -> Iterator[str]:
    """Why a template can't be sent on these channels, one sentence each.

    Of a channel whose list was never fetched nothing is known, and so nothing is wrong.
    """
    name, language = str(template.get("name", "")), str(template.get("language", ""))
    for channel in channels:
        if not library.has_library(channel):
            continue
        row = library.find(channel, name, language)
        if row is None:
            yield (
                f"{channel.name} has no template “{name}” in {language}. Check both, or refresh "
                "the list of templates if it is new."
            )
            continue
        if row.status != library.APPROVED:
            yield not_approved(name, row.status)
        parts = parts_of(row.components)
        if reason := why_not_sendable(parts):
            yield f"The template “{name}” {reason}"
            continue
        needed = len(places_of(parts))
        filled_in = len(template.get("variables", ()))
        if needed != filled_in:
            yield (
                f"The template “{name}” on {channel.name} has {_counted(needed)}; {filled_in} "
                f"{'is' if filled_in == 1 else 'are'} filled in."
            )


def not_approved(name: str, status: str) -> str:
    """Why a template of this status can't be sent; "" is the status of one that is not listed."""
    if not status:
        return f"The template “{name}” is not in the provider's list any more. Choose another one."
    why = _NOT_APPROVED.get(status, _OTHERWISE.format(status=status))
    return f"The template “{name}” {why}"


def listed(template: Mapping[str, Any], channels: Iterable[Channel]) -> MessageTemplate | None:
    """The template in the list of one of these channels; None where none has it."""
    name, language = str(template.get("name", "")), str(template.get("language", ""))
    rows = library.templates_of(list(channels)).filter(name=name, language=language)
    return rows.first()


def places(template: Mapping[str, Any], channels: Iterable[Channel]) -> tuple[str, ...]:
    """Where the variables of a template belong; none where no list has it: all in its body."""
    row = listed(template, channels)
    return places_of(parts_of(row.components)) if row else ()


def category_of(template: Mapping[str, Any], channels: Iterable[Channel]) -> str:
    """The provider's word for what a template is; "" where no list has it."""
    row = listed(template, channels)
    return row.category if row else ""


def _counted(variables: int) -> str:
    return f"{variables or 'no'} variable{'' if variables == 1 else 's'}"
