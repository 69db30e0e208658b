"""Settling a batch: deliveries move, and what answers say about addresses is kept."""

from collections.abc import Sequence
from typing import Any, Final

from clarion.channels.models import Channel
from clarion.contacts import addresses, attribute_values, identities
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement, settle_rows

# After this, in microseconds, an answer in a journal sets only attributes that the contact does not
# have: its machine was cut off, and what is stored may be newer. (Answers that wait in memory while
# the database is away are not late: nobody else could write meanwhile.)
LATE: Final = 60 * clock.SECOND


def settle(
    worker_id: int,
    batch: Sequence[Settlement],
    *,
    again: bool = False,
    reopen: bool = False,
    from_journal: bool = False,
) -> int:
    """Write a batch, see ``settle_rows``. Returns how many deliveries moved.

    ``from_journal``: it was read there, after its worker has ended.
    """
    # Before the deliveries move: the next message may show them, and a crash here loses none.
    having = [settlement for settlement in batch if settlement.attributes]
    _set_attributes(having, may_be_late=from_journal)
    moved = settle_rows(worker_id, batch, again=again, reopen=reopen)
    for settlement in batch:
        if settlement.mark:
            addresses.mark(settlement.address, settlement.mark, clock.from_us(settlement.at))
    _learn([settlement for settlement in batch if settlement.user_ids])
    return moved


def _set_attributes(settlements: Sequence[Settlement], *, may_be_late: bool) -> None:
    """Store what webhooks of stories say of contacts; several broadcasts may be at the same one."""
    now = clock.now_us()
    for is_late in (True, False):
        attributes: dict[int, dict[str, Any]] = {}
        for each in sorted(settlements, key=lambda settlement: settlement.at):
            if (may_be_late and now - each.at > LATE) is is_late:
                attributes.setdefault(each.address, {}).update(each.attributes or {})
        if attributes:
            attribute_values.set_values(attributes, only_missing=is_late)


def _learn(settlements: Sequence[Settlement]) -> None:
    """Keep what the provider's answers say about user ids: a number that it writes in another way,
    a group that has another id from now on."""
    if not settlements:
        return
    together: dict[int, list[Settlement]] = {}
    for settlement in settlements:
        together.setdefault(settlement.channel, []).append(settlement)
    for channel in Channel.objects.filter(pk__in=together).order_by("pk"):
        for settlement in together[channel.pk]:
            if settlement.moved_to:
                identities.move(
                    channel, settlement.user_ids[0], settlement.moved_to, keeps_old=True
                )
        identities.join_all(channel, [settlement.user_ids for settlement in together[channel.pk]])
