"""The 24-hour window of providers: who is outside it drops out, and is counted."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import singles
from clarion.broadcasts.audience import summary, summary_of
from clarion.broadcasts.query import Audience
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from clarion.channels.recipients import window_hours
from clarion.channels.registry import KINDS
from clarion.contacts.addresses import heard_from
from clarion.contacts.identities import join
from clarion.contacts.models import Address
from clarion.kit import clock
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TEMPLATE = {
    "data_type": "template",
    "template": {"name": "spring", "language": "en", "variables": []},
}


@pytest.fixture
def channel() -> Channel:
    return factory.channel("wa", "whatsapp", phone_number_id="1", token="EAA", app_secret="s")


def wrote(channel: Channel, value: str, ago: timedelta | None, **fields: Any) -> Address:
    at = None if ago is None else clock.now() - ago
    return factory.address(channel, value, f"Person {value}", wrote_at=at, **fields)


def dropped(channel: Channel, *, quick: bool = False, **fields: Any) -> dict[str, int]:
    return summary(Audience(kind="all", **fields), [channel], quick=quick).dropped


def test_who_last_wrote_earlier_or_nobody_knows_when_is_outside(channel: Channel) -> None:
    wrote(channel, "1", 23 * HOUR)
    wrote(channel, "2", 25 * HOUR)
    wrote(channel, "3", None)  # imported: has written, at a time that is not known
    wrote(channel, "4", None, has_written=False)
    wrote(channel, "5", 25 * HOUR, state="blocked")
    expected = {"blocked": 1, "not_written": 1, "outside_window": 2}
    assert dropped(channel) == expected
    assert dropped(channel, quick=True) == expected


def test_channels_without_a_window_send_at_any_time(channel: Channel) -> None:
    bot = factory.channel("bot", "telegram")
    wrote(bot, "1", 300 * HOUR)
    wrote(channel, "2", 300 * HOUR)
    counted = summary(Audience(kind="all"), [bot, channel])
    assert counted.by_channel == {bot.pk: 1, channel.pk: 0}
    assert counted.dropped == {"outside_window": 1}


def test_templates_are_sent_at_any_time(channel: Channel) -> None:
    wrote(channel, "1", 300 * HOUR)
    assert summary_of(factory.draft([channel], **TEMPLATE)).total == 1  # type: ignore[union-attr]
    assert summary_of(factory.draft([channel])).total == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(("demand", "left_out"), [(None, 1), (True, 1), (False, 0)])
def test_a_channel_set_to_all_contacts_ignores_it(
    channel: Channel, demand: bool | None, left_out: int
) -> None:
    wrote(channel, "1", 300 * HOUR)
    update_channel(channel, only_written=demand, by=factory.BY)
    assert dropped(channel).get("outside_window", 0) == left_out
    assert window_hours(channel, "message") == (24 if left_out else None)
    assert window_hours(channel, "template") is None


def test_a_scheduled_broadcast_is_counted_as_of_its_start(channel: Channel) -> None:
    wrote(channel, "1", 2 * HOUR)
    wrote(channel, "2", 20 * HOUR)
    draft = factory.draft([channel], scheduled_at=clock.now() + 5 * HOUR)
    counted = summary_of(draft)
    assert counted is not None
    assert (counted.total, counted.dropped) == (1, {"outside_window": 1})
    assert dropped(channel) == {}  # as of now


def test_what_is_counted_is_what_is_written(channel: Channel) -> None:
    wrote(channel, "1", HOUR)
    late = wrote(channel, "2", 25 * HOUR)
    broadcast = factory.sending([channel])
    assert factory.states(broadcast) == {"queued": 1, "skipped": 1}
    skipped = Delivery.objects.select_related("reason").get(address=late)
    assert skipped.reason is not None
    assert skipped.reason.text.startswith("More than 24 hours have passed since the contact last")


def test_writing_again_opens_it_also_under_another_id(channel: Channel) -> None:
    late = wrote(channel, "49151", 25 * HOUR)
    assert dropped(channel) == {"outside_window": 1}
    heard_from(late.pk, clock.now() - 2 * HOUR)
    heard_from(late.pk, clock.now() - 30 * HOUR)  # delivered late: changes nothing
    assert dropped(channel) == {}
    wrote(channel, "49152", 40 * HOUR)
    join(channel, ["49151", "49152"])
    counted = summary(Audience(kind="all"), [channel])
    assert (counted.total, counted.dropped) == (1, {})


def test_a_message_to_one_contact_alone_is_sent_as_it_is_asked_for(channel: Channel) -> None:
    late = wrote(channel, "1", 25 * HOUR)
    single = singles.send_single(late, by=factory.agent(), text="Hello")
    assert factory.states(single) == {"queued": 1}


def test_a_kind_with_a_window_demands_that_people_write_first() -> None:
    assert [kind.kind for kind in KINDS.values() if kind.limits.window] != []
    assert all(kind.limits.written_first for kind in KINDS.values() if kind.limits.window)
