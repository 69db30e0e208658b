"""The one query, read span by span as an expansion does."""

import pytest

from clarion.broadcasts import query as query_module
from clarion.broadcasts.query import Audience, candidates
from clarion.consents.grants import give
from clarion.consents.manage import define
from clarion.contacts.tags import assign
from clarion.kit import db
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "audience",
    [
        Audience(kind="tags", tags=["a", "b", "c"]),
        Audience(kind="tags", tags=["nobody"]),
        Audience(kind="tags", tags=["a", "b"], without_tags=["b", "c"], consents=["News"]),
        Audience(kind="all", without_tags=["a"], consents=["News"]),
    ],
)
def test_spans_give_together_what_all_give(
    audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = factory.channel()
    people = factory.people(channel, 12)
    for every, tag in ((2, "a"), (3, "b"), (5, "c")):
        assign([tag], [person.contact_id for person in people[::every]], by=factory.BY)
    news = define(name="News", by=factory.BY)
    give(news, [person.contact_id for person in people[::4]], how="form", by=factory.BY)
    ids = [person.pk for person in people]

    def matches(*span: int) -> list[tuple[int, str]]:
        query = candidates(audience, [channel.pk], span=(span[0], span[1]) if span else None)
        rows = db.fetch(f"SELECT address_id, reason FROM ({query.sql}) q", query.params)
        return sorted(rows)

    assert matches(ids[0], ids[4]) + matches(ids[5], ids[-1]) == matches()
    monkeypatch.setattr(query_module, "MOST_EXISTS", 0)
    assert matches(ids[0], ids[-1]) == matches()
    assert bool(matches()) == (audience.tags != ["nobody"])
