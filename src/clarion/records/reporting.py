"""Which channels tell anything about a message once it is accepted."""

from collections.abc import Iterable

from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.kit import db


def receipts_of(channels: Iterable[Channel]) -> dict[int, frozenset[str]]:
    """Which of delivered and read each of these channels reports, by its id.

    Nothing for a channel on which no receipt has ever arrived: a kind that can report does so only
    where its provider, or the program behind a webhook, was told to. Of a channel that never did,
    nobody knows how many messages arrived.
    """
    kinds = {channel.pk: channel.kind for channel in channels}
    rows = db.fetch(
        f"SELECT v.id FROM {db.json_table([('id', 'int')])} WHERE EXISTS"
        " (SELECT 1 FROM records_receipt AS t WHERE t.channel_id = v.id)",
        [db.json_param([key] for key in kinds)],
    )
    heard = {key for (key,) in rows}
    return {
        key: frozenset(kind_class(kind).limits.receipts) if key in heard else frozenset()
        for key, kind in kinds.items()
    }
