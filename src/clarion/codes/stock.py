"""What pools have left, and topping up those that run low."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q

from clarion.accounts import audit
from clarion.codes.batches import order_codes
from clarion.codes.models import CodeBatch, CodePool
from clarion.codes.pools import can_top_up
from clarion.kit import db


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many codes: in all, with contacts, and redeemed at least once."""

    total: int = 0
    issued: int = 0
    redeemed: int = 0

    @property
    def free(self) -> int:
        """Codes that nobody has."""
        return self.total - self.issued

    @property
    def rate(self) -> float | None:
        """The redemption rate: codes redeemed at least once ÷ issued; None before the first."""
        return self.redeemed / self.issued if self.issued else None


def numbers(pools: Iterable[CodePool]) -> dict[int, Numbers]:
    """The numbers of each pool, by its id."""
    totals = {pool.pk: pool.total for pool in pools}
    free = _count("c.issued_at IS NULL", totals)
    redeemed = _count("c.redeemed > 0", totals)
    return {
        pk: Numbers(total, total - free.get(pk, 0), redeemed.get(pk, 0))
        for pk, total in totals.items()
    }


def numbers_of_chains(chains: Iterable[int]) -> dict[int, Numbers]:
    """How many codes each chain of broadcasts has issued, and how many of them were redeemed."""
    numbers = dict.fromkeys(chains, Numbers())
    rows = db.fetch(
        "SELECT chain, count(*), sum(CASE WHEN redeemed > 0 THEN 1 ELSE 0 END) "
        f"FROM codes_code WHERE chain {db.in_list()} AND issued_at IS NOT NULL GROUP BY chain",
        [db.json_param([key] for key in numbers)],
    )
    for chain, issued, redeemed in rows:
        numbers[chain] = Numbers(int(issued), int(issued), int(redeemed))
    return numbers


def free_up_to(pool: CodePool, most: int) -> int:
    """How many free codes the pool has, counted no further than ``most``."""
    sql = "SELECT 1 FROM codes_code WHERE pool_id = %s AND issued_at IS NULL LIMIT %s"
    return int(db.fetch(f"SELECT count(*) FROM ({sql}) AS free", [pool.pk, most])[0][0])


def low_pools() -> list[CodePool]:
    """The pools in use that have fewer free codes than they should, by name."""
    watched = CodePool.objects.filter(archived_at=None, low_at__gt=0).order_by("name")
    return [pool for pool in watched if free_up_to(pool, pool.low_at) < pool.low_at]


def top_up_low() -> int:
    """Order codes for the low pools that are topped up by themselves; return for how many.

    One order at a time for each pool. A pattern that holds no more is left: its pool stays low.
    """
    ordered = 0
    waiting = set(
        CodeBatch.objects.filter(state__in=CodeBatch.OPEN).values_list("pool_id", flat=True)
    )
    for pool in CodePool.objects.filter(Q(archived_at=None), low_at__gt=0, top_up__gt=0):
        is_low = pool.pk not in waiting and free_up_to(pool, pool.low_at) < pool.low_at
        if is_low and can_top_up(pool):
            order_codes(pool, pool.top_up, by=audit.WORKER)
            ordered += 1
    return ordered


def _count(condition: str, pools: Collection[int]) -> dict[int, int]:
    # One query for each pool: a partial index answers it without a look at the rows.
    sql = f"SELECT count(*) FROM codes_code c WHERE c.pool_id = %s AND {condition}"
    return {pk: int(db.fetch(sql, [pk])[0][0]) for pk in pools}
