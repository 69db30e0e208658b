"""What records need to know of broadcasts, whose package is above this one.

``broadcasts/`` provides the directory when Django starts; nothing here names its tables.
"""

from collections.abc import Iterable
from typing import Protocol


class BroadcastDirectory(Protocol):
    """Facts about broadcasts, by their ids."""

    def titles(self, broadcast_ids: Iterable[int]) -> dict[int, str]:
        """The title of each of these that is there."""
        ...

    def sent_by(self, agent_ids: Iterable[int], name: str) -> list[int]:
        """All broadcasts that these agents sent, or somebody of that name who is no agent."""
        ...

    def of_stories(self, story_id: int | None, name: str) -> list[int]:
        """All broadcasts that send this story, or one whose name contains ``name``."""
        ...

    def with_keys(self, keys: Iterable[str]) -> dict[str, int]:
        """The broadcast of each key (see ``records.message_ids``) that is there."""
        ...

    def stories(self, broadcast_ids: Iterable[int]) -> set[int]:
        """Those of these that send a story, which may have several messages."""
        ...


_provided: list[BroadcastDirectory] = []


def provide(directory: BroadcastDirectory) -> None:
    """Answer with this directory from now on."""
    _provided[:] = [directory]


def directory() -> BroadcastDirectory:
    """The directory of broadcasts."""
    (provided,) = _provided
    return provided
