"""What a kind of channel does whose provider lists templates."""

from typing import Protocol, runtime_checkable

from clarion.channels.contract import Reply, Request
from clarion.channels.templates.listed import ListedTemplate


@runtime_checkable
class ListsTemplates(Protocol):
    """A kind whose provider lists the templates that it was asked to approve."""

    def list_templates(self, after: str = "") -> Request:
        """The request for a page of the list; ``after`` is where the last one ended. Pure. Raises
        ValueError with a sentence when the channel's settings do not allow it."""

    def listed_templates(self, reply: Reply) -> tuple[list[ListedTemplate], str]:
        """The templates of a page, and where it ended; "" for the last one. Pure. Raises ValueError
        with a sentence for what is no such page."""
