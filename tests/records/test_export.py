import csv
import io

import pytest
from django.db import DatabaseError

from clarion.broadcasts.models import Broadcast
from clarion.records import export
from clarion.records.export import HEADER, export_csv
from clarion.records.filters import FilterError, RecordFilter
from clarion.records.models import Reason, Record
from clarion.records.search import search
from support import factory


def table(pieces) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(pieces).decode("utf-8"), newline="")))


@pytest.fixture
def world(db):
    channels = [factory.channel("Shop bot", "telegram"), factory.channel("App", "webhook")]
    reason = factory.reason()
    people = [factory.address(channels[n % 2], f"u{n}", f"Name {n}") for n in range(30)]
    for number in range(3):
        broadcast = factory.broadcast(f"B{number}")
        for person in people:
            delivery = factory.delivery(broadcast, person)
            for attempt in (1, 2):
                because = reason if (person.pk + attempt) % 3 == 0 else None
                factory.record(delivery, factory.START + person.pk % 7, because, attempt=attempt)


@pytest.mark.parametrize("first_read", [1, 7, 200])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"status": "error"},
        {"channel": "App"},
        {"responses": ">0"},
        {"name": "Name 2"},
        {"error": "refused", "channel": "Shop bot"},
    ],
)
def test_the_file_has_what_the_search_finds(world, monkeypatch, first_read, asked):
    monkeypatch.setattr(export, "FIRST_READ", first_read)
    monkeypatch.setattr(export, "LONGEST_READ", 16)
    wanted = RecordFilter.from_query(asked)
    rows = search(wanted, limit=1000).rows
    assert rows

    header, *lines = table(export_csv(wanted))

    assert tuple(header) == HEADER
    assert [int(line[0]) for line in lines] == [row.id for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert line[3:6] == [row.broadcast, row.channel, row.kind]
        assert line[6:10] == [str(row.chat), str(row.contact_id), row.user_id, row.name]
        assert line[10:15] == [
            row.status, row.error, row.code, str(row.attempt), str(row.responses),
        ]  # fmt: skip


def test_every_byte_of_a_line(db):
    person = factory.address(factory.channel("a,b", "telegram"), "u\n1", 'He said "=1"')
    delivery = factory.delivery(factory.broadcast("“T”; x"), person)
    factory.record(delivery, factory.START + 7, content="% %s {x}\r\n漢")
    factory.record(delivery, factory.START, factory.reason('No "way"', "4,0"), latency=-1_500_000)
    good, bad = Record.objects.order_by("-recorded_at").values_list("pk", flat=True)
    shared = (
        f'{delivery.broadcast_id},"“T”; x","a,b","telegram",{person.pk},{person.contact_id},'
        '"u\n1","He said ""=1"""'
    )

    assert b"".join(export_csv(RecordFilter(), zone="Asia/Kathmandu")).decode() == (
        f"{','.join(HEADER)}\r\n"
        f"{good},2026-09-21T19:58:20.000007+05:45,{shared},"
        'completed,,,1,1,0.000007,"% %s {x}\r\n漢",\r\n'
        f"{bad},2026-09-21T19:58:20.000000+05:45,{shared},"
        'error,"No ""way""","4,0",1,0,-1.500000,,"Hello"\r\n'
    )


def test_nothing_found_is_a_file_with_its_title_line(db):
    assert table(export_csv(RecordFilter())) == [list(HEADER)]


def test_moments_latency_and_texts(db):
    person = factory.address(factory.channel("=1+1"), "+491234567", "@SUM(A1)")
    delivery = factory.delivery(factory.broadcast("-cmd"), person)
    factory.record(delivery, factory.START + 1_250_000, content='=HYPERLINK("x")\nline “two”')

    (_, line) = table(export_csv(RecordFilter(), zone="Europe/Berlin"))
    facts = dict(zip(HEADER, line, strict=True))

    assert facts["recorded at"] == "2026-09-21T16:13:21.250000+02:00"
    assert facts["latency (seconds)"] == "1.250000"
    assert facts["user id"] == "+491234567"
    assert facts["user name"] == "'@SUM(A1)"
    assert facts["channel"] == "'=1+1"
    assert facts["broadcast"] == "'-cmd"
    assert facts["content"] == '\'=HYPERLINK("x")\nline “two”'


def test_records_of_deleted_people_stay_in_the_file(db):
    person = factory.address(factory.channel(), "u1", "Ada")
    factory.record(factory.delivery(factory.broadcast(), person))
    person.contact.delete()

    (_, line) = table(export_csv(RecordFilter()))

    assert line[HEADER.index("user name")] == ""
    assert line[HEADER.index("contact id")] == ""


def test_what_is_wrong_is_said_before_the_file_begins(db):
    with pytest.raises(FilterError):
        export_csv(RecordFilter(channel="nowhere"))
    with pytest.raises(ValueError, match="time zone"):
        export_csv(RecordFilter(), zone="Mars/Olympus")


def test_the_file_comes_in_pieces_and_is_read_in_pieces(world, monkeypatch):
    monkeypatch.setattr(export.sheets, "LINES_AT_ONCE", 10)
    monkeypatch.setattr(export, "FIRST_READ", 20)
    monkeypatch.setattr(export, "LONGEST_READ", 20)
    reads = []
    stream = export.db.stream
    monkeypatch.setattr(export.db, "stream", lambda *args: reads.append(args) or stream(*args))

    pieces = export_csv(RecordFilter(status="completed"))

    assert reads == []
    next(pieces)
    assert len(reads) == 1
    next(pieces)
    next(pieces)
    assert len(reads) == 2


def test_words_that_change_meanwhile_do_not_stop_it(world, monkeypatch):
    monkeypatch.setattr(export.sheets, "LINES_AT_ONCE", 5)
    monkeypatch.setattr(export, "FIRST_READ", 5)
    monkeypatch.setattr(export, "LONGEST_READ", 5)
    pieces = export_csv(RecordFilter(status="error"))
    first = next(pieces)

    Reason.objects.all().delete()
    Broadcast.objects.all().delete()

    lines = table([first, *pieces])
    assert len(lines) == 1 + 60


def test_a_lost_database_is_djangos_error(world, monkeypatch):
    monkeypatch.setattr(export, "_COLUMNS", "nothing")

    with pytest.raises(DatabaseError):
        list(export_csv(RecordFilter(status="error")))
