"""What proves a change of a consent."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves a change, beside the moment, the text and the agent."""

    detail: str = ""  # such as a file's name, or the word that was written
    ip: str = ""  # of a form or a page
    user_agent: str = ""


NO_PROOF: Final = Proof()
