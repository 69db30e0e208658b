"""Records: filters in the address, pages, one record, export."""

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client

from clarion.accounts.models import Agent, AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.content import stories
from clarion.records.models import Record
from support import factory

pytestmark = pytest.mark.django_db

PEOPLE = 60


@pytest.fixture
def sent() -> Broadcast:
    """A broadcast of Mira that reached 59 people and failed for one."""
    channel = factory.channel("Shop")
    factory.people(channel, PEOPLE)
    blocks = [{"kind": "text", "text": "Hello"}]
    story = stories.create_story(name="Welcome tour", blocks=blocks, by=factory.BY)
    broadcast = factory.sending([channel], title="Autumn")
    mira, _noah = factory.agent("sender", "Mira"), factory.agent("sender", "Noah")
    sender = {"agent": mira, "agent_name": mira.name}
    Broadcast.objects.filter(pk=broadcast.pk).update(data_type="story", story=story, **sender)
    factory.settle_each(channel, ["failed" if n == 7 else "sent" for n in range(PEOPLE)])
    return broadcast


def test_an_empty_list_leads_on(admin: Client) -> None:
    assert b'href="/broadcasts/new/"' in admin.get("/records/").content


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 50),
        ("status=error", 1),
        ("status=completed", 50),
        ("error=server error", 1),
        ("error=no such error", 0),
        ("user=u7", 1),
        ("name=Person 12", 1),
        ("responses=<1", 1),
        ("channel=Shop", 50),
        ("after=2000-01-01T00:00", 50),
        ("before=2000-01-01T00:00", 0),
        ("status=error&user=u8", 0),
        ("agent=Mira", 50),
        ("agent=Noah", 0),
        ("story=1000000", 0),
        ("story_name=Autumn", 0),
        ("story_name=welcome tour", 50),
        ("story_name=TOUR&status=error", 1),
    ],
)
def test_i3_filters_combine(admin: Client, sent: Broadcast, query: str, count: int) -> None:
    pairs = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    address = f"/records/?{urlencode({**pairs, 'broadcast': sent.pk})}"

    response = admin.get(address)

    assert len(response.context["page"].rows) == count
    assert len(response.context["chips"]) == len(pairs) + 1


def test_i3_records_of_a_story_by_its_id(admin: Client, sent: Broadcast) -> None:
    sent.refresh_from_db()
    assert len(admin.get(f"/records/?story={sent.story_id}").context["page"].rows) == 50


def test_a_chip_takes_its_condition_away(admin: Client, sent: Broadcast) -> None:
    chips = admin.get("/records/?status=error&user=u7").context["chips"]

    assert [chip["without"] for chip in chips] == [
        "/records/?status=error",
        "/records/?user=u7",
    ]


def test_empty_fields_do_not_stay_in_the_address(admin: Client, sent: Broadcast) -> None:
    response = admin.get("/records/?broadcast=&status=error&user=")

    assert response["Location"] == "/records/?status=error"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("broadcast=seven", "A broadcast id is a number"),
        ("after=tomorrow", "is not a date and time"),
        ("responses=many", "Write the number of responses like"),
        ("status=odd", "The status is completed or error."),
        ("channel=No such", "There is no channel"),
        ("agent=nobody", "agent"),
        ("colour=red", "can&#x27;t be filtered by “colour”"),
    ],
)
def test_a_wrong_condition_is_explained_and_kept(admin: Client, query: str, says: str) -> None:
    response = admin.get(f"/records/?{query}")
    html = response.content.decode()

    assert response.status_code == 200
    assert says in html
    name, value = query.split("=")
    if name in {"broadcast", "responses", "agent"}:
        assert f'value="{value}"' in html


def test_pages_by_keyset(admin: Client, sent: Broadcast) -> None:
    first = admin.get(f"/records/?broadcast={sent.pk}")
    second = admin.get(first.context["next_url"])

    ids = [row.id for page in (first, second) for row in page.context["page"].rows]
    assert len(ids) == len(set(ids)) == PEOPLE
    assert second.context["first_url"] == f"/records/?broadcast={sent.pk}"
    assert admin.get("/records/?cursor=nonsense")["Location"] == "/records/"


def test_i2_what_a_person_received_stands_beside_the_record(admin: Client, sent: Broadcast) -> None:
    html = admin.get("/records/?user=u3").content.decode()

    assert '<span class="bubble" dir="auto">Hello Person 3</span>' in html
    assert "No message was sent." not in html
    record = Record.objects.get(address__value="u3")
    assert f'aria-describedby="peek-{record.pk}"' in html


def test_one_record(admin: Client, sent: Broadcast) -> None:
    failed = Record.objects.get(status="error")

    html = admin.get(f"/records/{failed.pk}/").content.decode()

    assert "Hello Person 7" in html
    assert "The receiver answered 500 (server error)." in html
    assert admin.get(f"/records/{failed.pk + PEOPLE}/").status_code == 404


def test_times_of_filters_are_in_the_agents_zone(admin: Client, sent: Broadcast) -> None:
    Agent.objects.update(time_zone="Asia/Tokyo")
    later = datetime.now(UTC) + timedelta(hours=9) + timedelta(minutes=5)

    rows = admin.get(f"/records/?after={later:%Y-%m-%dT%H:%M}").context["page"].rows
    all_rows = admin.get(f"/records/?before={later:%Y-%m-%dT%H:%M}").context["page"].rows

    assert (len(rows), len(all_rows)) == (0, 50)


def test_i4_export_takes_the_filter(admin: Client, sent: Broadcast) -> None:
    response = admin.get(f"/records/export.csv?broadcast={sent.pk}&status=completed")

    assert response.streaming
    assert response["Content-Disposition"] == 'attachment; filename="broadcast-records.csv"'
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    stored = Record.objects.filter(broadcast=sent, status="completed").select_related("address")
    assert len(rows) == stored.count() == PEOPLE - 1
    assert {(int(row["record id"]), row["user id"], row["attempt"]) for row in rows} == {
        (record.pk, record.address.value, str(record.attempt)) for record in stored
    }
    assert {row["status"] for row in rows} == {"completed"}
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.subject) == ("data.export", "records")
    assert entry.detail == {"only": f"broadcast={sent.pk}&status=completed"}


def test_an_export_with_a_wrong_filter_explains_it(admin: Client) -> None:
    response = admin.get("/records/export.csv?broadcast=seven")

    assert response["Location"] == "/records/?broadcast=seven"
