"""Receipts that name no message: all that was sent to a person until a moment was seen.

The moment is that of the provider's clock. A message was sent by then if its request had begun by
then, by ours, which may differ by APART. So a message counts too early only if it left for somebody
who was reading at that very moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clarion.channels.contract import SeenUntil
from clarion.kit import clock, db
from clarion.records.states import DeliveryState as D

APART: Final = 2 * clock.SECOND  # between the clocks
SETTLING: Final = 5 * clock.SECOND  # a message that was sent so lately may not be recorded yet
_MARK = [
    ("number", "int"), ("channel", "int"), ("value", "text"), ("status", "text"), ("until", "int"),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """What was seen, on a channel."""

    channel_id: int
    event: SeenUntil

    def may_be_early(self, received_at: int) -> bool:
        """Whether it may be about messages that are not recorded yet."""
        return received_at - clock.to_us(self.event.until) < SETTLING


def messages_until(marks: Sequence[Mark]) -> list[tuple[Mark, str]]:
    """The provider's ids of the messages that each mark is about and that is news for.

    Of a story it is the last message.
    """
    if not marks:
        return []
    values = (
        (number, m.channel_id, m.event.sender, m.event.status, clock.to_us(m.event.until) + APART)
        for number, m in enumerate(marks)
    )
    person = "a.channel_id = v.channel AND a.value = v.value"
    completed = "r.address_id = COALESCE(a.alias_of_id, a.id) AND r.status = 'completed'"
    rows = db.fetch(
        f"SELECT v.number, d.external_id FROM {db.json_table(_MARK)} "
        f"{db.lateral_join('contacts_address', 'a', person)} "
        f"{db.lateral_join('records_record', 'r', completed)} "
        f"{db.lateral_join('records_delivery', 'd', 'd.id = r.delivery_id')} "
        "WHERE r.recorded_at - r.request_time <= v.until AND d.external_id IS NOT NULL"
        f" AND (d.state = '{D.SENT}' OR d.state = '{D.DELIVERED}' AND v.status = 'read')",
        [db.json_param(values)],
    )
    return [(marks[number], name) for number, name in sorted(rows)]
