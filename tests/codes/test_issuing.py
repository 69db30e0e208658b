"""Issuing: one contact, one chain, one code, whoever asks and however often."""

import threading

import pytest
from django.db import connection

from clarion.codes import batches, issuing, pools, redeeming, stock
from clarion.codes.models import Code, CodePool
from clarion.contacts import merging
from clarion.contacts.models import Contact
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


def pool(count: int = 10, **rules: object) -> CodePool:
    made = pools.create(
        pools.Rules(name="Spring", pattern="S-####-????", **rules),  # type: ignore[arg-type]
        by=BY,
    )
    if count:
        batches.carry_out(batches.order_codes(made, count, by=BY))
    return made


def contacts(count: int) -> list[int]:
    return [Contact.objects.create(name=str(n)).pk for n in range(count)]


def test_everybody_gets_another_one_and_the_same_again() -> None:
    spring, people = pool(), contacts(4)
    first = issuing.issue(spring.pk, 7, [(one, 0) for one in people])
    assert len(set(first.codes.values())) == 4
    assert not first.reason
    assert issuing.issue(spring.pk, 7, [(one, 0) for one in people]) == first


def test_another_chain_or_occurrence_has_codes_of_its_own() -> None:
    spring, (anna, *_) = pool(), contacts(1)
    codes = {
        issuing.issue(spring.pk, chain, [(anna, occurrence)]).codes[anna, occurrence]
        for chain, occurrence in [(7, 0), (8, 0), (8, 1)]
    }
    assert len(codes) == 3


def test_out_of_stock_says_so_and_gives_what_there_is() -> None:
    spring, people = pool(2), contacts(3)
    issued = issuing.issue(spring.pk, 7, [(one, 0) for one in people])
    assert len(issued.codes) == 2
    assert "no free codes left" in issued.reason
    assert not issued.may_wait


def test_a_pool_whose_pattern_is_full_lets_nobody_wait_for_more() -> None:
    full = pools.create(pools.Rules(name="Full", pattern="###?", low_at=1, top_up=50), by=BY)
    anna = contacts(1)[0]
    issued = issuing.issue(full.pk, 7, [(anna, 0)])
    assert "no free codes left" in issued.reason
    assert not issued.may_wait
    assert stock.top_up_low() == 0
    CodePool.objects.update(top_up=5)
    assert issuing.issue(full.pk, 7, [(anna, 0)]).may_wait
    assert stock.top_up_low() == 1


def test_a_code_given_back_returns_to_the_same_contact_while_it_is_free() -> None:
    spring, (anna, ben) = pool(1), contacts(2)
    code = issuing.issue(spring.pk, 7, [(anna, 0)]).codes[anna, 0]
    assert issuing.give_back(7, [anna]) == 1
    assert issuing.give_back(7, [anna]) == 0
    assert issuing.issue(spring.pk, 7, [(anna, 0)]).codes[anna, 0] == code
    issuing.give_back(7, [anna])
    assert issuing.issue(spring.pk, 7, [(ben, 0)]).codes[ben, 0] == code
    assert issuing.issue(spring.pk, 7, [(anna, 0)]).codes == {}


def test_a_redeemed_code_is_never_given_back() -> None:
    spring, (anna,) = pool(1), contacts(1)
    code = issuing.issue(spring.pk, 7, [(anna, 0)]).codes[anna, 0]
    redeeming.redeem(code, by=BY)
    assert issuing.give_back(7, [anna]) == 0


def test_an_expired_or_archived_pool_issues_nothing_new() -> None:
    spring, (anna, ben) = pool(5), contacts(2)
    held = issuing.issue(spring.pk, 7, [(anna, 0)])
    CodePool.objects.update(valid_until=clock.from_us(1))
    assert "expired" in issuing.issue(spring.pk, 7, [(anna, 0), (ben, 0)]).reason
    assert issuing.issue(spring.pk, 7, [(anna, 0)]) == held  # a retry sends what was issued
    CodePool.objects.update(valid_until=None, archived_at=clock.now())
    assert "archived" in issuing.issue(spring.pk, 7, [(ben, 0)]).reason


def test_merged_contacts_keep_one_code_each_chain_and_lose_none() -> None:
    spring, (anna, double) = pool(), contacts(2)
    ours = issuing.issue(spring.pk, 7, [(anna, 0), (double, 0)]).codes
    other = issuing.issue(spring.pk, 8, [(double, 0)]).codes[double, 0]
    merging.merge_contacts(anna, double)
    assert set(Code.objects.filter(contact=anna).values_list("code", flat=True)) == {
        ours[anna, 0],
        other,
    }
    assert Code.objects.get(code=ours[double, 0]).issued_at is not None
    assert issuing.issue(spring.pk, 7, [(anna, 0)]).codes[anna, 0] == ours[anna, 0]


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_share_a_code() -> None:
    spring, people = pool(200), contacts(40)
    results: list[dict[tuple[int, int], str]] = []
    gate = threading.Barrier(4)

    def worker(number: int) -> None:
        try:
            gate.wait()
            # Each contact is asked for by two of the four at the same time.
            for start in range(0, 40, 10):
                some = people[start : start + 10] if number % 2 else people[30 - start : 40 - start]
                results.append(issuing.issue(spring.pk, 7, [(one, 0) for one in some]).codes)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 16
    by_holder: dict[tuple[int, int], set[str]] = {}
    for codes in results:
        for holder, code in codes.items():
            by_holder.setdefault(holder, set()).add(code)
    assert len(by_holder) == 40
    assert all(len(codes) == 1 for codes in by_holder.values())
    assert len({code for codes in by_holder.values() for code in codes}) == 40
    assert Code.objects.filter(issued_at__isnull=False).count() == 40
