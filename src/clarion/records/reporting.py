"""Which channels tell anything about a message once it is accepted."""

from collections.abc import Iterable

from clarion.kit import db


def reporting(channel_ids: Iterable[int]) -> set[int]:
    """Those of these channels on which a receipt has ever arrived.

    A kind that can report does so only where its provider, or the program behind a webhook, was
    told to. Of a channel that never did, nobody knows how many messages arrived.
    """
    rows = db.fetch(
        f"SELECT v.id FROM {db.json_table([('id', 'int')])} WHERE EXISTS"
        " (SELECT 1 FROM records_receipt AS t WHERE t.channel_id = v.id)",
        [db.json_param([key] for key in set(channel_ids))],
    )
    return {key for (key,) in rows}
