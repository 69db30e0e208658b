"""What can go wrong with broadcasts because of what a person asked for.

Each says in one sentence (LaunchError: in one a line) what is wrong and what to do.
"""

from datetime import datetime


class LaunchError(ValueError):
    """A broadcast can't be sent or edited as it is; says what to do, one problem a line."""


class EditConflict(LaunchError):  # noqa: N818 - the name is the fact
    """Somebody else has edited the draft meanwhile; says who and when.

    ``who`` is empty when it was the command line, ``at`` the moment of that edit.
    """

    def __init__(self, who: str, at: datetime) -> None:
        """Who edited it last, and when."""
        self.who = who
        self.at = at
        super().__init__(
            f"{who or 'The command line'} edited this draft at {at:%H:%M} UTC, after you "
            "opened it. Load the newest, or keep yours as a copy."
        )
