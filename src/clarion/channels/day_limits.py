"""How many people a provider lets an account begin a conversation with in 24 hours, and with how
many one has begun.

Exact over any number of workers: who is counted is written in the transaction that claims their
message, under the lock of the channel.
"""

from collections.abc import Collection
from typing import Final, Protocol, runtime_checkable

from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.kit import clock, db

DAY: Final = 86_400 * clock.SECOND
_PART: Final = 100  # a channel whose limit is used up waits until this part of it is free again


@runtime_checkable
class LimitsPeople(Protocol):
    """A kind whose provider limits with how many people a conversation may begin in 24 hours.

    Only templates begin one, and only with people who have not written within that time.
    """

    people_a_day: int | None  # as set on the channel; None: with any number
    follows_provider: bool  # whether what the provider reported applies instead


def people_a_day(channel: Channel) -> int | None:
    """How many people the provider lets this channel begin a conversation with in 24 hours.

    None: any number, or that is not known.
    """
    try:
        kind = adapter(channel)
    except ValueError:  # the channel's page says what is wrong with its settings
        return None
    if not isinstance(kind, LimitsPeople):
        return None
    return channel.reported_people if kind.follows_provider else kind.people_a_day


def note_reported(channel: Channel, people: int | None) -> None:
    """Keep the limit that the provider reported; None: there is none any more."""
    Channel.objects.filter(pk=channel.pk).update(reported_people=people, people_full_until=None)


def begun(channel: Channel) -> int:
    """With how many people it has begun a conversation within the last 24 hours."""
    return _begun(channel.pk, db.now_us())


def left(channel_id: int, most: int, now: int) -> int:
    """With how many more people a conversation may begin now, of ``most`` in 24 hours.

    Notes until when the channel waits where there are none. In the transaction that has locked the
    channel; ``now`` in microseconds.
    """
    rows = db.fetch("SELECT people_full_until FROM channels_channel WHERE id = %s", [channel_id])
    if rows and rows[0][0] is not None and rows[0][0] > now:
        return 0
    rest = most - _begun(channel_id, now)
    if rest > 0:
        return rest
    # When the newest of those are a day old that must be, so that some are free again.
    kept = max(0, most - max(1, most // _PART))
    last = db.fetch(
        "SELECT at FROM channels_begun WHERE channel_id = %s ORDER BY at DESC LIMIT 1 OFFSET %s",
        [channel_id, kept],
    )
    until = last[0][0] + DAY if last else now + clock.SECOND
    db.execute(
        "UPDATE channels_channel SET people_full_until = %s WHERE id = %s", [until, channel_id]
    )
    return 0


def note_begun(channel_id: int, address_ids: Collection[int], now: int) -> None:
    """Count people with whom a conversation begins now; who is counted already counts once.

    In the transaction that claims their messages.
    """
    db.execute("DELETE FROM channels_begun WHERE channel_id = %s AND at <= %s",
               [channel_id, now - DAY])  # fmt: skip
    if address_ids:
        db.execute(
            "INSERT INTO channels_begun (channel_id, address_id, at) "
            f"SELECT %s, v.id, %s FROM {db.json_table([('id', 'int')])} WHERE true "
            "ON CONFLICT (channel_id, address_id) DO UPDATE SET at = excluded.at",
            [channel_id, now, db.json_param([key] for key in sorted(address_ids))],
        )


def _begun(channel_id: int, now: int) -> int:
    rows = db.fetch(
        "SELECT count(*) FROM channels_begun WHERE channel_id = %s AND at > %s",
        [channel_id, now - DAY],
    )
    return int(rows[0][0])
