"""Each filter is answered from the index that is made for it, whatever else is in the table."""

import pytest
from django.db import connection

from clarion.kit import clock, db
from clarion.records.filters import RecordFilter
from clarion.records.models import Delivery, Record
from clarion.records.sources import sources
from support import factory


@pytest.fixture
def filled(db):
    """Fill in a few hundred records, and let the database count them."""
    shop, app = factory.channel("Shop bot"), factory.channel("App")
    people = [factory.address(shop, f"s{number}", "Ada") for number in range(60)]
    people += [factory.address(app, f"a{number}", "Tom") for number in range(60)]
    reason = factory.reason()
    owner = factory.agent(name="Mira")
    for number in range(3):
        broadcast = factory.broadcast(by=owner if number == 1 else None)
        # Each test fills it anew, so in bulk: one by one takes longer than all the rest.
        deliveries = Delivery.objects.bulk_create(
            Delivery(
                broadcast=broadcast,
                channel_id=person.channel_id,
                address=person,
                state="sent",
                moved_at=factory.START,
            )
            for person in people
        )
        Record.objects.bulk_create(
            Record(
                delivery=one,
                broadcast_id=one.broadcast_id,
                channel_id=one.channel_id,
                address_id=one.address_id,
                attempt=1,
                status="completed" if one.address_id % 20 else "error",
                reason=None if one.address_id % 20 else reason,
                responses=int(one.address_id % 20 > 0),
                latency=one.address_id,
                recorded_at=clock.from_us(factory.START + one.address_id),
                content="Hello",
            )
            for one in deliveries
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def plan_of(wanted: RecordFilter) -> str:
    plans = []
    for source in sources(wanted):
        sql, params = source.first(51)
        plans += [str(row[-1]) for row in db.fetch(f"EXPLAIN QUERY PLAN {sql}", params)]
    return "\n".join(plans)


@pytest.mark.only_on("sqlite")  # PostgreSQL's plans follow the sizes: docs/benchmarks-records.md
@pytest.mark.parametrize(
    ("asked", "indexes"),
    [
        ({}, {"record_completed_at", "record_error_at"}),
        ({"status": "completed"}, {"record_completed_at"}),
        ({"status": "error"}, {"record_error_at"}),
        ({"after": "2026-01-01T00:00"}, {"record_completed_at", "record_error_at"}),
        ({"error": "refused"}, {"record_error_at"}),
        ({"user": "s3"}, {"record_address"}),
        ({"name": "ada"}, {"record_address"}),
        ({"name": "ada", "status": "completed"}, {"record_address"}),
        ({"responses": ">0", "status": "completed"}, {"record_completed"}),
        ({"channel": "App", "status": "completed"}, {"record_completed"}),
        ({"agent": "mira"}, {"record_completed", "record_error"}),
    ],
)
def test_the_index_for_it_is_used(filled, asked, indexes):
    plan = plan_of(RecordFilter.from_query(asked))

    used = {word.strip("()") for word in plan.replace("\n", " ").split()}
    assert used & ALL_INDEXES == indexes
    assert "SCAN r\n" not in plan + "\n"


ALL_INDEXES = {
    "record_completed_at",
    "record_completed",
    "record_error_at",
    "record_error",
    "record_address",
}


def test_what_can_not_be_is_not_looked_for(filled):
    for asked in (
        {"user": "nobody"},
        {"name": "nobody"},
        {"error": "no such cause"},
        {"error": "refused", "status": "completed"},
        {"responses": "=7", "status": "completed"},
        {"agent": "mira", "broadcast": "987654"},
    ):
        assert sources(RecordFilter.from_query(asked)) == []
