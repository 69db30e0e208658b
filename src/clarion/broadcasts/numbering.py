"""№: broadcasts are counted as they are sent: 1, 2, 3 …

The number is taken in the transaction in which the sending begins, from a row that is locked until
that transaction ends: so there are no gaps, whatever is rolled back and however many workers there
are. See docs/decisions/0031-numbers.md.
"""

from clarion.broadcasts.models import Broadcast
from clarion.kit import db

_ONLY = 1  # the id of the one row


def lock() -> None:
    """Make others that need a number wait until this transaction ends.

    For a transaction that locks broadcasts before it knows whether it needs a number.
    """
    db.execute(
        "INSERT INTO broadcasts_numbering (id, last) VALUES (%s, 0) "
        "ON CONFLICT (id) DO UPDATE SET last = broadcasts_numbering.last",
        [_ONLY],
    )


def give_number(broadcast: Broadcast) -> None:
    """Give a broadcast the next №, if it has none. To be called in the transaction that sends it.

    Singles, which are sent to one contact, are not counted. The object given is updated.
    """
    if broadcast.type == Broadcast.Type.SINGLE:
        return
    unnumbered = Broadcast.objects.select_for_update().filter(pk=broadcast.pk, number=None)
    if unnumbered.exists():
        ((number,),) = db.fetch(
            "INSERT INTO broadcasts_numbering (id, last) VALUES (%s, 1) "
            "ON CONFLICT (id) DO UPDATE SET last = broadcasts_numbering.last + 1 RETURNING last",
            [_ONLY],
        )
        unnumbered.update(number=number)
    broadcast.refresh_from_db(fields=["number"])
