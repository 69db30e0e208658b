"""What can be wrong with a text or a story."""

from collections.abc import Sequence
from dataclasses import dataclass

OF_TITLE = "Title: "  # begins the sentence of what is wrong with a title
CODE = "code"  # the variable that is no attribute of a contact
LINKS = ("preferences_url", "unsubscribe_url")  # variables that are links of the recipient's own
CODE_IS = "{{ code }} is a unique code for each recipient, from a code pool."
NO_CODE = f"{CODE_IS} Choose a code pool for it, or remove it from the message."


class ContentError(ValueError):
    """A text can't be used, or not for this person: one sentence that says what to do.

    ``variable``: the one that this person lacks, such as contact.name, if it is that.
    """

    def __init__(self, sentence: str, variable: str = "") -> None:
        super().__init__(sentence)
        self.variable = variable

    def within(self, prefix: str) -> "ContentError":
        """The same with the place in front of the sentence, such as “Block 1: ”."""
        return ContentError(f"{prefix}{self}", self.variable)


class UnreadableUploadError(ContentError):
    """The file of an upload can't be read on this machine, which says nothing of the message."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of a story."""

    block: int  # 1 for the first; 0 where it is about the whole story
    field: str  # e.g. "text", "buttons.0.label"; empty where it is about the whole block
    sentence: str

    def __str__(self) -> str:
        return f"Block {self.block}: {self.sentence}" if self.block else self.sentence


class StoryError(ContentError):
    """A story can't be saved, found or used: one sentence for each fault."""

    def __init__(self, *faults: "Fault | str") -> None:
        self.faults: Sequence[Fault] = [
            fault if isinstance(fault, Fault) else Fault(0, "", fault) for fault in faults
        ]
        super().__init__(" ".join(map(str, self.faults)))
