"""How long messages took from the scheduled moment to the provider's answer, and to the contact.

Three spans can be told apart: *waiting*, until the last request began (for a turn at the send rate,
a pause, a retry, the messages of a story before the last one); *request*, until it was answered;
and *delivery*, from there until the provider reported it delivered, by the provider's clock. How
much of a request was the network and how much the provider can't be told from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clarion.kit import db

SHARES = (50, 90, 99, 100)  # percent of the messages
SPANS = ("total", "waiting", "request", "delivery")
_COMPLETED = "FROM records_record AS r WHERE r.status = 'completed' AND r.broadcast_id = %s"
_VALUES = {
    "total": f"SELECT r.latency AS took {_COMPLETED}",
    # A part has a measured request: those of before, and what a receipt proved, have none.
    "waiting": f"SELECT r.latency - r.request_time AS took {_COMPLETED} AND r.request_time > 0",
    "request": f"SELECT r.request_time AS took {_COMPLETED} AND r.request_time > 0",
    # Of a story, the message that was delivered last. Clocks differ: nothing takes less than no
    # time.
    "delivery": (
        "SELECT CASE WHEN d.at < r.recorded_at THEN 0 ELSE d.at - r.recorded_at END AS took "
        "FROM records_record AS r JOIN (SELECT c.delivery_id, max(t.at) AS at "
        "FROM records_record AS c JOIN records_receipt AS t ON t.delivery_id = c.delivery_id "
        "WHERE c.status = 'completed' AND c.broadcast_id = %s AND t.status = 'delivered' "
        "GROUP BY c.delivery_id) AS d ON d.delivery_id = r.delivery_id "
        "WHERE r.status = 'completed' AND r.broadcast_id = %s"
    ),
}


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of how many messages, and within how many microseconds each share of them was done."""

    messages: int
    within: Mapping[int, int]  # one of SHARES -> microseconds, by nearest rank


def latency(broadcast_id: int) -> dict[str, Percentiles]:
    """The latency of a broadcast's completed records, by span (see SPANS).

    Spans of which nothing is known are left out; while nothing was sent, it is empty.
    """
    spans = {}
    for span in SPANS:
        percentiles = _percentiles(_VALUES[span], broadcast_id)
        if percentiles is not None:
            spans[span] = percentiles
        elif span == "total":
            return {}
    return spans


def _percentiles(values: str, broadcast_id: int) -> Percentiles | None:
    ranks = ", ".join(f"(messages * {share} + 99) / 100" for share in SHARES)
    rows = db.fetch(
        "SELECT place, messages, took FROM (SELECT took, count(*) OVER () AS messages,"
        f" row_number() OVER (ORDER BY took) AS place FROM ({values}) AS spans) AS ranked"
        f" WHERE place IN ({ranks})",
        [broadcast_id] * values.count("%s"),
    )
    if not rows:
        return None
    by_rank = {rank: took for rank, _, took in rows}
    messages = rows[0][1]
    return Percentiles(
        messages, {share: by_rank[(messages * share + 99) // 100] for share in SHARES}
    )
