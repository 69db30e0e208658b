"""Templates keep to the people a provider lets a channel begin a conversation with in a day."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from channels.whatsapp.fixtures import CASE
from clarion.broadcasts.models import Broadcast
from clarion.channels import day_limits
from clarion.channels.condition import ChannelCondition, condition
from clarion.channels.manage import end_wait
from clarion.channels.models import Begun, Channel
from clarion.contacts.models import Address
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.snapshot import take
from clarion.kit import clock, db
from support import factory

LONG_AGO = timedelta(hours=30)


def shop(limit: str = "250") -> Channel:
    return factory.channel("shop", "whatsapp", **CASE.settings, messaging_limit=limit)


def people(channel: Channel, count: int) -> list[Address]:
    """That many contacts, none of whom wrote lately."""
    made = factory.people(channel, count, prefix="4915")
    Address.objects.update(wrote_at=clock.now() - LONG_AGO)
    return made


def sending(channel: Channel, **fields: Any) -> Broadcast:
    template = {"name": "sale", "language": "en", "variables": []}
    usual = {"text": "", "data_type": "template", "template": template}
    return factory.sending([channel], **{**usual, **fields})


@pytest.mark.django_db
def test_no_more_people_are_claimed_than_the_limit_has_left() -> None:
    channel, worker = shop(), reap.register()
    people(channel, 5)
    sending(channel)

    assert len(claim(channel.pk, worker, 10, 3).messages) == 3
    after = claim(channel.pk, worker, 10, 3)
    assert after.messages == []

    channel.refresh_from_db()
    now = condition(channel)
    assert (now.state, now.is_blocked) == (ChannelCondition.WAITING, True)
    assert now.reason == "Its limit of 250 contacts in 24 hours is used up."
    assert now.until is not None
    assert timedelta(hours=23) < now.until - clock.now() < timedelta(hours=25)


@pytest.mark.django_db
def test_templates_are_sent_again_when_the_first_are_a_day_old() -> None:
    channel, worker = shop(), reap.register()
    people(channel, 4)
    sending(channel)
    assert len(claim(channel.pk, worker, 10, 2).messages) == 2
    assert claim(channel.pk, worker, 10, 2).messages == []

    Begun.objects.update(at=clock.now() - timedelta(hours=24))
    assert claim(channel.pk, worker, 10, 2).messages == []  # until the moment that was noted
    channel.refresh_from_db()
    end_wait(channel, by=factory.BY)
    assert len(claim(channel.pk, worker, 10, 2).messages) == 2
    assert Begun.objects.count() == 2  # those of yesterday are gone


@pytest.mark.django_db
def test_people_who_wrote_lately_do_not_count() -> None:
    channel, worker = shop(), reap.register()
    made = people(channel, 3)
    Address.objects.filter(pk=made[0].pk).update(wrote_at=clock.now())
    sending(channel)
    assert len(claim(channel.pk, worker, 10, 3).messages) == 3
    assert day_limits.begun(channel) == 2


@pytest.mark.django_db
def test_a_person_counts_once_however_many_templates_they_get() -> None:
    channel, worker = shop(), reap.register()
    people(channel, 2)
    sending(channel)
    sending(channel)
    assert len(claim(channel.pk, worker, 2, 250).messages) == 2
    assert len(claim(channel.pk, worker, 2, 250).messages) == 2
    assert day_limits.begun(channel) == 2


@pytest.mark.django_db
def test_other_messages_are_sent_while_templates_wait() -> None:
    channel, worker = shop(), reap.register()
    made = people(channel, 1)
    sending(channel)
    assert claim(channel.pk, worker, 10, 0).messages == []
    Address.objects.filter(pk=made[0].pk).update(wrote_at=clock.now())
    text = factory.sending([channel], text="Hello")
    messages = claim(channel.pk, worker, 10, 0).messages
    assert {message.broadcast for message in messages} == {text.pk}


@pytest.mark.django_db
def test_the_limit_that_applies_is_the_channels_own_or_the_reported_one() -> None:
    channel = shop("as reported")
    people(channel, 1)
    sending(channel)
    assert take().channels[channel.pk].people_a_day is None
    day_limits.note_reported(channel, 2_000)
    assert take().channels[channel.pk].people_a_day == 2_000
    channel.config = {**channel.config, "messaging_limit": "250"}
    channel.save()
    assert take().channels[channel.pk].people_a_day == 250


@pytest.mark.django_db(transaction=True)
def test_two_workers_together_do_not_exceed_it() -> None:
    channel = shop()
    Channel.objects.update(rate=None)  # without a rate nothing else would make them wait
    people(channel, 40)
    sending(channel)
    claimed: list[int] = []

    def work(worker: int) -> None:
        try:
            for _ in range(6):
                claimed.extend(m.address for m in claim(channel.pk, worker, 4, 10).messages)
        finally:
            connection.close()

    workers = [Thread(target=work, args=(reap.register(),)) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert (len(claimed), len(set(claimed))) == (10, 10)
    assert day_limits.begun(channel) == 10


@pytest.mark.django_db
def test_what_was_claimed_before_a_crash_counts() -> None:
    channel = shop()
    people(channel, 3)
    sending(channel)
    worker = reap.register()
    assert len(claim(channel.pk, worker, 2, 2).messages) == 2
    db.execute("UPDATE engine_worker SET lease_until = 0 WHERE id = %s", [worker])
    reap.reap()
    assert claim(channel.pk, reap.register(), 10, 2).messages == []
