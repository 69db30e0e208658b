"""What monitors are told: every number comes from the database, so all web servers say the same.

Nothing is counted row by row that may be millions: sent, failed and the like are counters of
records.counters, what waits comes from the tallies, and callbacks are counted up to a limit.
"""

from dataclasses import dataclass

from clarion.engine import heartbeat, status
from clarion.kit import clock, db
from clarion.records import counters
from clarion.records.states import DeliveryState as D

WAITING_STATES = (D.QUEUED, D.SENDING, D.HELD, D.IN_DOUBT)
ACTIVE_STATES = ("scheduled", "sending", "paused", "live", "missed")
LANES = ("people", "receipts", "unmatched")
MOST_CALLBACKS = 20_000  # of a lane are counted; a number of that size says all there is to say


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel as it is now."""

    name: str
    kind: str
    paused: bool
    waiting: bool  # the provider asked for it, or it can't be reached


@dataclass(frozen=True, slots=True)
class Lane:
    """Callbacks of one lane that are waiting to be applied."""

    waiting: int  # at most MOST_CALLBACKS
    oldest: float  # seconds since the next one arrived
    lag: float  # seconds that the next one is overdue


@dataclass(frozen=True, slots=True)
class Workers:
    """Who is working."""

    alive: int
    stuck: int  # of them, that run and send nothing
    heartbeat_age: float | None  # seconds; None: no worker has ever run


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything that is measured, at one moment."""

    channels: dict[int, ChannelState]
    deliveries: dict[tuple[int, str], int]  # channel id, one of WAITING_STATES
    counters: dict[counters.Key, int]
    broadcasts: dict[str, int]  # one of ACTIVE_STATES
    lanes: dict[str, Lane]
    dropped: dict[int, int]  # by channel id
    workers: Workers


def read() -> Numbers:
    """Read everything."""
    now = db.now_us()
    return Numbers(
        channels=_channels(now),
        deliveries=_deliveries(),
        counters=counters.totals(),
        broadcasts=_broadcasts(),
        lanes={lane: _lane(lane, now) for lane in LANES},
        dropped=dict(
            db.fetch(
                "SELECT channel_id, CAST(sum(count) AS bigint) FROM engine_dropcount "
                "GROUP BY channel_id"
            )
        ),
        workers=workers(),
    )


def workers() -> Workers:
    """Who is working at this moment."""
    beat = heartbeat.latest()
    age = None if beat is None else _seconds(db.now_us() - beat.at)
    return Workers(status.workers_alive(), len(status.troubles()), age)


def _channels(now: int) -> dict[int, ChannelState]:
    rows = db.fetch(
        "SELECT id, name, kind, state, coalesce(waits_until, 0) FROM channels_channel ORDER BY id"
    )
    return {
        pk: ChannelState(name, kind, state == "paused", until > now)
        for pk, name, kind, state, until in rows
    }


def _deliveries() -> dict[tuple[int, str], int]:
    rows = db.fetch(
        "SELECT channel_id, state, CAST(sum(delta) AS bigint) FROM records_tally "
        f"WHERE state IN ({', '.join(['%s'] * len(WAITING_STATES))}) GROUP BY channel_id, state",
        [str(state) for state in WAITING_STATES],
    )
    return {(channel, state): number for channel, state, number in rows}


def _broadcasts() -> dict[str, int]:
    rows = db.fetch(
        "SELECT state, count(*) FROM broadcasts_broadcast "
        f"WHERE state IN ({', '.join(['%s'] * len(ACTIVE_STATES))}) GROUP BY state",
        ACTIVE_STATES,
    )
    return dict.fromkeys(ACTIVE_STATES, 0) | dict(rows)


def _lane(lane: str, now: int) -> Lane:
    of_lane = "FROM engine_callback WHERE lane = %s AND state = 'waiting'"
    [(waiting,)] = db.fetch(
        f"SELECT count(*) FROM (SELECT 1 {of_lane} LIMIT %s) AS first_ones", [lane, MOST_CALLBACKS]
    )
    first = db.fetch(
        f"SELECT received_at, next_try_at {of_lane} ORDER BY next_try_at LIMIT 1", [lane]
    )
    if not first:
        return Lane(0, 0.0, 0.0)
    received, due = first[0]
    return Lane(waiting, _seconds(now - received), _seconds(now - due))


def _seconds(duration: int) -> float:
    return max(duration, 0) / clock.SECOND
