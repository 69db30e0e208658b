"""J3: required consents, who has them, who was left out."""

import pytest

from clarion.broadcasts.query import Audience
from clarion.consents import grants, manage
from clarion.consents.models import Consent
from clarion.contacts.models import Address
from clarion.insights.permissions import permissions
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Address]:
    return factory.people(factory.channel(), 5)


@pytest.fixture
def news(people: list[Address]) -> Consent:
    consent = manage.define(name="News", category="Marketing", text="Write me.", by=factory.BY)
    givers = [address.contact_id for address in people[:3]]
    grants.give(consent, givers, how="agent", by=factory.BY)
    return consent


def test_before_and_after_it_is_sent(people: list[Address], news: Consent) -> None:
    audience = Audience(kind="all", consents=["News"])
    draft = factory.draft([people[0].channel], audience=audience)

    before = permissions(draft)
    sent = factory.sending([people[0].channel], audience=audience)
    after = permissions(sent)

    for found in (before, after):
        assert [(one.name, one.consent, one.given) for one in found.required] == [("News", news, 3)]
        assert (found.people, found.left_out) == (3, 2)
    assert before.reason_id is None
    assert after.reason_id is not None


def test_whoever_withdraws_while_it_is_queued_is_left_out(
    people: list[Address], news: Consent
) -> None:
    sent = factory.sending([people[0].channel], audience=Audience(kind="all", consents=["News"]))

    grants.withdraw(news, [people[0].contact_id], how="agent", by=factory.BY)
    found = permissions(sent)

    assert (found.people, found.left_out, found.required[0].given) == (2, 3, 2)


def test_one_that_requires_none(people: list[Address]) -> None:
    found = permissions(factory.sending([people[0].channel]))

    assert (found.required, found.people, found.left_out) == ([], 5, 0)


def test_a_consent_that_was_deleted(people: list[Address]) -> None:
    draft = factory.draft([people[0].channel], audience=Audience(kind="all", consents=["Gone"]))

    found = permissions(draft)

    assert [(one.name, one.consent, one.given) for one in found.required] == [("Gone", None, 0)]
    assert (found.people, found.left_out) == (0, 5)
