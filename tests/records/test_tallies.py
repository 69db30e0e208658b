import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection

from clarion.kit import db
from clarion.records import tallies
from clarion.records.models import Tally
from clarion.records.states import ALL


@pytest.mark.django_db
def test_numbers_are_the_sums_of_deltas():
    tallies.add({(1, 1, "queued"): 10, (1, 2, "queued"): 5, (2, 1, "sent"): 3})
    tallies.add({(1, 1, "queued"): -4, (1, 1, "sent"): 4})

    numbers = tallies.counts([1, 2, 3])

    assert numbers[1] == dict.fromkeys(ALL, 0) | {"queued": 11, "sent": 4}
    assert numbers[2]["sent"] == 3
    assert set(numbers[3].values()) == {0}
    assert tallies.counts([]) == {}


@pytest.mark.django_db
def test_broadcasts_that_have_some_in_a_state():
    tallies.add({(1, 1, "held"): 2, (1, 2, "held"): 1, (2, 1, "held"): 3, (3, 1, "sent"): 4})
    tallies.add({(2, 1, "held"): -3})

    assert tallies.with_some("held") == {1: 3}
    assert tallies.with_some("in_doubt") == {}


@pytest.mark.django_db
def test_what_did_not_change_leaves_no_row():
    tallies.add({(1, 1, "queued"): 0})
    tallies.add({})

    assert not Tally.objects.exists()


@pytest.mark.django_db
def test_squash_keeps_the_numbers_and_drops_the_rows():
    for _ in range(60):
        tallies.add({(1, 1, "queued"): -1, (1, 1, "sent"): 1, (1, 1, "held"): 1})
        tallies.add({(1, 1, "held"): -1})
    before = tallies.counts([1])

    saved = tallies.squash()

    assert tallies.counts([1]) == before
    assert Tally.objects.count() == 2
    assert saved == 238
    assert tallies.squash() == 0


@pytest.mark.django_db
def test_squash_leaves_short_and_already_merged_broadcasts_alone():
    for state in ALL:
        tallies.add({(1, channel, state): 1 for channel in range(1, 12)})
    for _ in range(20):
        tallies.add({(2, 1, "sent"): 1})

    assert tallies.squash() == 0


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_or_doubled_while_others_add_and_squash():
    stop = threading.Event()

    def squash():
        with closing(connection):
            while not stop.is_set():
                tallies.squash()

    tallies.add({(1, 1, "queued"): 150})
    with ThreadPoolExecutor() as threads:
        squashing = [threads.submit(squash) for _ in range(2)]
        try:
            for _ in range(150):
                tallies.add({(1, 1, "queued"): -1, (1, 1, "sent"): 1})
                numbers = tallies.counts([1])[1]
                assert numbers["queued"] + numbers["sent"] == 150
        finally:
            stop.set()
    for one in squashing:
        one.result()

    tallies.squash()
    assert tallies.counts([1])[1]["sent"] == 150


@pytest.mark.django_db
def test_what_is_queued_on_a_channel_is_known_without_looking_at_deliveries() -> None:
    tallies.add({(1, 1, "queued"): 2, (1, 2, "queued"): 1, (2, 1, "sending"): 5})
    tallies.shift({(1, 2, "queued", "sending"): 1})

    def queued(broadcast: int, channel: int) -> bool:
        condition = tallies.any_queued(str(broadcast), str(channel))
        return bool(db.fetch(f"SELECT 1 WHERE {condition}"))

    assert queued(1, 1)
    assert not queued(1, 2)  # the last one is being sent
    assert not queued(2, 1)
    assert not queued(3, 1)  # it has none at all
