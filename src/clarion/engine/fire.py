"""Firing: the deliveries of triggers whose moment has come, for one contact at a time."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction

from clarion.broadcasts import numbering
from clarion.broadcasts.firings import drop, mark_sent, take_due, watched_segments
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.query import audience_of, candidates
from clarion.broadcasts.sending import note_written
from clarion.contacts.models import Address
from clarion.engine.expand import drop_reasons, end_chats, recipients
from clarion.kit import clock, db
from clarion.records.deliveries.progress import give
from clarion.records.deliveries.write import delay, write_missing
from clarion.records.progress import Progress
from clarion.segments.watch import advance, watch_only

NOBODY = "They are not in its audience, or have no address on its channels."
CHUNK = 1_000  # firings of one transaction


def fire_due() -> int:
    """Write the deliveries of a chunk of firings that are due; return how many firings."""
    if not db.fetch("SELECT 1 FROM broadcasts_firing WHERE state = 'waiting' LIMIT 1"):
        return 0
    reasons = drop_reasons()
    with transaction.atomic():
        due = take_due(clock.from_us(db.now_us()), CHUNK)
        if any(broadcast.number is None for broadcast, _ in due):
            numbering.lock()  # before any broadcast is: others lock them in this order too
        for broadcast, firings in due:
            reached = _fire(broadcast, firings, reasons)
            mark_sent([f for f in firings if f.contact_id in reached])
            drop([f.pk for f in firings if f.contact_id not in reached], NOBODY)
    return sum(len(firings) for _, firings in due)


def watch_segments() -> bool:
    """Look at the next contacts of the segments that triggers fire on; False when there is time."""
    watched = watched_segments()
    watch_only(watched)
    looked = [advance(segment_id) for segment_id in watched]
    return any(looked)


def _fire(broadcast: Broadcast, firings: Sequence[Firing], reasons: dict[str, int]) -> set[int]:
    """Write the deliveries; return the contacts that got one."""
    reached: set[int] = set()
    audience = audience_of(broadcast)
    channel_ids = list(broadcast.channels.order_by("pk").values_list("pk", flat=True))
    times: dict[int, list[Firing]] = defaultdict(list)
    for firing in firings:
        times[firing.occurrence].append(firing)
    for occurrence, together in times.items():
        contacts = [firing.contact_id for firing in together]
        query = candidates(audience, channel_ids, broadcast_id=broadcast.pk, contacts=contacts)
        written = write_missing(broadcast.pk, recipients(broadcast, query, reasons), occurrence)
        note_written(broadcast.pk, len(written))
        if written:
            numbering.give_number(broadcast)  # its sending begins with the first contact
        reached |= _tell(written, {firing.contact_id: firing for firing in together})
        if broadcast.end_open_chats and written:
            end_chats(broadcast.pk, (min(written), max(written)))
    return reached


def _tell(written: dict[int, int], fired: dict[int, Firing]) -> set[int]:
    """Give each delivery (by address) the moment and the data of its contact's firing.

    Returns the contacts.
    """
    owners = list(Address.objects.filter(pk__in=written).values_list("pk", "contact_id"))
    firings = {written[address]: fired[contact] for address, contact in owners}
    delay({key: clock.to_us(firing.due_at) for key, firing in firings.items()})
    progress = {key: Progress(data=f.data) for key, f in firings.items() if f.data}
    if progress:
        give(progress)
    return {contact for _, contact in owners}
