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
    ours = {
        "not_sent": _(
            "The connection failed before anything left, so it was tried again. If it stays, "
            "check the channel."
        ),
        "maybe_sent": _(
            "It may have arrived. A channel that drops repeats tried again; on others the person "
            "is in doubt."
        ),
        "content": _(
            "Correct the contact, then restart for those who failed. A restart says the same: to "
            "change what it says, duplicate the broadcast."
        ),
        "story_webhook": _("Mend the story's webhook, then restart for those who failed."),
        "worker_died": _(
            "Ask the receivers' side whether it arrived, or restart with those in doubt included."
        ),
        "fault": _(
            "A fault of Clarion itself. Report what its log says, then restart for those who "
            "failed."
        ),
        "429": _("The provider asked for a slower pace. Lower the channel's rate."),
    }
    if code in ours:
        return ours[code]
    if code in {"500", "502", "503", "504"}:
        return _(
            "A fault at the provider, so it was tried again. Restart later for those who failed."
        )
    return _("The provider refused it. Correct what it says, then restart for those who failed.")
