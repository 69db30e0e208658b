"""No change to many contacts keeps others from writing for long (decision 0104)."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clarion.accounts.models import AuditEntry
from clarion.bulk import acts
from clarion.channels.models import Channel
from clarion.codes import batches as codes
from clarion.consents import grants
from clarion.contacts import attribute_changes, import_run, import_undo, tag_changes, tags
from clarion.contacts.attribute_changes import declare, rename
from clarion.contacts.imports import import_contacts
from clarion.contacts.models import Contact, ImportPart
from clarion.contacts.suppressions import files, matching
from clarion.contacts.upserts import Upsert, upsert
from clarion.segments import watch
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("size", "most"),
    [
        (import_run.CHUNK, 1_000),
        (import_undo.SLICE, 1_000),
        (attribute_changes.CHUNK, 1_000),
        (tags.CHUNK, 2_000),
        (tag_changes.CHUNK, 2_000),
        (grants.CHUNK, 2_000),
        (matching.CHUNK, 2_000),
        (files.CHUNK, 2_000),
        (acts._OfContacts.size, 2_000),
        (acts._Suppressions.size, 2_000),
        (acts._Deletion.size, 200),
        (codes.CHUNK, 5_000),
        (watch.CHUNK, 5_000),
    ],
)
def test_sizes_are_those_that_were_measured(size: int, most: int) -> None:
    assert 0 < size <= most


def test_an_import_that_changes_contacts_is_stored_in_parts(
    tmp_path: Path, channel: Channel
) -> None:
    path = tmp_path / "people.csv"
    for city in ("Rome", "Bonn"):
        lines = "".join(f"u{number},{city}\n" for number in range(2_001))
        path.write_text(f"id,city\n{lines}")
        row = import_contacts(path, channel=channel, tags=[city], by=factory.BY)
    parts = ImportPart.objects.filter(row=row).order_by("pk")
    assert [len(part.changes) for part in parts] == [1_000, 1_000, 1]
    assert (row.updated, row.created) == (2_001, 0)


def test_contacts_of_a_program_are_stored_in_one_transaction_with_one_audit_entry(
    channel: Channel,
) -> None:
    people = [Upsert("u0"), Upsert(""), Upsert("u1"), Upsert("u2"), Upsert("u0", name="Ada")]
    results = upsert(channel, people, by=factory.BY)
    assert [result.created for result in results] == [True, False, True, True, False]
    assert results[1].field == "user_id"
    assert results[4].contact == results[0].contact
    assert Contact.objects.get(pk=results[0].contact).name == "Ada"
    [entry] = AuditEntry.objects.filter(action="contacts.upsert")
    assert entry.detail == {"created": 3, "updated": 1}


@pytest.mark.django_db(transaction=True)
def test_contacts_with_an_attribute_are_searched_before_the_transaction() -> None:
    city = declare("city", "", by=factory.BY)
    Contact.objects.bulk_create(Contact(attributes={"city": "Rome"}) for _ in range(3))
    with CaptureQueriesContext(connection) as queries:
        rename(city, "town", by=factory.BY)
    statements = [query["sql"] for query in queries.captured_queries]
    searches = [place for place, sql in enumerate(statements) if "IS NOT NULL AND c.id >" in sql]
    assert len(searches) == 1
    before = [sql for sql in statements[: searches[0]] if sql.startswith(("BEGIN", "COMMIT"))]
    assert before[-1] == "COMMIT"
    assert all(row.attributes == {"town": "Rome"} for row in Contact.objects.all())
