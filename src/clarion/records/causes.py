"""A broadcast's errors, grouped by cause (H3)."""

from dataclasses import dataclass

from clarion.kit import db


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause, how often it occurred, and how many people it stands for in the end."""

    id: int
    code: str  # the provider's own, or our class of it
    text: str
    errors: int  # error records: attempts that ended like this
    people: int  # deliveries that failed, or are in doubt, for it
    refusal: str = ""  # its class, see channels.contract.Refusal


def causes(broadcast_id: int) -> list[Cause]:
    """The causes of a broadcast's errors, the most frequent first."""
    rows = db.fetch(
        "SELECT o.id, o.code, o.text, CAST(sum(errors) AS bigint), CAST(sum(people) AS bigint),"
        " o.refusal FROM ("
        "SELECT reason_id, count(*) AS errors, 0 AS people FROM records_record"
        " WHERE status = 'error' AND broadcast_id = %s GROUP BY reason_id"
        " UNION ALL SELECT reason_id, 0, count(*) FROM records_delivery"
        " WHERE broadcast_id = %s AND stage = 'failed' GROUP BY reason_id"
        " UNION ALL SELECT reason_id, 0, count(*) FROM records_delivery"
        " WHERE broadcast_id = %s AND stage = 'in_doubt' GROUP BY reason_id"
        ") AS counted JOIN records_reason AS o ON o.id = reason_id"
        " GROUP BY o.id, o.code, o.text, o.refusal ORDER BY 4 DESC, 5 DESC, o.id",
        [broadcast_id] * 3,
    )
    return [Cause(*row) for row in rows]


def left_out(broadcast_id: int) -> list[Cause]:
    """Why recipients of a broadcast were skipped, the most frequent reason first."""
    rows = db.fetch(
        "SELECT o.id, o.code, o.text, 0, counted.people FROM ("
        "SELECT reason_id, count(*) AS people FROM records_delivery"
        " WHERE broadcast_id = %s AND stage = 'skipped' GROUP BY reason_id"
        ") AS counted JOIN records_reason AS o ON o.id = reason_id ORDER BY 5 DESC, o.id",
        [broadcast_id],
    )
    return [Cause(*row) for row in rows]
