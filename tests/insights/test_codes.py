"""Codes as contacts got them."""

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.codes import pools, redeeming
from clarion.codes.models import Code, CodePool
from clarion.codes.stock import Numbers
from clarion.contacts.models import Address
from clarion.insights.codes import codes_of_broadcast, codes_of_contact, numbers_of
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool() -> CodePool:
    return pools.create(pools.Rules(name="Spring", pattern="S-####"), by=factory.BY)


def issue(
    pool: CodePool, broadcast: Broadcast, to: Address, code: str, occurrence: int = 0
) -> Code:
    """A code of a contact, as one broadcast issues it."""
    return Code.objects.create(
        pool=pool, code=code, chain=broadcast.pk, contact_id=to.contact_id,
        occurrence=occurrence, issued_at=clock.now(),
    )  # fmt: skip


def test_who_has_which_code_and_when_it_was_redeemed(pool: CodePool) -> None:
    ada, bob = factory.people(factory.channel(), 2)
    spring = factory.broadcast("Spring")
    Broadcast.objects.update(code_pool=pool, started_at=clock.now())
    spring.refresh_from_db()
    restart = factory.broadcast("Again")
    Broadcast.objects.filter(pk=restart.pk).update(
        restart_of=spring, code_pool=pool, started_at=clock.now()
    )
    restart.refresh_from_db()
    issue(pool, spring, ada, "S-1")
    issue(pool, spring, bob, "S-2")
    issue(pool, spring, bob, "S-3", occurrence=1)
    Code.objects.create(pool=pool, code="S-4", chain=spring.pk, contact_id=ada.contact_id,
                        occurrence=2)  # fmt: skip
    first = redeeming.redeem("S-2", by=factory.BY)
    redeeming.undo(first, by=factory.BY)
    second = redeeming.redeem("S-2", by=factory.BY)

    (held,) = codes_of_contact(ada.contact_id)
    assert (held.code, held.pool, held.broadcast, held.redeemed_at) == (
        "S-1",
        "Spring",
        "Spring",
        None,
    )
    assert [row.code for row in codes_of_contact(bob.contact_id)] == ["S-3", "S-2"]
    page = codes_of_broadcast(restart, limit=2)
    following = codes_of_broadcast(restart, page.next_cursor, limit=2)
    assert [row.code for row in page.rows + following.rows] == ["S-1", "S-2", "S-3"]
    assert following.next_cursor is None
    (redeemed,) = codes_of_broadcast(spring, redeemed=True).rows
    assert (redeemed.code, redeemed.redeemed, redeemed.redeemed_at) == ("S-2", 1, second.at)
    assert redeemed.contact_id == bob.contact_id
    assert numbers_of([spring, restart, factory.broadcast("No codes")]) == {
        spring.pk: Numbers(3, 3, 1),
        restart.pk: Numbers(3, 3, 1),
    }
