"""An ability of kinds, beside those of ``contract``: a connection that is kept open."""

from typing import Protocol, runtime_checkable

from clarion.transport.messages import SmppAccount


@runtime_checkable
class KeepsConnection(Protocol):
    """A kind whose provider reports over the connection that messages are sent on. What it sends is
    stored like a callback, and ``events`` reads it."""

    def connection(self) -> SmppAccount:
        """The account whose connection a worker keeps open. Pure."""

    def most_connections(self) -> int:
        """How many workers may keep one open at a time. Pure."""
