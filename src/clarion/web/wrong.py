"""What is wrong with a form that was sent, for the list that gets the focus."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrong:
    """One problem of a form; ``field`` is the id of the control that it is about, if it is one."""

    text: str
    field: str = ""

    def __str__(self) -> str:
        return self.text
