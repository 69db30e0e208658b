"""Redeeming: validity, uses, holder, once per key, undone, and at two tills at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from clarion.codes import batches, issuing, pools, redeeming, stock
from clarion.codes.errors import CodeError, RedeemError
from clarion.codes.models import Code, CodePool, Redemption
from clarion.contacts.models import Contact
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


def issued(**rules: object) -> tuple[str, int]:
    """A code, and the contact who has it."""
    pool = pools.create(
        pools.Rules(name="Spring", pattern="S-####-????", **rules),  # type: ignore[arg-type]
        by=BY,
    )
    batches.carry_out(batches.order_codes(pool, 3, by=BY))
    anna = Contact.objects.create(name="Anna").pk
    return issuing.issue(pool.pk, 7, [(anna, 0)]).codes[anna, 0], anna


def refused(code: str, **facts: object) -> str:
    with pytest.raises(RedeemError) as caught:
        redeeming.redeem(code, by=BY, **facts)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")
    return caught.value.why


def test_once() -> None:
    code, _ = issued()
    redemption = redeeming.redeem(f" {code.lower()} ", by=BY, note="till 3")
    assert (redemption.code.code, redemption.by, redemption.note) == (code, BY, "till 3")
    assert refused(code) == "used_up"
    assert refused("NO-SUCH") == "unknown"
    assert refused("x" * 5_000) == "unknown"
    assert refused("a\x00b") == "unknown"


def test_several_times_and_any_number() -> None:
    code, _ = issued(uses=2)
    redeeming.redeem(code, by=BY)
    redeeming.redeem(code, by=BY)
    assert refused(code) == "used_up"
    CodePool.objects.update(uses=None)
    for _ in range(3):
        redeeming.redeem(code, by=BY)
    assert Code.objects.get(code=code).redeemed == 5


def test_dates() -> None:
    now = clock.now()
    code, _ = issued(valid_from=now + timedelta(days=1))
    assert refused(code) == "not_yet_valid"
    CodePool.objects.update(valid_from=None, valid_until=now)
    assert refused(code) == "expired"


def test_the_holder_only() -> None:
    code, anna = issued(holder_only=True)
    other = Contact.objects.create(name="Ben").pk
    assert refused(code) == "holder_missing"
    assert refused(code, contact_id=other) == "not_holder"
    free = Code.objects.filter(issued_at=None).first()
    assert free is not None
    assert refused(free.code, contact_id=anna) == "not_issued"
    assert redeeming.redeem(code, by=BY, contact_id=anna).contact_id == anna


def test_the_same_key_redeems_once() -> None:
    code, _ = issued(uses=None)
    first = redeeming.redeem(code, by=BY, key="order-1")
    assert redeeming.redeem(code, by=BY, key="order-1") == first
    assert Code.objects.get(code=code).redeemed == 1
    other = Code.objects.exclude(code=code).first()
    assert other is not None
    with pytest.raises(CodeError, match="another code"):
        redeeming.redeem(other.code, by=BY, key="order-1")


@pytest.mark.django_db(transaction=True)
def test_one_key_for_two_codes_at_the_same_moment_redeems_one() -> None:
    code, _ = issued()
    other = Code.objects.exclude(code=code)[0].code
    gate, results = threading.Barrier(2), []

    def till(text: str) -> None:
        try:
            gate.wait()
            redeeming.redeem(text, by=BY, key="order-1")
            results.append("done")
        except CodeError as error:
            results.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=till, args=(text,)) for text in (code, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [
        "This key was used for another code. Use a new key for each use.",
        "done",
    ]
    assert Redemption.objects.count() == 1


def test_undone_it_can_be_used_again_and_stays_on_record() -> None:
    code, _ = issued()
    first = redeeming.redeem(code, by=BY)
    redeeming.undo(first, by=BY)
    with pytest.raises(CodeError, match="already"):
        redeeming.undo(first, by=BY)
    redeeming.redeem(code, by=BY)
    assert Code.objects.get(code=code).redeemed == 1
    assert Redemption.objects.count() == 2


def test_the_numbers() -> None:
    code, _ = issued()
    redeeming.redeem(code, by=BY)
    pool = CodePool.objects.get()
    numbers = stock.numbers([pool])[pool.pk]
    assert (numbers.total, numbers.issued, numbers.free, numbers.redeemed) == (3, 1, 2, 1)
    assert numbers.rate == 1.0
    assert stock.numbers_of_chains([7])[7] == stock.Numbers(1, 1, 1)
    assert stock.numbers_of_chains([8])[8].rate is None


@pytest.mark.django_db(transaction=True)
def test_two_tills_at_the_same_moment_redeem_it_once() -> None:
    code, _ = issued()
    gate, results = threading.Barrier(4), []

    def till() -> None:
        try:
            gate.wait()
            redeeming.redeem(code, by=BY)
            results.append("done")
        except RedeemError as error:
            results.append(error.why)
        finally:
            connection.close()

    threads = [threading.Thread(target=till) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "used_up", "used_up", "used_up"]
    assert Redemption.objects.count() == 1
