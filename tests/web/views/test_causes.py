"""The number of errors of a cause and the lists behind it agree, and say what they count."""

import re

import pytest
from django.test import Client

from clarion.records.causes import causes
from clarion.records.export import export_csv
from clarion.records.filters import RecordFilter
from clarion.records.search import search
from support import factory

pytestmark = pytest.mark.django_db


def test_a_cause_whose_words_are_part_of_another_is_counted_and_listed_alone(
    admin: Client,
) -> None:
    shop = factory.channel("Shop")
    factory.people(shop, 5)
    broadcast = factory.sending([shop])
    short, long = "Not there.", "Not there. Not at all."
    facts = [(short, "1"), (short, "2"), (long, "1"), (long, "1"), (short, "1")]
    factory.settle_each(
        shop, [{"state": "failed", "reason": reason, "code": code} for reason, code in facts]
    )

    html = admin.get(f"/broadcasts/{broadcast.pk}/errors").content.decode()

    listed = causes(broadcast.pk)
    assert sorted((c.text, c.code, c.errors, c.people) for c in listed) == [
        (short, "1", 2, 2), (short, "2", 1, 1), (long, "1", 2, 2),
    ]  # fmt: skip
    for cause in listed:
        records, recipients = (
            re.search(rf'id="{name}-{cause.id}"\s+href="([^"]+)"', html)
            for name in ("cause", "cause-people")
        )
        assert records
        assert recipients
        page = admin.get(records[1].replace("&amp;", "&"))
        assert [row.code for row in page.context["page"].rows] == [cause.code] * cause.errors
        assert page.context["chips"][-1]["text"] == f"Error: {cause.text}"
        people = admin.get(recipients[1]).context["page"].rows
        assert len(people) == cause.people
        wanted = RecordFilter(cause=cause.id)
        assert len(search(wanted).rows) == cause.errors
        assert len(b"".join(export_csv(wanted)).splitlines()) == cause.errors + 1
    assert search(RecordFilter(cause=listed[0].id, error="no such words")).rows == []
    assert search(RecordFilter(cause=listed[0].id, status="completed")).rows == []
