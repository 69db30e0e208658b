"""What a broadcast's messages have in common is stored once, and nobody sees a difference."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clarion.broadcasts import retention
from clarion.broadcasts.contact_history import parts_sent_to, sent_to
from clarion.channels.models import Channel
from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock, db
from clarion.records.audience import detail
from clarion.records.deliveries import shared
from clarion.records.deliveries.attempts import Attempt, record
from clarion.records.export import export_csv
from clarion.records.filters import RecordFilter
from clarion.records.models import Part, Record, SharedText
from clarion.records.progress import Progress
from clarion.records.search import search
from support import factory

pytestmark = pytest.mark.django_db

LONG = "The table is laid, the soup is hot and your friends are on their way. " * 100


def hello(number: int) -> str:
    """A message of 7 KB to one person."""
    return f'Hello Person {number},\n{LONG}\n"See you", room {number % 7}. ✨'


Write = Callable[..., None]


@pytest.fixture
def write(django_capture_on_commit_callbacks: Any) -> Write:
    """A function that writes a record with each of some contents, in one transaction."""

    def written(broadcast: int, *contents: str) -> None:
        begin = Record.objects.count()
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            record(
                Attempt(n, broadcast, 1, n, 1, "completed", None, 1, 0, 0, n, content)
                for n, content in enumerate(contents, begin + 1)
            )

    return written


def read() -> list[str]:
    """What was sent by all records, in the order in which they were written."""
    return [row.messages.text for row in reversed(search(RecordFilter(), limit=1_000).rows)]


def stored() -> list[str]:
    """The own content of all records."""
    return list(Record.objects.order_by("pk").values_list("content", flat=True))


def test_the_same_text_is_stored_once(write: Write) -> None:
    write(1, *[LONG] * 50)

    assert stored() == ["0:"] * 50
    assert SharedText.objects.count() == 1
    assert read() == [LONG] * 50


def test_of_a_personal_text_the_difference_is_stored(write: Write) -> None:
    messages = [hello(n) for n in range(60)]
    write(1, *messages[:50])
    write(1, *messages[50:])

    assert max(map(len, stored())) < 60
    assert SharedText.objects.count() == 1
    assert read() == messages


def test_messages_that_come_one_by_one_share_from_the_third_on(write: Write) -> None:
    messages = [hello(n) for n in range(5)]
    for message in messages:
        write(1, message)

    assert [len(content) > 1_000 for content in stored()] == [True, False, False, False, False]
    assert read() == messages


def test_another_process_uses_what_the_first_one_stored(write: Write) -> None:
    write(1, *map(hello, range(4)))
    shared.forget()
    write(1, *map(hello, range(4, 8)))

    assert SharedText.objects.count() == 1
    assert read() == [hello(n) for n in range(8)]


def test_an_edited_text_is_shared_again(write: Write) -> None:
    before = [hello(n) for n in range(5)]
    after = [
        f"Dear Person {n}! {'We have moved to the house beside the river. ' * 90}" for n in range(5)
    ]
    write(1, *before)
    write(1, *after)

    assert SharedText.objects.count() == 2
    assert max(map(len, stored())) < 60
    assert read() == [*before, *after]


def test_short_messages_and_those_with_nothing_in_common_are_stored_as_they_are(
    write: Write,
) -> None:
    short = ["Hello Ada", "Hello Bo"]
    different = [str(n) * 300 for n in range(9)]
    write(1, *short, *different)
    write(1, *different)

    assert stored() == [*short, *different, *different]
    assert not SharedText.objects.exists()


def test_ever_different_messages_make_few_shared_texts(write: Write) -> None:
    for n in range(40):
        write(1, *[f"{chr(65 + n) * 500} {k} {chr(65 + n) * 500}" for k in range(3)])

    assert SharedText.objects.count() <= shared.MOST_TEXTS + shared.MOST_FAILURES


def test_broadcasts_share_nothing_with_each_other() -> None:
    record(
        Attempt(n, 1 + n % 2, 1, n, 1, "completed", None, 1, 0, 0, n, hello(n))
        for n in range(1, 21)
    )

    owners = dict(SharedText.objects.values_list("pk", "broadcast_id"))
    assert sorted(owners.values()) == [1, 2]
    assert all(owners[row.shared_id] == row.broadcast_id for row in Record.objects.all())


def test_what_was_learned_in_a_transaction_that_was_undone_is_forgotten(
    write: Write, django_capture_on_commit_callbacks: Any
) -> None:
    undone = [Attempt(n, 1, 1, n, 1, "completed", None, 1, 0, 0, n, hello(n)) for n in range(4)]
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        record(undone)
        transaction.set_rollback(True)
    write(1, *map(hello, range(4)))

    assert SharedText.objects.count() == 1
    assert read() == [hello(n) for n in range(4)]


@given(
    st.lists(
        st.tuples(st.text(alphabet=st.characters(blacklist_characters="\x00"), max_size=30),
                  st.sampled_from([hello(1), LONG[:300], "", "{{ x }},-:3"])),
        min_size=1, max_size=12,
    )
)  # fmt: skip
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_records_show_what_was_sent_letter_by_letter(
    write: Write, people: list[tuple[str, str]]
) -> None:
    messages = [f"{name} {text}{name}{text}" for name, text in people]
    messages = [m.encode("utf-8", "replace").decode() for m in messages]  # as databases take it
    Record.objects.all().delete()
    shared.forget()

    write(1, *messages)

    assert read() == messages


def test_every_place_shows_the_whole_text(channel: Channel) -> None:
    people = factory.people(channel, 3)
    broadcast = factory.sending([channel], text="{{ contact.name }}")
    factory.settle_each(channel, [{"content": hello(n)} for n in range(3)])
    (newest, *_) = search(RecordFilter()).rows
    assert Record.objects.get(pk=newest.id).shared_id
    number = int(newest.user_id.removeprefix("u"))

    found = detail(newest.id)
    (said,) = sent_to(people[number].pk)
    lines = list(csv.reader(io.StringIO(b"".join(export_csv(RecordFilter())).decode())))

    assert newest.messages.text == hello(number)
    assert found is not None
    assert found.record.messages.text == hello(number)
    assert [row.messages.text for row in found.attempts] == [hello(number)]
    assert said.text == hello(number)
    exported = {line[8]: line[-2] for line in lines[1:]}
    assert exported == {f"u{n}": hello(n) for n in range(3)}
    # It does not hang on the broadcast's own text.
    broadcast.text = ""
    broadcast.save()
    assert detail(newest.id) == found


def test_retention_deletes_what_was_shared_after_the_records(channel: Channel) -> None:
    factory.people(channel, 4)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, [{"content": hello(n)} for n in range(4)])
    broadcast.state, broadcast.finished_at = "completed", clock.from_us(1)
    broadcast.save()
    assert SharedText.objects.count() == 1

    while retention.sweep():
        records = Record.objects.exclude(shared=None)
        assert SharedText.objects.exists() or not records.exists()

    assert not Record.objects.exists()
    assert not SharedText.objects.exists()
    assert not db.fetch("SELECT 1 FROM broadcasts_broadcast WHERE id = %s", [broadcast.pk])


def test_what_no_database_takes_is_left_out_and_the_rest_is_whole(write: Write) -> None:
    messages = [f"Hello {n}\x00\ud800, {LONG}\x00 bye" for n in range(4)]

    write(1, *messages)

    assert read() == [f"Hello {n}?, {LONG} bye" for n in range(4)]


def test_messages_of_a_story_are_shared_each_with_its_like(
    channel: Channel, django_capture_on_commit_callbacks: Any
) -> None:
    people = factory.people(channel, 4)
    factory.sending([channel])
    worker = reap.register()
    for number in range(6):
        claimed = factory.in_order(claim(channel.pk, worker, 10).messages)
        with django_capture_on_commit_callbacks(execute=True):
            settle(
                worker,
                [
                    factory.outcome(
                        one, channel, "queued", attempted=False, attempts=one.attempts,
                        number=number, responses=0, progress=Progress(sent=number + 1),
                        content=f"{number}. {hello(n)}",
                    )
                    for n, one in enumerate(claimed)
                ],
            )  # fmt: skip
    shared.forget()  # another worker sends the last one
    factory.settle_each(channel, [{"content": f"5. {hello(n)}", "responses": 7} for n in range(4)])

    assert max(map(len, Part.objects.values_list("content", flat=True))) < 80
    assert SharedText.objects.count() <= 6
    for n, address in enumerate(people):
        (row,) = search(RecordFilter(user=address.value)).rows
        expected = [f"{number}. {hello(n)}" for number in (*range(6), 5)]
        assert [one.text for one in row.messages.sent] == expected
        parts = parts_sent_to(address.pk)
        assert [part.text for part in reversed(parts)] == expected[:-1]
