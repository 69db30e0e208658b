"""Pools: their rules, and what can be changed, archived and deleted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from clarion.accounts.models import AuditEntry
from clarion.codes import batches, issuing, pools, signals
from clarion.codes.errors import CodeError
from clarion.codes.models import Code, CodePool
from clarion.contacts.models import Contact
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


@contextmanager
def needed() -> Iterator[None]:
    def answer(pool: CodePool, **_: object) -> list[str]:
        return ["broadcast 12"]

    signals.needed.connect(answer)
    try:
        yield
    finally:
        signals.needed.disconnect(answer)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "S", "pattern": "Ä"}, "pattern"),
        ({"name": "S", "uses": 0}, "used"),
        ({"name": "S", "low_at": -1}, "between"),
        ({"name": "S", "top_up": 5}, "pattern"),
        ({"name": "S", "pattern": "####????", "top_up": 5}, "topped up"),
        ({"name": "S", "valid_from": clock.now(), "valid_until": clock.from_us(1)}, "dates"),
    ],
)
def test_rules_that_cannot_be(rules: dict[str, object], problem: str) -> None:
    with pytest.raises(CodeError, match=problem):
        pools.create(pools.Rules(**rules), by=BY)  # type: ignore[arg-type]
    assert not CodePool.objects.exists()


def test_change_and_audit() -> None:
    pool = pools.create(pools.Rules(name="Spring", pattern="s-####"), by=BY)
    assert pool.pattern == "S-####"
    until = clock.now() + timedelta(days=3)
    pools.update(pool, pools.Rules(name="Spring sale", pattern="S-####", valid_until=until), by=BY)
    pool.refresh_from_db()
    assert pool.name == "Spring sale"
    entry = AuditEntry.objects.get(action="codes.update")
    assert entry.detail["name"] == ["Spring", "Spring sale"]
    pools.update(pool, pools.Rules.of(pool), by=BY)
    assert AuditEntry.objects.filter(action="codes.update").count() == 1


def test_two_of_one_name() -> None:
    pools.create(pools.Rules(name="Spring"), by=BY)
    with pytest.raises(CodeError, match="already"):
        pools.create(pools.Rules(name=" Spring "), by=BY)
    assert pools.find_pool("Spring").name == "Spring"
    with pytest.raises(CodeError, match="Choose one of: Spring"):
        pools.find_pool("Summer")


def test_only_codes_that_nobody_got_are_deleted() -> None:
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????"), by=BY)
    batches.carry_out(batches.order_codes(pool, 3, by=BY))
    anna = Contact.objects.create(name="Anna").pk
    issuing.issue(pool.pk, 7, [(anna, 0)])
    with pytest.raises(CodeError, match="Archive"):
        pools.delete(pool, by=BY)
    issuing.give_back(7, [anna])
    with needed(), pytest.raises(CodeError, match="broadcast 12"):
        pools.delete(pool, by=BY)
    with needed(), pytest.raises(CodeError, match="broadcast 12"):
        pools.archive(pool, by=BY)
    pools.delete(pool, by=BY)
    assert not Code.objects.exists()
    with pytest.raises(CodeError, match="already"):
        pools.delete(pool, by=BY)


def test_archived_and_restored() -> None:
    pool = pools.create(pools.Rules(name="Spring"), by=BY)
    pools.archive(pool, by=BY)
    pool.refresh_from_db()
    assert "archived" in pools.why_not_issued(pool)
    pools.restore(pool, by=BY)
    pool.refresh_from_db()
    assert pools.why_not_issued(pool) == ""


def test_a_sample_is_no_code_of_the_pool() -> None:
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????"), by=BY)
    assert pools.sample(pool).startswith("S-")
    assert pools.sample(pools.create(pools.Rules(name="Own"), by=BY)) == "SAMPLE-CODE"
    assert not Code.objects.exists()
