"""№ counts what was sent: 1, 2, 3 …, without gaps."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection, transaction

from clarion.broadcasts import control, drafts, history, launch, singles
from clarion.broadcasts.history import Sought
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.numbering import give_number
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.contacts import tags
from clarion.engine import lifecycle
from clarion.engine.fire import fire_due
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def channels() -> list[Channel]:
    return list(Channel.objects.all())


def sent(title: str = "Spring") -> Broadcast:
    broadcast = launch.start(factory.draft(channels(), title=title), by=factory.BY,
                             undo_seconds=0)  # fmt: skip
    lifecycle.start_due()
    broadcast.refresh_from_db()
    return broadcast


def test_only_what_is_sent_uses_a_number() -> None:
    channel = factory.channel()
    people = factory.people(channel, 2)
    assert sent().number == 1

    factory.draft([channel])
    singles.send_single(people[0], by=factory.BY, text="Hi")
    undone = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    launch.undo(undone, by=factory.BY)
    late = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    long_ago = clock.now() - timedelta(days=2)
    Broadcast.objects.filter(pk=late.pk).update(scheduled_at=long_ago)
    lifecycle.start_due()
    late.refresh_from_db()
    assert (late.state, late.number) == ("missed", None)

    second = sent()
    assert second.number == 2
    control.stop(second, by=factory.BY)
    assert sent().number == 3
    assert Broadcast.objects.exclude(number=None).count() == 3
    lifecycle.start_due()
    second.refresh_from_db()
    assert second.number == 2


def test_what_is_rolled_back_leaves_no_gap() -> None:
    factory.people(factory.channel(), 1)
    first = factory.draft(channels())
    with transaction.atomic():
        give_number(first)
        assert first.number == 1
        transaction.set_rollback(True)
    assert sent().number == 1


def test_a_deleted_number_is_not_given_again() -> None:
    factory.people(factory.channel(), 1)
    Broadcast.objects.filter(pk=sent().pk).delete()
    assert sent().number == 2


def test_a_trigger_is_counted_from_the_first_contact_it_fires_for() -> None:
    channel = factory.channel()
    people = factory.people(channel, 1)
    draft = drafts.create_draft(
        by=factory.BY, channels=[channel], type="trigger", text="Hi",
        audience=Audience(kind="all"),
        trigger={"on": "tag", "tag": "vip", "delay": 60},
    )  # fmt: skip
    live = launch.start(draft, by=factory.BY)
    assert live.number is None
    assert sent().number == 1

    tags.assign(["vip"], [people[0].contact_id], by=factory.BY)
    live.firings.update(due_at=clock.now())
    assert fire_due() == 1
    live.refresh_from_db()
    assert live.number == 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_get_all_numbers_once() -> None:
    channel = factory.channel()
    many = [factory.draft([channel], title=str(n)).pk for n in range(24)]

    def number(pk: int) -> None:
        with closing(connection), transaction.atomic():
            give_number(Broadcast.objects.get(pk=pk))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(number, many * 2))

    numbers = Broadcast.objects.filter(pk__in=many).values_list("number", flat=True)
    assert sorted(numbers) == list(range(1, 25))


def test_a_search_finds_it_by_number_or_id() -> None:
    factory.people(factory.channel(), 1)
    for n in range(3):
        factory.draft(channels(), title=f"draft {'x' * n}")
    broadcast = sent("Spring")
    assert broadcast.number == 1

    def matches(q: str) -> set[int]:
        return {one.pk for one in history.section("all", Sought(q=q)).broadcasts}

    assert matches("№ 1") == {broadcast.pk}
    assert broadcast.pk in matches("1")
    assert matches(f"#{broadcast.pk}") == matches("№1") == {broadcast.pk}
    assert matches(f"№ {broadcast.pk}") == set()
