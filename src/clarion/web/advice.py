"""What to do about errors, by their cause."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from clarion.records.causes import Cause, causes


@dataclass(frozen=True, slots=True)
class Advised:
    """A cause, and a sentence on what to do."""

    cause: Cause
    advice: str


def with_advice(broadcast_id: int) -> list[Advised]:
    """The causes of a broadcast's errors, most frequent first."""
    return [Advised(cause, advice(cause.code)) for cause in causes(broadcast_id)]


def advice(code: str) -> str:
    """What to do about errors of that code: ours, an HTTP or SMTP status, or a provider's own."""
    sentences = {
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
    }
    if code in sentences:
        return sentences[code]
    if code in {"500", "502", "503", "504"}:
        return _("An error at the provider, so it was retried. Restart later for those who failed.")
    return _("The provider refused the message. Fix the cause, then restart for those who failed.")
