"""Defining consents."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import drafts
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.consents.grants import give
from clarion.consents.manage import ConsentError, define, find, needed_by, remove, update
from clarion.consents.models import Change, Consent, Grant
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


@pytest.fixture
def consent() -> Consent:
    return define(name="Newsletter", category="Marketing", text="I want news.", by=BY)


def requiring(*consents: str) -> Broadcast:
    channel = factory.channel(f"for {'-'.join(consents)}")
    factory.people(channel, 1)
    return drafts.create_draft(
        by=BY, text="Hi", channels=[channel], audience=Audience(kind="all", consents=list(consents))
    )


def test_define(consent: Consent) -> None:
    consent.refresh_from_db()
    assert (consent.name, consent.category, consent.text) == (
        "Newsletter", "Marketing", "I want news.",
    )  # fmt: skip
    entry = AuditEntry.objects.get(action="consent.add")
    assert (entry.subject, entry.actor) == (f"consent {consent.pk}", BY)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "  "}, "Give the consent a name of 1 to 100 characters."),
        ({"name": "x" * 101}, "Give the consent a name of 1 to 100 characters."),
        ({"name": "a\0b"}, "Give the consent a name of 1 to 100 characters."),
        ({"name": "a", "category": "x" * 101}, "A category has at most 100 characters."),
        ({"name": "a", "text": "x" * 10_001}, ("The text has at most 10,000 characters. "
         "Shorten it.")),
        ({"name": " Newsletter "}, ("There is already a consent called “Newsletter”. "
         "Choose another name.")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(consent: Consent, fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConsentError) as refused:
        define(**fields, by=BY)
    assert str(refused.value) == sentence
    assert Consent.objects.count() == 1


def test_update_keeps_what_people_agreed_to(consent: Consent) -> None:
    update(consent, text="I want news, weekly.", by=BY)
    assert AuditEntry.objects.get(action="consent.update").detail == {
        "text": ["I want news.", "I want news, weekly."]
    }
    update(consent, text="I want news, weekly.", by=BY)
    assert AuditEntry.objects.filter(action="consent.update").count() == 1
    versions = consent.versions.order_by("number")
    assert [(version.number, version.text) for version in versions] == [
        (1, "I want news."), (2, "I want news, weekly."),
    ]  # fmt: skip
    update(consent, name="Letters", by=BY)
    assert (versions.count(), Consent.objects.get(pk=consent.pk).version) == (2, 2)
    update(consent, name="Newsletter", by=BY)
    define(name="SMS", by=BY)
    with pytest.raises(ConsentError, match="already a consent called “SMS”"):
        update(consent, name="SMS", by=BY)
    assert Consent.objects.get(pk=consent.pk).name == "Newsletter"


def test_a_new_name_goes_to_those_who_require_it(consent: Consent) -> None:
    define(name="SMS", by=BY)
    draft, other = requiring("SMS", "Newsletter"), requiring("SMS")
    over = requiring("Newsletter")
    Broadcast.objects.filter(pk=over.pk).update(state="completed")
    update(consent, name="News", by=BY)
    for broadcast in (draft, other, over):
        broadcast.refresh_from_db()
    assert draft.audience["consents"] == ["SMS", "News"]
    assert other.audience["consents"] == ["SMS"]
    assert over.audience["consents"] == ["Newsletter"]


def test_remove(consent: Consent) -> None:
    contact = factory.people(factory.channel(), 1)[0].contact_id
    give(consent, [contact], how="form", by=BY)
    draft = requiring("Newsletter")
    assert needed_by(consent) == []
    Broadcast.objects.filter(pk=draft.pk).update(state="scheduled")
    with pytest.raises(ConsentError) as refused:
        remove(consent, by=BY)
    assert str(refused.value) == (
        f"“Newsletter” is required by broadcast {draft.pk}. "
        "Let them finish, stop them, or edit them first."
    )
    Broadcast.objects.filter(pk=draft.pk).update(state="stopped")
    remove(consent, by=BY)
    for model in (Consent, Grant, Change):
        assert not model.objects.exists()
    assert AuditEntry.objects.get(action="consent.remove").detail == {"name": "Newsletter"}
    with pytest.raises(ConsentError, match="deleted already"):
        remove(consent, by=BY)


def test_find(consent: Consent) -> None:
    assert find(" Newsletter ") == consent
    with pytest.raises(ConsentError, match="Choose one of: Newsletter\\."):
        find("nope")
    consent.delete()
    with pytest.raises(ConsentError, match="Add one first"):
        find("nope")
