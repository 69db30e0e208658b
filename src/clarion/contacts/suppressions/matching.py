"""Which addresses an entry of the suppression list fits, found in sets.

Each address that an entry fits refers to it (``Address.suppression``), so that the audience and the
claim need not look at the list. What keeps that true:

- An entry is committed first and applied to the addresses after it, in short transactions. Until it
  is applied, the claim compares what it has claimed with such entries (``pending_among``): an entry
  takes effect with its own commit.
- Whoever writes addresses holds the list still first (``hold_still``), then compares what was
  written with the whole list (``check``). So an entry is either seen by them, or sees them.
"""

from collections.abc import Iterable, Sequence

from clarion.contacts.models import Address, Suppression
from clarion.contacts.signals import addresses_suppressed
from clarion.kit import clock, db

SPAN = 50_000  # address ids that are compared with patterns at once
CHUNK = 2_000  # addresses or entries of one transaction
PATIENCE = 60 * clock.SECOND
_PENDING = "s.applied_at IS NULL AND s.removed_at IS NULL"
_VALID = "s.removed_at IS NULL"
ANY_PENDING = "EXISTS (SELECT 1 FROM contacts_suppression s WHERE s.applied_at IS NULL)"
_Match = tuple[int, int]  # an address, and the entry that fits it


def hold_still() -> bool:
    """Let nobody add an entry until this transaction has ended; return whether there is any entry.

    To be called before addresses are written, and before any of their rows is locked.
    """
    db.lock_for_reading("contacts_suppression")
    return bool(db.fetch("SELECT 1 FROM contacts_suppression LIMIT 1"))


def wait_to_add() -> None:
    """Wait until nobody holds the list still. Before rows of addresses are locked in a transaction
    that adds entries: those who hold it may wait for these rows.
    """
    db.lock_for_adding("contacts_suppression")


def check(address_ids: Iterable[int]) -> int:
    """Compare addresses just written, or joined, with the whole list; return how many it fits.

    In the transaction that has called ``hold_still``. At most some ten thousand.
    """
    return _refer(_fitting(address_ids, _VALID))


def pending_among(address_ids: Iterable[int]) -> set[int]:
    """Which of these few addresses fit an entry that is not applied yet."""
    return {address for address, _ in _fitting(address_ids, _PENDING)}


def apply_pending() -> int:
    """Let addresses refer to the entries that fit them and are not applied; return how many do.

    It may be called at any time, by any number of processes, and repeated after a crash.
    """
    count = 0
    while entries := _pending_ids("s.match = 'address'", CHUNK):
        count += _refer_in_chunks(_fitting_addresses(entries))
        _set_applied(entries)
    if patterns := _pending_ids("s.match <> 'address'", CHUNK):
        for span in _spans():
            count += _refer_in_chunks(_fitting_patterns(span, patterns))
        _set_applied(patterns)
    return count


def release_removed() -> int:
    """Let go of the addresses of removed entries, and delete these; return how many entries.

    An address that another entry fits stays on the list by that one.
    """
    removed = list(
        Suppression.objects.filter(removed_at__isnull=False).values_list("pk", flat=True)[:CHUNK]
    )
    if not removed:
        return 0
    packed = db.json_param([key] for key in removed)
    still_removed = (
        f"SELECT s.id FROM contacts_suppression s WHERE s.id {db.in_list()} "
        "AND s.removed_at IS NOT NULL"
    )
    while True:
        with db.write():
            hold_still()
            addresses = db.fetch(
                "SELECT id FROM contacts_address WHERE suppression_id "
                f"{db.in_subquery(still_removed)} ORDER BY id LIMIT {CHUNK}{db.for_update()}",
                [packed],
            )
            ids = [row[0] for row in addresses]
            db.execute(
                f"UPDATE contacts_address SET suppression_id = NULL WHERE id {db.in_list()}",
                [db.json_param([key] for key in ids)],
            )
            check(ids)
        if len(ids) < CHUNK:
            break
    # Alone: whoever deletes entries waits for those who hold the list still.
    # One that was added again meanwhile stays.
    return db.execute(
        f"DELETE FROM contacts_suppression WHERE id {db.in_subquery(still_removed)}", [packed]
    )


def finish_interrupted() -> None:
    """Apply and release what a process began and did not finish within a minute."""
    before = clock.from_us(db.now_us() - PATIENCE)
    if Suppression.objects.filter(applied_at=None, created_at__lt=before).exists():
        apply_pending()
    if Suppression.objects.filter(removed_at__lt=before).exists():
        release_removed()


def _pending_ids(condition: str, limit: int) -> list[int]:
    return [
        row[0]
        for row in db.fetch(
            f"SELECT s.id FROM contacts_suppression s WHERE {_PENDING} AND {condition} "
            f"ORDER BY s.id LIMIT {limit}"
        )
    ]


def _set_applied(entries: Sequence[int]) -> None:
    db.execute(
        f"UPDATE contacts_suppression SET applied_at = %s WHERE id {db.in_list()}",
        [db.now_us(), db.json_param([key] for key in entries)],
    )


def _spans() -> Iterable[tuple[int, int]]:
    """Spans of ids, each from an id that there is: what was deleted between them costs nothing."""
    query, first = "SELECT min(id) FROM contacts_address WHERE id >= %s", 1
    while (first := db.fetch(query, [first])[0][0]) is not None:
        yield first, first + SPAN - 1
        first += SPAN


def _lengths(condition: str, params: Sequence[object] = ()) -> list[tuple[str, int]]:
    """How long the patterns are that hold: each length is compared by one condition."""
    rows = db.fetch(
        "SELECT DISTINCT s.match, length(s.value) FROM contacts_suppression s "
        f"WHERE s.match <> 'address' AND {condition}",
        params,
    )
    return sorted((match, length) for match, length in rows)


def _part(match: str, length: int) -> str:
    """SQL: the part of an address “a” that a pattern of this length is compared with."""
    if match == Suppression.Match.BEGINS:
        return f"substr(a.value, 1, {length})"
    return f"substr(a.value, length(a.value) - {length} + 1)"


def _fitting(address_ids: Iterable[int], condition: str) -> list[_Match]:
    """The entries that fit these addresses, by any of their user ids; one for each address."""
    packed = db.json_param([key] for key in sorted(set(address_ids)))
    ids = f"{db.json_table([('id', 'int')])} " + db.lateral_join(
        "contacts_address", "a", "a.id = v.id OR a.alias_of_id = v.id"
    )
    kind = "(SELECT c.kind FROM channels_channel c WHERE c.id = a.channel_id)"
    comparisons = [("address", "a.value")]
    comparisons += [(match, _part(match, length)) for match, length in _lengths(condition)]
    select = " UNION ALL ".join(
        f"SELECT v.id AS address_id, s.id AS entry FROM {ids} "
        + db.lateral_join(
            "contacts_suppression",
            "s",
            f"s.value = {value} AND s.kind = {kind} AND s.match = '{match}' AND {condition}",
        )
        for match, value in comparisons
    )
    return db.fetch(
        f"SELECT address_id, min(entry) FROM ({select}) q GROUP BY address_id ORDER BY address_id",
        [packed] * len(comparisons),
    )


def _fitting_addresses(entries: Sequence[int]) -> list[_Match]:
    """The addresses that these entries name, in every channel of their kind."""
    addresses = db.lateral_join(
        "contacts_address", "a", "a.channel_id = c.id AND a.value = s.value"
    )
    return db.fetch(
        "SELECT COALESCE(a.alias_of_id, a.id), min(s.id) "
        f"FROM contacts_suppression s CROSS JOIN channels_channel c {addresses} "
        f"WHERE s.id {db.in_list()} AND c.kind = s.kind GROUP BY 1 ORDER BY 1",
        [db.json_param([key] for key in entries)],
    )


def _fitting_patterns(span: tuple[int, int], patterns: Sequence[int]) -> list[_Match]:
    """The addresses of a span of ids that these patterns fit."""
    packed = db.json_param([key] for key in patterns)
    chosen = f"s.id {db.in_list()}"
    lengths = _lengths(chosen, [packed])
    select = " UNION ALL ".join(
        "SELECT COALESCE(a.alias_of_id, a.id) AS address_id, s.id AS entry "
        "FROM contacts_address a JOIN channels_channel c ON c.id = a.channel_id "
        f"JOIN contacts_suppression s ON s.value = {_part(match, length)} AND s.kind = c.kind "
        f"AND s.match = '{match}' AND {chosen} WHERE a.id BETWEEN %s AND %s"
        for match, length in lengths
    )
    return db.fetch(
        f"SELECT address_id, min(entry) FROM ({select}) q GROUP BY address_id ORDER BY address_id",
        [value for _ in lengths for value in (packed, *span)],
    )


def _refer_in_chunks(matches: Sequence[_Match]) -> int:
    count = 0
    for first in range(0, len(matches), CHUNK):
        with db.write():
            count += _refer(matches[first : first + CHUNK])
    return count


def _refer(matches: Sequence[_Match]) -> int:
    """Let these addresses refer to their entries, unless they refer to one; return how many."""
    if not matches:
        return 0
    ids = db.json_param([address] for address, _ in matches)
    db.lock_in_order(
        f"SELECT a.id FROM {db.json_table([('id', 'int')])} "
        "JOIN contacts_address a ON a.id = v.id ORDER BY a.id",
        [ids],
        of="a",
    )
    rows = db.fetch(
        "UPDATE contacts_address AS a SET suppression_id = v.entry "
        f"FROM {db.json_table([('id', 'int'), ('entry', 'int')])} "
        f"WHERE a.id = v.id AND a.suppression_id IS NULL {db.returning('a', 'id')}",
        [db.json_param(matches)],
    )
    if rows:
        addresses_suppressed.send(Address, address_ids=[row[0] for row in rows], at=clock.now())
    return len(rows)
