"""A broadcast as a whole through the simulated Send API: receipts by watermark, echoes, faults."""

from collections.abc import Iterator

import pytest

from channels.direct import ACCOUNT
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine.models import DropCount
from clarion.records.models import Delivery
from crash.rehearsal import Provider, wait_completed
from support import factory
from support.processes import Processes
from support.programs import listening
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "0123456789abcdef0123456789abcdef"
PEOPLE = 30


@pytest.fixture
def hooks(database_url: str) -> Iterator[str]:
    """The URL at which callbacks arrive."""
    with listening() as url:
        yield url


@pytest.mark.parametrize("kind", ["messenger", "instagram"])
def test_everybody_within_the_window_is_reached_and_has_read_it(
    processes: Processes, engine: None, hooks: str, kind: str
) -> None:
    url = f"{hooks}/hooks/shop/"
    provider = Provider(processes, callback_url=url, callback_secret=SECRET, read=100, throttle=10)
    channel: Channel = factory.channel(
        "shop", kind, account_id=ACCOUNT, token=f"EAAtest.{ACCOUNT}", app_secret=SECRET,
        api_root=f"{provider.url}/{kind}/v26.0", allow_private=True,
    )  # fmt: skip
    factory.people(channel, PEOPLE, prefix="60421")
    for value, mark in (("604210", "10"), ("604211", "blocked")):
        Address.objects.filter(value=value).update(value=f"{value}!{mark}")
    factory.address(channel, "99999", wrote_at=None)

    broadcast = factory.sending([channel], text="Hello {{ contact.name | default('friend') }}")
    expected = {"read": PEOPLE - 2, "failed": 2, "skipped": 1}
    eventually(lambda: factory.states(broadcast) == expected, timeout=120)
    wait_completed(broadcast, 60)

    accepted = provider.accepted()
    assert set(accepted.values()) == {1}, "somebody got it twice"
    assert len(accepted) == PEOPLE - 2
    outside = Delivery.objects.get(address__value="604210!10")
    assert outside.reason is not None
    assert outside.reason.text.startswith("More than 24 hours")
    assert Address.objects.get(value="604211!blocked").state == "unreachable"
    echoes = DropCount.objects.filter(reason__contains="echo").values_list("count", flat=True)
    assert sum(echoes) == (PEOPLE - 2 if kind == "instagram" else 0)
    assert reconcile(broadcast.pk).ok
