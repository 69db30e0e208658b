"""Messages that people wrote in several parts: kept apart until all parts are here."""

import hashlib
from collections.abc import Sequence
from typing import Final

from clarion.channels.contract import Inbound, InboundPart
from clarion.channels.models import Channel
from clarion.engine.models import InboundFragment
from clarion.kit import clock, db
from clarion.kit.text import clean

PATIENCE: Final = 600 * clock.SECOND  # how long the parts of a message wait for the others
GAP: Final = "…"
_MOST = 100  # messages of one call


def add(channel: Channel, part: InboundPart) -> Inbound | None:
    """Keep a part; the whole message once it is the last one. The caller has locked the sender.

    A part that comes again changes nothing.
    """
    InboundFragment.objects.get_or_create(
        channel=channel,
        sender=part.sender,
        reference=clean(part.reference, 100),
        number=part.number,
        defaults={
            "total": part.total,
            "content": part.content,
            "external_id": part.external_id,
            "at": part.at,
            "stored_at": clock.from_us(db.now_us()),
        },
    )
    return _joined(channel.pk, part.sender, clean(part.reference, 100), whole=True)


def incomplete(now: int) -> list[tuple[Channel, str, str]]:
    """Channel, sender and reference of some messages whose other parts did not come in time."""
    rows = db.fetch(
        "SELECT DISTINCT channel_id, sender, reference FROM ("
        "SELECT channel_id, sender, reference FROM engine_inboundfragment "
        "WHERE stored_at <= %s ORDER BY stored_at LIMIT %s) AS old",
        [now - PATIENCE, _MOST],
    )
    channels = Channel.objects.in_bulk({row[0] for row in rows})
    return [(channels[channel], sender, reference) for channel, sender, reference in rows]


def give_up(channel: Channel, sender: str, reference: str) -> Inbound | None:
    """The message as far as its parts are here; None if somebody else was quicker."""
    return _joined(channel.pk, sender, reference, whole=False)


def _joined(channel_id: int, sender: str, reference: str, *, whole: bool) -> Inbound | None:
    parts: Sequence[InboundFragment] = list(
        InboundFragment.objects.filter(
            channel=channel_id, sender=sender, reference=reference
        ).order_by("number")
    )
    if not parts or (whole and len(parts) < parts[0].total):
        return None
    InboundFragment.objects.filter(pk__in=[part.pk for part in parts]).delete()
    ids = " ".join(part.external_id for part in parts)
    return Inbound(sender, hashlib.sha256(ids.encode()).hexdigest()[:32], _text(parts), parts[0].at)


def _text(parts: Sequence[InboundFragment]) -> str:
    """The text, with a sign wherever a part is missing."""
    contents = {part.number: bytes(part.content) for part in parts}
    gap = GAP.encode("utf-16-be")
    pieces = [contents.get(number, gap) for number in range(1, parts[0].total + 1)]
    text = b"".join(pieces).decode("utf-16-be", "replace")
    while GAP * 2 in text:
        text = text.replace(GAP * 2, GAP)
    return text
