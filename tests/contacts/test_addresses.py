"""The states of an address, whatever the order in which news of it comes."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.contacts.addresses import heard_from, mark, mark_value
from clarion.contacts.models import Address
from clarion.contacts.signals import address_stopped
from clarion.contacts.states import CHOOSABLE
from support import factory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STATES = list(CHOOSABLE)


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def address() -> Address:
    return factory.people(factory.channel(), 1)[0]


@pytest.fixture
def stops() -> Any:
    heard: list[tuple[int, str]] = []

    def receive(address_id: int, state: str, at: datetime, **_: Any) -> None:
        assert at.tzinfo is not None
        heard.append((address_id, state))

    address_stopped.connect(receive)
    yield heard
    address_stopped.disconnect(receive)


def state(address: Address) -> str:
    address.refresh_from_db()
    return address.state


# before -> after, for an event that is later than the state it meets
LATER = {
    ("active", "opted_out"), ("active", "blocked"), ("active", "deactivated"),
    ("active", "unreachable"),
    ("opted_out", "active"), ("blocked", "active"), ("deactivated", "active"),
    ("unreachable", "active"),
    ("blocked", "opted_out"), ("deactivated", "opted_out"), ("unreachable", "opted_out"),
    ("unreachable", "blocked"), ("unreachable", "deactivated"), ("blocked", "deactivated"),
}  # fmt: skip
EARLIER = {
    ("blocked", "opted_out"), ("deactivated", "opted_out"), ("unreachable", "opted_out"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_every_pair(address: Address, stops: list[Any], before: str, after: str) -> None:
    for minutes, moves in ((1, LATER), (-1, EARLIER)):
        Address.objects.update(state=before, state_at=NOON)
        stops.clear()
        moved = mark(address.pk, after, later(minutes))
        assert moved == ((before, after) in moves)
        assert state(address) == (after if moved else before)
        assert address.state_at == (later(minutes) if moved else NOON)
        assert stops == ([(address.pk, after)] if moved and before == "active" else [])


def test_the_order_of_news_does_not_matter(address: Address) -> None:
    events = [("blocked", later(0)), ("active", later(1)), ("opted_out", later(2))]
    for order in permutations(events):
        Address.objects.update(state="active", state_at=None)
        for event in order:
            mark(address.pk, *event)
        assert state(address) == "opted_out"


def test_news_twice_is_news_once(address: Address, stops: list[Any]) -> None:
    assert mark(address.pk, "blocked", NOON)
    assert not mark(address.pk, "blocked", NOON)
    assert len(stops) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("active", "active"),
        ("blocked", "active"),
        ("deactivated", "active"),
        ("unreachable", "active"),
        ("opted_out", "opted_out"),
    ],
)
def test_who_writes_to_us_can_be_reached(address: Address, before: str, after: str) -> None:
    Address.objects.update(state=before, state_at=NOON)
    heard_from(address.pk, later(1))
    assert state(address) == after


def test_a_message_from_before_the_block_lifts_nothing(address: Address) -> None:
    mark(address.pk, "blocked", NOON)
    assert not heard_from(address.pk, later(-1))
    assert state(address) == "blocked"


def test_by_the_providers_user_id(address: Address) -> None:
    other = factory.people(factory.channel("other"), 1)[0]
    assert mark_value(address.channel, address.value, "blocked", NOON)
    assert not mark_value(address.channel, "nobody", "blocked", NOON)
    assert (state(address), state(other)) == ("blocked", "active")


def test_what_an_agent_does_is_in_the_audit_log(address: Address) -> None:
    mark(address.pk, "opted_out", NOON, by=factory.agent())
    entry = AuditEntry.objects.get(action="address.mark")
    assert (entry.actor, entry.subject) == ("Ada", f"address {address.pk}")


def test_an_address_that_is_gone(stops: list[Any]) -> None:
    assert not mark(987654321, "blocked", NOON)
    assert stops == []


def wrote(address: Address) -> tuple[bool, datetime | None]:
    address.refresh_from_db()
    return address.has_written, address.wrote_at


def test_an_address_knows_that_it_wrote_and_when_the_last_time(address: Address) -> None:
    Address.objects.update(has_written=False)
    heard_from(address.pk, NOON)
    heard_from(address.pk, later(-1))
    assert wrote(address) == (True, NOON)
    heard_from(address.pk, later(1))
    assert wrote(address) == (True, later(1))


def test_who_lets_us_through_again_has_begun_a_chat(address: Address) -> None:
    Address.objects.update(has_written=False)
    mark_value(address.channel, address.value, "blocked", NOON)
    assert wrote(address) == (False, None)
    mark_value(address.channel, address.value, "reachable", later(1))
    assert wrote(address) == (True, None)
    assert state(address) == "active"
