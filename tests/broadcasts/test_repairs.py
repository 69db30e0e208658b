"""A wrong tally is found and put right, and that is noted."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.repairs import repair_tallies
from clarion.records import tallies
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def broadcast() -> Broadcast:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    found = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed"])
    return found


def test_too_many_too_few_and_one_that_is_missing(broadcast: Broadcast) -> None:
    channel = broadcast.channels.get().pk
    tallies.add(
        {
            (broadcast.pk, channel, "sent"): 5,
            (broadcast.pk, channel, "failed"): -1,
            (broadcast.pk, channel, "read"): 2,
        }
    )
    assert not reconcile(broadcast.pk).ok

    sentences = repair_tallies(broadcast, by=factory.BY)

    assert sorted(sentences) == [
        "On the channel Shop the tally of failed was 1 too low.",
        "On the channel Shop the tally of read was 2 too high.",
        "On the channel Shop the tally of sent was 5 too high.",
    ]
    assert reconcile(broadcast.pk).ok
    assert AuditEntry.objects.get(action="broadcast.repair").detail == {"corrected": sentences}
    assert broadcast.events.filter(kind="repair").count() == 1


def test_what_is_right_stays(broadcast: Broadcast) -> None:
    before = tallies.counts([broadcast.pk])

    assert repair_tallies(broadcast, by=factory.BY) == []
    assert tallies.counts([broadcast.pk]) == before
    assert not AuditEntry.objects.filter(action="broadcast.repair").exists()
