"""What can go wrong with broadcasts because of what a person asked for.

Each says in one sentence (LaunchError: in one a line) what is wrong and what to do.
"""

from collections.abc import Sequence
from datetime import datetime

from clarion.contacts.models import Address


class LaunchError(ValueError):
    """A broadcast can't be sent or edited as it is; says what to do, one problem a line."""


class GapsError(LaunchError):
    """Some recipients would get nothing, and nobody decided to send to the others."""


class EditConflict(LaunchError):  # noqa: N818 - the name is the fact
    """Somebody else has edited the draft meanwhile; says who and when.

    ``who`` is empty when it was the command line, ``at`` the moment of that edit.
    """

    def __init__(self, editor: str, at: datetime) -> None:
        """Who edited it last, and when."""
        self.editor = editor
        self.at = at
        super().__init__(
            f"{editor or 'The command line'} edited this draft at {at:%H:%M} UTC, after you "
            "opened it. Load the newest, or keep yours as a copy."
        )


class ApprovalNeeded(LaunchError):  # noqa: N818 - the name is the fact
    """A second person has to approve it first."""


class ApprovalError(ValueError):
    """It can't be approved, or asked for, like this; says why."""


class ControlError(ValueError):
    """The broadcast's state does not allow this; says what does."""


class RecurrenceError(ValueError):
    """It can't run at such times; says what to write instead."""


class TriggerError(ValueError):
    """A trigger can't be like that; says what to choose instead."""


class PicksError(ValueError):
    """Not all of these people can be picked; says which ones and what to do.

    ``found``: those who can.
    """

    def __init__(self, sentence: str, found: Sequence[Address] = ()) -> None:
        super().__init__(sentence)
        self.found = list(found)


class SingleError(ValueError):
    """This can't be sent to this person; says why and what to do."""


class AlreadySent(SingleError):  # noqa: N818 - the name is the fact
    """The form has sent something else already; says what, and that this was not sent."""


class OptedOut(SingleError):  # noqa: N818 - the name is the fact
    """The contact opted out and has written nothing since: it has to be asked for once more."""


class CallError(ValueError):
    """A call of a broadcast's URL can't be done; says in one sentence what to change."""


class NotLive(CallError):  # noqa: N818 - reads as what is the matter
    """The broadcast is paused or over."""


class KeyReused(CallError):  # noqa: N818
    """The same Idempotency-Key came with another body."""


class TooOften(CallError):  # noqa: N818
    """More calls in a minute than are allowed; ``retry_after`` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        """After so many seconds a call is taken again."""
        self.retry_after = retry_after
        super().__init__(f"Too many calls. Try again in {retry_after} seconds.")
