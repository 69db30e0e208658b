"""Errors in plain words: what each is about, and what to do.

The sentence of an error is that of its channel's kind (``channels/<kind>/``) or the engine's own.
What it is about follows from how the engine classed it when it occurred (``Reason.refusal``).
"""

from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from clarion.channels.contract import Refusal
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
        ExplainedCause(cause, explain(cause.code, cause.refusal)) for cause in causes(broadcast_id)
    ]


def explain_wording(code: str, text: str) -> Explained:
    """What an error of a record says, by its code and sentence."""
    refusal = Reason.objects.filter(code=code, text=text).values_list("refusal", flat=True).first()
    return explain(code, refusal or "")


def explain(code: str, refusal: str) -> Explained:
    """What an error says: by its code, where it is ours, else by its class."""
    about = _ABOUT.get(refusal, About.UNKNOWN)
    return Explained(about, _words(about), _own(code) or _advice(about, refusal))


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


def _advice(about: About, refusal: str) -> str:
    if refusal == Refusal.UNKNOWN:
        return _(
            "The message may have arrived. Ask the provider, or restart and include those in doubt."
        )
    return {
        About.LATER: _(
            "An error at the provider, so it was retried. Restart later for those who failed."
        ),
        About.PERSON: _(
            "A restart doesn't reach this contact. Correct the address, or use another channel."
        ),
        About.MESSAGE: _(
            "The provider refused the message. If the message is wrong, duplicate the broadcast "
            "and correct it. Else fix the cause, then restart for those who failed."
        ),
        About.CHANNEL: _(
            "Correct the settings of the channel and check it, then restart for those who failed."
        ),
        About.UNKNOWN: _(
            "The provider gave no reason that Clarion knows. Fix the cause, then restart for those "
            "who failed."
        ),
    }[about]
