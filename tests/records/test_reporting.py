"""Which channels report what became of a message."""

import pytest

from clarion.kit import clock
from clarion.records.models import Receipt
from clarion.records.reporting import receipts_of
from support import factory

pytestmark = pytest.mark.django_db


def test_a_channel_reports_from_its_first_receipt_on() -> None:
    shop, silent = factory.channel("Shop"), factory.channel("Silent")
    delivery = factory.delivery(factory.broadcast(), factory.address(shop, "u1"))
    nothing: frozenset[str] = frozenset()
    assert receipts_of([shop, silent]) == {shop.pk: nothing, silent.pk: nothing}

    Receipt.objects.create(
        channel=shop, delivery=delivery, external_id="x1", status="delivered",
        at=clock.now(), received_at=clock.now(),
    )  # fmt: skip

    told = receipts_of([shop, silent])
    assert {"delivered", "read"} <= told[shop.pk]
    assert told[silent.pk] == nothing
    assert receipts_of([]) == {}
