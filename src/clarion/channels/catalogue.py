"""What a kind knows of its provider's errors, as one table for people and programs.

A kind's own table of codes classes answers; ``listed`` reads the same table here. From it come the
advice on pages, in the API and on the command line, and the list in the docs of each kind.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from django.utils.translation import gettext as _

from clarion.channels.contract import Refusal


class ListedError(NamedTuple):
    """An error that a kind knows."""

    code: str  # the provider's own; where it has none, the words by which it is recognised
    refusal: Refusal
    sentence: str
    mark: str = ""  # of the address, with UNREACHABLE
    for_everybody: bool = False  # the broadcast pauses, see Refused


@runtime_checkable
class ListsErrors(Protocol):
    """A kind whose provider says by codes or words why it refuses a message."""

    @staticmethod
    def listed_errors() -> Iterable[ListedError]:
        """The errors that it knows, in the order of its table."""


class Meaning(Protocol):
    """What a kind's table says of a code; some have ``mark`` or ``for_everybody`` as well."""

    @property
    def refusal(self) -> Refusal:
        """What the engine does."""

    @property
    def sentence(self) -> str:
        """What records and pages show."""


def errors_of(kind: object) -> list[ListedError]:
    """The errors that a kind lists; none where its provider has no codes."""
    return list(kind.listed_errors()) if isinstance(kind, ListsErrors) else []


def listed(table: Mapping[Any, Meaning]) -> Iterable[ListedError]:
    """The errors of a table by code; a code of two parts is written with a slash."""
    for code, meaning in table.items():
        shown = "/".join(map(str, code)) if isinstance(code, tuple) else str(code)
        sentence = meaning.sentence if meaning.sentence.endswith(".") else f"{meaning.sentence}."
        mark = getattr(meaning, "mark", "") if meaning.refusal is Refusal.UNREACHABLE else ""
        for_everybody = getattr(meaning, "for_everybody", False)
        yield ListedError(shown, meaning.refusal, sentence, mark, for_everybody)


def advice_on(refusal: str, mark: str = "") -> str:
    """What to do about an error of this class. ``refusal``: "" where no class is known."""
    marked = {
        "opted_out": _("The contact opted out. Nothing is sent to them until they opt in again."),
        "blocked": _(
            "Only the contact can change this. Until then, use another channel to reach them."
        ),
        "deactivated": _("The address no longer exists. Remove it, or use another channel."),
    }
    if refusal == Refusal.UNREACHABLE and mark in marked:
        return marked[mark]
    return {
        Refusal.RETRY.value: _(
            "An error at the provider, so it was retried. Restart later for those who failed."
        ),
        Refusal.THROTTLED.value: _(
            "The channel waited and sent the message later. If this continues, lower the channel's "
            "send rate."
        ),
        Refusal.UNAVAILABLE.value: _(
            "The channel waited until the provider accepted messages again. If this continues, "
            "check the channel."
        ),
        Refusal.UNKNOWN.value: _(
            "The message may have arrived. Ask the provider, or restart and include those in doubt."
        ),
        Refusal.UNREACHABLE.value: _(
            "A restart doesn't reach this contact. Correct the address, or use another channel."
        ),
        Refusal.REJECTED.value: _(
            "The provider refused the message. If the message is wrong, duplicate the broadcast "
            "and correct it. Otherwise fix the cause, then restart for those who failed."
        ),
        Refusal.MISCONFIGURED.value: _(
            "Correct the settings of the channel and check it, then restart for those who failed."
        ),
    }.get(
        refusal,
        _(
            "The provider gave no reason that Clarion knows. Fix the cause, then restart for those "
            "who failed."
        ),
    )
