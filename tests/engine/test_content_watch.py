"""Content that fails: for one person, for few, for everybody."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Contact
from clarion.content.models import Story, StoryVersion
from clarion.engine import content_watch, reap
from clarion.engine.claim import claim
from clarion.engine.content_watch import FIRST
from clarion.engine.models import Worker
from clarion.engine.process import ThreadedWorker
from clarion.engine.remaining import remaining
from clarion.kit import clock
from clarion.records.deliveries.claim import first_holder
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from support import factory
from support.listener import Listener
from support.sizes import MANY
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
FAILS = "{{ contact.city | truncate('abc') }}"


def sending(channel: Channel, text: str, **fields: Any) -> Broadcast:
    """A broadcast on its way whose text nobody has checked."""
    broadcast = factory.sending([channel])
    Broadcast.objects.filter(pk=broadcast.pk).update(text=text, **fields)
    return broadcast


def is_paused(broadcast: Broadcast) -> bool:
    broadcast.refresh_from_db()
    return broadcast.state == "paused"


def used_attempts(broadcast: Broadcast) -> int:
    return Delivery.objects.filter(broadcast=broadcast, attempts__gt=0).count()


@pytest.mark.parametrize("rate", [None, 50.0])
def test_f6_what_fails_for_everybody_pauses_the_broadcast(
    database_url: str, rate: float | None
) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=rate)
        factory.people(channel, MANY)
        broadcast = sending(channel, FAILS)
        with ThreadedWorker():
            eventually(lambda: is_paused(broadcast), 60)
            eventually(lambda: factory.states(broadcast) == {"queued": MANY}, 60)

    assert "The filter truncate needs a whole number" in broadcast.state_reason
    assert "Stop the broadcast" in broadcast.state_reason
    assert used_attempts(broadcast) == 0
    assert not Record.objects.exists()
    assert reconcile(broadcast.pk).ok
    control.stop(broadcast, by=factory.BY)


def test_what_fails_for_each_of_few_people_pauses_the_broadcast(database_url: str) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 3)
        broadcast = sending(channel, FAILS)
        with ThreadedWorker():
            eventually(lambda: is_paused(broadcast), 60)
            eventually(lambda: factory.states(broadcast) == {"queued": 3}, 60)

    assert "for any of the 3 recipients: " in broadcast.state_reason
    assert "The filter truncate needs a whole number" in broadcast.state_reason
    assert used_attempts(broadcast) == 0
    assert not Record.objects.exists()
    assert reconcile(broadcast.pk).ok
    control.stop(broadcast, by=factory.BY)


def test_few_whose_messages_fail_for_different_reasons_fail_each_with_the_own_one(
    database_url: str,
) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        first, second = factory.people(channel, 2)
        broadcast = sending(channel, "{{ contact.city }} {{ contact.name }}")
        Contact.objects.filter(pk=first.contact_id).update(attributes={})
        Contact.objects.filter(pk=second.contact_id).update(name="")
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 2}
    assert Record.objects.filter(status="error", reason__code="content").count() == 2


def test_an_audience_of_one_says_nothing_about_the_content(database_url: str) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 1)
        broadcast = sending(channel, FAILS)
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 1}


def one_on_each(listener: Listener, text: str, channels: int = 3, **fields: Any) -> Broadcast:
    """A broadcast to one recipient on each of several channels."""
    each = [factory.channel(f"c{n}", url=f"{listener.url}/hook") for n in range(channels)]
    for channel in each:
        factory.people(channel, 1)
    broadcast = factory.sending(each)
    Broadcast.objects.filter(pk=broadcast.pk).update(text=text, **fields)
    return broadcast


def test_b12_one_recipient_on_each_channel_pauses_as_an_audience_on_one(database_url: str) -> None:
    with Listener() as listener:
        broadcast = one_on_each(listener, FAILS)
        with ThreadedWorker():
            eventually(lambda: is_paused(broadcast), 60)
            eventually(lambda: factory.states(broadcast) == {"queued": 3}, 60)

    assert "for any of the 3 recipients: " in broadcast.state_reason
    assert used_attempts(broadcast) == 0
    assert not Record.objects.exists()
    control.stop(broadcast, by=factory.BY)


def test_b9_one_recipient_on_a_channel_fails_alone_when_others_get_it(database_url: str) -> None:
    with Listener() as listener:
        broadcast = one_on_each(listener, "{{ contact.city }}")
        first = Contact.objects.order_by("pk").first()
        assert first is not None
        Contact.objects.filter(pk=first.pk).update(attributes={})
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 1, "sent": 2}


def test_b12_accepted_gaps_are_no_reason_to_fail_everybody_for_something_else(
    database_url: str,
) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        people = factory.people(channel, 30)
        lacking = [person.contact_id for person in people[:25]]
        Contact.objects.filter(pk__in=lacking).update(attributes={})
        text = f"{{{{ contact.city }}}} {FAILS}"
        broadcast = sending(channel, text, accepted_gaps=["contact.city"])
        with ThreadedWorker():
            eventually(lambda: is_paused(broadcast), 60)
            eventually(lambda: factory.states(broadcast) == {"failed": 25, "queued": 5}, 60)

    assert "The filter truncate needs a whole number" in broadcast.state_reason
    control.stop(broadcast, by=factory.BY)


def test_accepted_gaps_fail_one_by_one(database_url: str) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        people = factory.people(channel, 30)
        lacking = [person.contact_id for person in people[:25]]
        Contact.objects.filter(pk__in=lacking).update(attributes={})
        broadcast = sending(channel, "{{ contact.city }}", accepted_gaps=["contact.city"])
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 25, "sent": 5}


def test_who_fails_first_is_kept_back_until_the_others_were_tried(database_url: str) -> None:
    """At three messages in ten seconds nobody can know after one what fails for all."""
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=0.3)
        first, *_ = factory.people(channel, 2)
        Contact.objects.filter(pk=first.contact_id).update(attributes={})
        broadcast = sending(channel, "{{ contact.city }}")
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 1, "sent": 1}


def test_who_is_kept_back_is_queued_again_when_the_broadcast_is_paused_or_stopped(
    database_url: str,
) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=0.2)
        factory.people(channel, 3)
        broadcast = sending(channel, FAILS)
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast).get("sending", 0), 60)
            control.stop(Broadcast.objects.get(pk=broadcast.pk), by=factory.BY)
            eventually(lambda: factory.states(broadcast) == {"unsent": 3}, 60)

    assert used_attempts(broadcast) == 0


def test_one_who_is_left_when_others_have_got_it_fails_alone(database_url: str) -> None:
    """A worker that starts late has not seen that the message could be made for the others."""
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        people = factory.people(channel, 3)
        broadcast = sending(channel, "{{ contact.city }}")
        factory.settle_each(channel, ["sent"])
        ids = [person.contact_id for person in people]
        Contact.objects.filter(pk__in=ids).update(attributes={})
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 2, "sent": 1}


def test_one_person_fails_alone(database_url: str) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        first, *_ = factory.people(channel, 2 * FIRST)
        Contact.objects.filter(pk=first.contact_id).update(attributes={})
        broadcast = sending(channel, "{{ contact.city }}")
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"failed": 1, "sent": 2 * FIRST - 1}


def test_the_second_message_of_a_story_is_watched_for_itself(database_url: str) -> None:
    story = Story.objects.create(name="Story")
    blocks = [{"kind": "text", "text": "Hello"}, {"kind": "text", "text": FAILS}]
    version = StoryVersion.objects.create(story=story, number=1, blocks=blocks)
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 50)
        fields = {"data_type": "story", "story": story, "story_version": version}
        broadcast = sending(channel, "", **fields)
        with ThreadedWorker():
            eventually(lambda: is_paused(broadcast), 60)

    assert broadcast.state_reason.count("Block 2") == 1
    assert used_attempts(broadcast) == 0
    control.stop(broadcast, by=factory.BY)


def test_a_worker_that_ends_queues_again_what_it_kept_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_watch, "KEPT", 600.0)
    monkeypatch.setattr(content_watch, "MOST_KEPT", 600.0)
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 3)
        broadcast = sending(channel, FAILS)
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast).get("sending", 0), 60)

    assert factory.states(broadcast) == {"queued": 3}
    assert used_attempts(broadcast) == 0


def test_who_is_kept_back_by_two_workers_comes_to_the_older_one(database_url: str) -> None:
    """Each of them alone would wait for the other's until it can't be known any more."""
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        factory.people(channel, 2)
        broadcast = sending(channel, FAILS)
        older = reap.register()
        Worker.objects.update(lease_until=clock.now() + timedelta(hours=1))
        assert len(claim(channel.pk, older, 1).messages) == 1
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast) == {"sending": 2}, 60)
            eventually(lambda: claim(channel.pk, older, 1).messages, 60)

            assert first_holder(broadcast.pk) == older
            assert remaining(broadcast.pk, channel.pk, older + 1).is_anothers
            assert not remaining(broadcast.pk, channel.pk, older).is_anothers

    assert used_attempts(broadcast) == 0


def test_nothing_is_left_to_an_older_worker_while_it_can_be_decided(database_url: str) -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = sending(channel, FAILS)
    older = reap.register()
    claim(channel.pk, older, 1)
    assert not remaining(broadcast.pk, channel.pk, older + 1).is_anothers  # more is queued

    factory.settle_each(channel, ["sent"])
    claim(channel.pk, older, 1)
    assert not remaining(broadcast.pk, channel.pk, older + 1).is_anothers  # somebody was reached
