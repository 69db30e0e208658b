import csv
import io

import pytest

from clarion.kit import clock
from clarion.kit.paging import CursorError
from clarion.records import audience
from clarion.records.audience import Wanted, detail, export_recipients, place, recipients
from clarion.records.models import Delivery, Receipt
from clarion.records.states import ALL
from support import factory


@pytest.fixture
def crowd(db):
    """Fill in a broadcast to 40 people who stand in all states, beside one of somebody else."""
    channel = factory.channel("App")
    people = [factory.address(channel, f"u{number}", f"Name {number}") for number in range(40)]
    other, broadcast = factory.broadcast(), factory.broadcast("Spring")
    reason = factory.reason("It failed.", "E1")
    for number, person in enumerate(people):
        factory.delivery(other, person, "sent")
        state = ALL[number % len(ALL)]
        factory.delivery(
            broadcast, person, state, attempts=number, reason=reason if state == "failed" else None
        )
    return broadcast


def among(state):
    return (state,) if state else ()


@pytest.mark.parametrize("state", [None, *ALL])
def test_everyone_once_by_chat_number(crowd, state):
    expected = list(
        Delivery.objects.filter(broadcast=crowd, **({"state": state} if state else {}))
        .order_by("address_id")
        .values_list("address_id", flat=True)
    )

    chats, pages, cursor = [], [], None
    while True:
        page = recipients(crowd.pk, Wanted(among(state)), cursor, limit=3)
        pages.append(page)
        chats += [one.chat for one in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert chats == expected
    assert len(pages) > 1
    back = recipients(crowd.pk, Wanted(among(state)), pages[1].previous_cursor, limit=3)
    assert back.rows == pages[0].rows


def test_what_a_row_says(crowd):
    (row, *_) = recipients(crowd.pk, Wanted(("failed",))).rows

    assert (row.channel, row.kind, row.state) == ("App", "webhook", "failed")
    assert (row.name, row.user_id, row.attempts) == ("Name 6", "u6", 6)
    assert (row.error, row.code, row.recovered) == ("It failed.", "E1", False)
    assert row.at == clock.from_us(factory.START)


def test_on_one_channel_and_with_one_error(crowd):
    other = factory.channel("Other")
    shy, busy = factory.reason("Blocked.", "E2"), factory.reason("Busy.", "E3")
    chosen = []
    for number, state in enumerate(["failed", "in_doubt", "unsent", "skipped", "failed"]):
        person = factory.address(other, f"x{number}")
        chosen.append(factory.delivery(crowd, person, state, reason=busy if number == 4 else shy))

    def chats(**wanted):
        found, cursor = [], None
        while True:
            page = recipients(crowd.pk, Wanted(**wanted), cursor, limit=2)
            found += [one.chat for one in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                return found

    everyone = [one.address_id for one in chosen]
    assert chats(channel=other.pk) == everyone
    assert chats(reason=shy.pk) == everyone[:4]
    assert chats(reason=shy.pk, states=("failed",)) == everyone[:1]
    assert chats(reason=shy.pk, states=("sent",)) == []
    assert chats(reason=busy.pk, channel=other.pk) == everyone[4:]
    lines = b"".join(export_recipients(crowd.pk, Wanted(reason=shy.pk))).decode().splitlines()
    assert len(lines) == 1 + 4


def test_wrong_questions_are_refused(crowd):
    with pytest.raises(ValueError, match="no state"):
        Wanted(("asleep",))
    with pytest.raises(ValueError, match="no state"):
        Wanted(("sent", "sent' OR 1=1 --"))
    with pytest.raises(CursorError):
        recipients(crowd.pk, after="nonsense")


def test_a_state_that_nobody_is_in_reads_no_deliveries(db, django_assert_num_queries):
    broadcast = factory.broadcast()

    with django_assert_num_queries(1):
        assert recipients(broadcast.pk, Wanted(("read",))).rows == []


@pytest.mark.parametrize("state", [None, "in_doubt"])
def test_the_export_has_everyone(crowd, monkeypatch, state):
    monkeypatch.setattr(audience, "READ_AT_ONCE", 4)
    text = b"".join(export_recipients(crowd.pk, Wanted(among(state)), zone="Asia/Tokyo")).decode()

    header, *lines = csv.reader(io.StringIO(text, newline=""))

    rows = recipients(crowd.pk, Wanted(among(state)), limit=100).rows
    assert [int(line[0]) for line in lines] == [one.chat for one in rows]
    assert [line[header.index("state")] for line in lines] == [one.state for one in rows]
    assert lines[0][header.index("since")] == "2026-09-21T23:13:20.000000+09:00"


def test_detail_shows_all_attempts_and_receipts_of_this_delivery_only(db):
    person = factory.address(factory.channel(), "u1", "Ada")
    broadcast, other = factory.broadcast("Spring"), factory.broadcast()
    delivery = factory.delivery(broadcast, person, "delivered", recovered=True)
    first = factory.record(delivery, factory.START, factory.reason(), attempt=1)
    second = factory.record(delivery, factory.START + 5, attempt=2)
    factory.record(factory.delivery(other, person))
    for status, at in (("read", 9), ("delivered", 7)):
        Receipt.objects.create(
            channel=person.channel, delivery=delivery, external_id="x1", status=status,
            at=factory.START + at, received_at=factory.START + 20,
        )  # fmt: skip

    shown = detail(first.pk)

    assert shown.record.id == first.pk
    assert shown.delivery.state == "delivered"
    assert shown.delivery.recovered is True
    assert [attempt.id for attempt in shown.attempts] == [first.pk, second.pk]
    assert [receipt.status for receipt in shown.receipts] == ["delivered", "read"]
    assert shown.receipts[0].received_at == clock.from_us(factory.START + 20)


def test_in_several_states_and_each_place(crowd):
    successful = recipients(crowd.pk, Wanted(("sent", "delivered", "read")), limit=100).rows
    everyone = recipients(crowd.pk, limit=100).rows

    assert successful == [one for one in everyone if one.state in {"sent", "delivered", "read"}]
    found = place(crowd.pk, successful[0].delivery_id)
    assert found is not None
    assert found.delivery == successful[0]
    assert place(crowd.pk + 1, successful[0].delivery_id) is None
    assert place(crowd.pk, 10**30) is None


def test_detail_of_what_is_not_there(db):
    assert detail(5) is None


def test_detail_without_its_delivery(db):
    record = factory.record(
        factory.delivery(factory.broadcast(), factory.address(factory.channel(), "u1"))
    )
    Delivery.objects.all().delete()

    assert detail(record.pk).delivery is None
