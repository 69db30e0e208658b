"""Deleting all that is kept of broadcasts past their retention, a few rows at a time."""

from collections.abc import Sequence

from clarion.kit import db

# The status stands in the text, or the partial indexes would not be used.
_RECORDS = {
    "completed": "broadcast_id, channel_id, responses, recorded_at",
    "error": "broadcast_id, recorded_at",
}


def delete_records(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` records of these broadcasts; return how many."""
    marks = ", ".join(["%s"] * len(broadcast_ids))
    deleted = 0
    for status, order in _RECORDS.items():
        if deleted < limit:
            deleted += db.delete_first(
                "records_record",
                f"status = '{status}' AND broadcast_id IN ({marks})",
                order,
                broadcast_ids,
                limit - deleted,
            )
    return deleted


def delete_deliveries(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete deliveries with all that hangs on them; return how many rows that were.

    A third as many deliveries as ``limit``, for there may be two receipts of each.
    """
    marks = ", ".join(["%s"] * len(broadcast_ids))
    with db.in_index_order():
        deliveries = db.fetch(
            f"SELECT id FROM records_delivery WHERE broadcast_id IN ({marks}) "
            f"ORDER BY broadcast_id, address_id, occurrence LIMIT %s{db.skip_locked()}",
            [*broadcast_ids, max(1, limit // 3)],
        )
        ids = [db.json_param(deliveries)]
        return (
            db.execute(f"DELETE FROM records_receipt WHERE delivery_id {db.in_list()}", ids)
            + db.execute(f"DELETE FROM records_part WHERE delivery_id {db.in_list()}", ids)
            + db.execute(
                f"DELETE FROM records_deliveryprogress WHERE delivery_id {db.in_list()}", ids
            )
            + db.execute(f"DELETE FROM records_delivery WHERE id {db.in_list()}", ids)
        )
