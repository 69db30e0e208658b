"""Issuing codes: each contact gets one for a chain of broadcasts, and the same one each time.

FEATURES calls it publishing. The engine asks after each claim; what it asks twice has one answer.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction

from clarion.codes.models import CodePool
from clarion.codes.pools import can_top_up, why_not_issued
from clarion.kit import db

Holder = tuple[int, int]  # contact, occurrence
_HOLDER: Final = [("contact", "int"), ("occurrence", "int")]
_ISSUED: Final = [("id", "int"), *_HOLDER]
_ATTEMPTS = 5  # when other workers issue to the same contacts at the same moment


@dataclass(frozen=True, slots=True)
class Issued:
    """The code of each holder, and why some have none ("" when all have)."""

    codes: dict[Holder, str]
    reason: str = ""
    may_wait: bool = False  # the pool will be topped up


def issue(pool_id: int, chain: int, holders: Iterable[Holder]) -> Issued:
    """Issue a code of the pool to each holder who has none of this chain yet."""
    wanted = sorted(set(holders))
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return _issue(pool_id, chain, wanted)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def give_back(chain: int, contacts: Collection[int]) -> int:
    """Make the codes free again that these contacts got in this chain; return how many.

    To be called only for contacts whose message was certainly never sent.
    """
    return db.execute(
        f"UPDATE codes_code SET issued_at = NULL WHERE chain = %s AND contact_id {db.in_list()} "
        "AND issued_at IS NOT NULL AND redeemed = 0",
        [chain, db.json_param([contact] for contact in contacts)],
    )


def _issue(pool_id: int, chain: int, wanted: list[Holder]) -> Issued:
    rows = db.fetch(
        "SELECT c.id, c.code, c.contact_id, c.occurrence, c.issued_at IS NOT NULL "
        f"FROM {db.json_table(_HOLDER)} "
        + db.lateral_join(
            "codes_code",
            "c",
            f"c.chain = {int(chain)} AND c.contact_id = v.contact AND c.occurrence = v.occurrence",
        ),
        [db.json_param(wanted)],
    )
    codes = {(contact, occurrence): code for _, code, contact, occurrence, issued in rows if issued}
    pool = CodePool.objects.get(pk=pool_id)
    if len(codes) == len(wanted):
        return Issued(codes)
    if reason := why_not_issued(pool):
        return Issued(codes, reason)
    again = [(key, contact, occurrence) for key, _, contact, occurrence, had in rows if not had]
    codes |= _take(chain, again)  # what was theirs before, unless somebody else has it by now
    without = [holder for holder in wanted if holder not in codes]
    free = db.fetch(
        "SELECT id FROM codes_code WHERE pool_id = %s AND issued_at IS NULL "
        f"ORDER BY id LIMIT %s{db.skip_locked()}",
        [pool_id, len(without)],
    )
    codes |= _take(chain, [(row[0], *to) for row, to in zip(free, without, strict=False)])
    if len(codes) == len(wanted):
        return Issued(codes)
    reason = (
        f"The code pool “{pool.name}” has no free codes left. Add codes to it, then resume the "
        "broadcast."
    )
    return Issued(codes, reason, may_wait=can_top_up(pool))


def _take(chain: int, rows: list[tuple[int, int, int]]) -> dict[Holder, str]:
    """Give these free codes to these holders; what is not free any more is left out."""
    if not rows:
        return {}
    issued = db.fetch(
        "UPDATE codes_code AS c SET chain = %s, contact_id = v.contact, "
        "occurrence = v.occurrence, issued_at = %s "
        f"FROM {db.json_table(_ISSUED)} WHERE c.id = v.id AND c.issued_at IS NULL "
        + db.returning("c", "code", "contact_id", "occurrence"),
        [chain, db.now_us(), db.json_param(rows)],
    )
    return {(contact, occurrence): code for code, contact, occurrence in issued}
