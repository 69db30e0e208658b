"""The types of events, and an event as it is posted.

The body of a request follows Standard Webhooks (type, timestamp, data). It carries up to
``MOST_EVENTS`` events of one source, so that a broadcast to a million does not cost its receiver
millions of requests.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from clarion.kit import clock

MOST_EVENTS: Final = 100  # of one request
EVENT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "delivery.sent": "A message was accepted by the provider",
        "delivery.delivered": "The provider reported a message as delivered",
        "delivery.read": "The provider reported a message as read",
        "delivery.attempt_failed": "An attempt to send a message failed; another one may follow",
        "delivery.failed": "A message could not be sent, or the provider reported it as failed",
        "delivery.in_doubt": "A message may or may not have been sent",
        "link.clicked": "A recipient clicked a tracked link",
        "email.opened": "A recipient opened an e-mail, as far as that can be told",
        "message.received": "A contact wrote a message",
        "address.opted_out": "A contact opted out on a channel",
        "address.opted_in": "A contact who could not be sent to can be sent to again",
        "address.unreachable": "A contact blocked us or can't be reached on a channel",
        "consent.given": "A contact gave a consent",
        "consent.withdrawn": "A contact withdrew a consent",
        "broadcast.started": "Sending of a broadcast began",
        "broadcast.paused": "A broadcast was paused, or paused by itself",
        "broadcast.resumed": "A broadcast was resumed",
        "broadcast.stopped": "A broadcast was stopped",
        "broadcast.completed": "A broadcast was sent to all its recipients",
        "broadcast.missed": "A scheduled broadcast was not sent at its time",
    }
)
TEST: Final = "test"  # the type of the event that tries an endpoint


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``id`` is the same whenever it is posted."""

    id: str
    type: str
    at: int  # microseconds
    data: Mapping[str, Any]

    def as_posted(self) -> dict[str, Any]:
        """The event as JSON types."""
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": _moment(self.at),
            "data": dict(self.data),
        }


def body_of(events: Sequence[Event], at: int) -> bytes:
    """The body of the request that posts these events; ``at``: when it is sent, microseconds."""
    document = {
        "type": "events",
        "timestamp": _moment(at),
        "data": {"events": [event.as_posted() for event in events]},
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _moment(at: int) -> str:
    return clock.from_us(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
