"""Consents that an import brings: proof, withdrawals, and double opt-in."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from clarion.channels.models import Channel
from clarion.consents.grants import give, withdraw
from clarion.consents.manage import define
from clarion.consents.models import Change, Confirmation, Consent, Grant
from clarion.contacts.import_mapping import ColumnsError, chosen, guess, named
from clarion.contacts.imports import Choices, import_contacts
from clarion.contacts.models import Contact, Import
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def news() -> Consent:
    return define(name="News", category="", text="I want news.", by=factory.BY)


@pytest.fixture
def run(tmp_path: Path, channel: Channel, news: Consent) -> Callable[..., Import]:
    def run(*lines: str, mode: str = "both") -> Import:
        path = tmp_path / "signed up.csv"
        path.write_text("\n".join(["id,News", *lines]), encoding="utf-8")
        mapping = [f"address:{channel.pk}", f"consent:{news.pk}"]
        return import_contacts(
            path, channel=channel, choices=Choices(mapping, mode), by=factory.agent(name="Eve")
        )

    return run


def standing() -> dict[str, bool]:
    grants = Grant.objects.values_list("contact__addresses__value", "given")
    return dict(grants)


def test_given_and_withdrawn_with_their_proof(run: Callable[..., Import], news: Consent) -> None:
    done = run("1,yes", "2,withdrawn", "3,", "4,perhaps", "5,Given")
    assert (done.created, done.rejected) == (4, 1)
    assert standing() == {"1": True, "2": False, "5": True}
    change = Change.objects.get(contact__addresses__value="1")
    assert (change.how, change.detail) == ("import", f"import {done.pk}, signed up.csv")
    assert change.agent is not None
    assert (change.agent.name, change.at) == ("Eve", done.started_at)


def test_a_withdrawal_stays_and_what_is_the_same_changes_nothing(
    run: Callable[..., Import], channel: Channel, news: Consent
) -> None:
    people = factory.people(channel, 3, prefix="")
    yesterday = clock.now() - timedelta(days=1)
    give(news, [people[0].contact_id], how="form", by=factory.BY, at=yesterday)
    withdraw(news, [people[1].contact_id], how="keyword", by=factory.BY, at=yesterday)
    give(news, [people[2].contact_id], how="form", by=factory.BY, at=yesterday)
    before = Change.objects.count()
    done = run("0,given", "1,given", "2,withdrawn")
    assert (done.updated, done.unchanged) == (1, 2)
    assert standing() == {"0": True, "1": False, "2": False}
    assert Change.objects.count() == before + 1


def test_who_is_skipped_says_nothing(
    run: Callable[..., Import], channel: Channel, news: Consent
) -> None:
    factory.people(channel, 1, prefix="")
    assert run("0,given", "9,given", mode="update").skipped == 1
    assert standing() == {"0": True}
    assert Contact.objects.count() == 1


def test_a_consent_to_confirm_is_asked_for(
    run: Callable[..., Import], channel: Channel, news: Consent
) -> None:
    Consent.objects.filter(pk=news.pk).update(
        confirm_channel=channel, confirm_text="{{ confirm_url }}"
    )
    run("1,given")
    assert standing() == {}
    assert Confirmation.objects.get().detail.startswith("import ")


def test_columns_about_consents(channel: Channel, news: Consent) -> None:
    assert guess(["id", "NEWS "], [], [channel])[1] == f"consent:{news.pk}"
    assert named(["id", "x"], ["x=consent:News"], ["ignore"] * 2)[1] == f"consent:{news.pk}"
    with pytest.raises(ColumnsError, match="There is no consent called “Old”"):
        named(["id", "x"], ["x=consent:Old"], ["ignore"] * 2)
    here = f"address:{channel.pk}"
    with pytest.raises(ColumnsError, match="A consent was deleted"):
        chosen(["id", "x"], [here, f"consent:{news.pk + 1}"])
