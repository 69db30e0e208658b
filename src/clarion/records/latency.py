"""How long messages took from the scheduled moment to the provider's answer."""

from dataclasses import dataclass

from clarion.kit import db

SHARES = (50, 90, 99, 100)  # percent of the messages


@dataclass(frozen=True, slots=True)
class Latency:
    """Of how many messages, and within how many microseconds each share of them was accepted."""

    messages: int
    within: dict[int, int]  # one of SHARES -> microseconds, by nearest rank


def latency(broadcast_id: int) -> Latency | None:
    """The latency of a broadcast's completed records; None while it has none.

    What a record holds is one span: recorded less scheduled. It contains the wait for a turn (the
    send rate, a pause, a retry) and the provider's answer, which are not recorded apart.
    """
    ranks = ", ".join(f"(messages * {share} + 99) / 100" for share in SHARES)
    rows = db.fetch(
        "SELECT place, messages, latency FROM (SELECT latency, count(*) OVER () AS messages,"
        " row_number() OVER (ORDER BY latency) AS place FROM records_record"
        f" WHERE status = 'completed' AND broadcast_id = %s) AS ranked WHERE place IN ({ranks})",
        [broadcast_id],
    )
    if not rows:
        return None
    by_rank = {rank: took for rank, _, took in rows}
    messages = rows[0][1]
    return Latency(messages, {share: by_rank[(messages * share + 99) // 100] for share in SHARES})
