"""Errors in plain words: what each is about, and what to do.

The sentence of an error is that of its channel's kind (``channels/<kind>/``) or the engine's own.
What it is about follows from how the engine classed it when it occurred (``Reason.refusal``), and
what to do from the kind's own table, see ``channels.catalogue``.
"""

from enum import StrEnum
from functools import cache
from typing import NamedTuple

from django.utils.translation import gettext as _

from clarion.channels.catalogue import advice_on, errors_of
from clarion.channels.contract import Refusal
from clarion.channels.registry import KINDS
from clarion.records.causes import Cause, causes
from clarion.records.models import Reason


class About(StrEnum):
    """What an error is about."""

    LATER = "later"
    PERSON = "person"
    MESSAGE = "message"
    CHANNEL = "channel"
    UNKNOWN = "unknown"


class Explained(NamedTuple):
    """An error: what it is about, the words for that, and what to do."""

    about: About
    words: str
    advice: str


class ExplainedCause(NamedTuple):
    """A cause of a broadcast's errors, explained."""

    cause: Cause
    explained: Explained


_ABOUT: dict[str, About] = {
    Refusal.RETRY: About.LATER,
    Refusal.THROTTLED: About.LATER,
    Refusal.UNAVAILABLE: About.LATER,
    Refusal.UNKNOWN: About.LATER,
    Refusal.REJECTED: About.MESSAGE,
    Refusal.UNREACHABLE: About.PERSON,
    Refusal.MISCONFIGURED: About.CHANNEL,
}


def explained_causes(broadcast_id: int) -> list[ExplainedCause]:
    """The causes of a broadcast's errors, most frequent first."""
    return [
        ExplainedCause(cause, explain(cause.code, cause.refusal, cause.text))
        for cause in causes(broadcast_id)
    ]


def explain_wording(code: str, text: str) -> Explained:
    """What an error of a record says, by its code and sentence."""
    refusal = Reason.objects.filter(code=code, text=text).values_list("refusal", flat=True).first()
    return explain(code, refusal or "", text)


def explain(code: str, refusal: str, text: str = "") -> Explained:
    """What an error says: by its code, where it is ours, else by its kind's table, else its class.

    ``text``: its sentence, by which it is looked up in the tables.
    """
    advice = _own(code) or advice_on(refusal, _mark_of(text) if text else "")
    about = _ABOUT.get(refusal, About.UNKNOWN)
    return Explained(about, _words(about), advice)


def words_of(refusal: str) -> str:
    """What an error of this class is about, in words."""
    return _words(_ABOUT.get(refusal, About.UNKNOWN))


def _mark_of(text: str) -> str:
    """How the error with this sentence marks an address; some have a provider's words behind it."""
    marks = _marks()
    if text in marks:
        return marks[text]
    openings = (sentence for sentence in marks if text.startswith(sentence.removesuffix(".")))
    return marks[max(openings, key=len, default="")]


@cache
def _marks() -> dict[str, str]:
    """The mark of each sentence that a kind lists; "" for none."""
    marks = {error.sentence: error.mark for kind in KINDS.values() for error in errors_of(kind)}
    return {**marks, "": ""}


def _words(about: About) -> str:
    return {
        About.LATER: _("Temporary problem"),
        About.PERSON: _("Problem with the contact"),
        About.MESSAGE: _("Problem with the message"),
        About.CHANNEL: _("Problem with the channel"),
        About.UNKNOWN: _("Unknown problem"),
    }[about]


def _own(code: str) -> str:
    """What to do about an error that the engine has found itself."""
    return {
        "not_sent": _(
            "The connection failed before anything was sent, so it was retried. If this "
            "continues, check the channel."
        ),
        "maybe_sent": _(
            "The message may have arrived. On a channel that ignores repeats it was retried. On "
            "other channels the recipient is in doubt."
        ),
        "content": _(
            "Correct the contact, then restart for those who failed. A restart sends the same "
            "message. To change the message, duplicate the broadcast."
        ),
        "cant_receive": _(
            "Ask the mail server's operator for SMTPUTF8, or find another address of this contact."
        ),
        "story_webhook": _("Fix the story's webhook, then restart for those who failed."),
        "worker_died": _(
            "Ask the provider whether it arrived, or restart and include those in doubt."
        ),
        "fault": _(
            "An error in Clarion itself. Report what the worker's log says, then restart for "
            "those who failed."
        ),
        "429": _("The provider asked for a lower rate. Lower the channel's send rate."),
    }.get(code, "")
