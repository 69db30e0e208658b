"""What nobody vouches for counts for a message that was sent, and for whom it was sent to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from clarion.channels.contract import AboutMessage, AddressReport, Event, Ignored, Inbound, OptOut
from clarion.records.recipients import Recipient, recipient_of

UNKNOWN = Ignored("An e-mail is about a message that Clarion did not send on this channel.")
OF_OTHERS = Ignored(
    "An e-mail names a message that was not sent to the address that it names, and nothing proves "
    "it."
)


def resolved(channel_id: int, events: Iterable[Event]) -> Iterator[Event]:
    """The events as they count: of an AboutMessage its own ones, or the reason to drop them."""
    for event in events:
        if isinstance(event, AboutMessage):
            yield from _of_message(event, recipient_of(channel_id, event.message_id))
        else:
            yield event


def _of_message(event: AboutMessage, recipient: Recipient | None) -> Iterator[Event]:
    if recipient is None:
        yield UNKNOWN
    elif not (event.proven or (recipient.was_sent and recipient.user_id in event.named)):
        yield OF_OTHERS
    else:
        for each in event.events:
            if isinstance(each, AddressReport):
                yield replace(each, address=each.address or recipient.user_id)
            elif isinstance(each, Inbound | OptOut):
                yield replace(each, sender=each.sender or recipient.user_id)
            else:
                yield each
