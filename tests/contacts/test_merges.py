"""Merging two contacts by hand, and undoing it."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from pytest_django.fixtures import Settings

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Firing
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.codes.models import Code, CodePool, Redemption
from clarion.consents import confirmations, grants, preferences
from clarion.consents.manage import Confirming, define
from clarion.consents.models import Confirmation, Consent, Grant
from clarion.consents.proof import NO_PROOF, Proof
from clarion.contacts import identities, merges, tags
from clarion.contacts.deleting import delete_contact
from clarion.contacts.duplicates import duplicates
from clarion.contacts.editing import Edit, edit
from clarion.contacts.merges import MergeError
from clarion.contacts.merging import merge_contacts
from clarion.contacts.models import Address, Contact, Merge
from clarion.kit import clock
from clarion.segments.models import Membership, Segment
from support import factory

pytestmark = pytest.mark.django_db
# What a merge and its undoing may write: what they are for, and what is only ever added.
ADDED = {"contacts_merge", "accounts_auditentry", "consents_grant"}


@pytest.fixture
def pair() -> tuple[Contact, Contact]:
    """Ada on two channels: two contacts, each with something of every kind."""
    shop, mail = factory.channel("Shop"), factory.channel("Mail", "email")
    ada = factory.address(shop, "1001", "Ada").contact
    other = factory.address(mail, "ada@example.org", "Ada King").contact
    Contact.objects.filter(pk=ada.pk).update(attributes={"city": "London"}, language="en")
    Contact.objects.filter(pk=other.pk).update(
        attributes={"city": "Bonn", "age": 36}, language="de", time_zone="Europe/Berlin"
    )
    tags.assign(["both"], [ada.pk, other.pk], by=factory.BY)
    tags.assign(["theirs"], [other.pk], by=factory.BY)
    news, ads = define(name="News", by=factory.BY), define(name="Ads", by=factory.BY)
    grants.give(news, [ada.pk, other.pk], how="agent", by=factory.BY)
    grants.withdraw(news, [ada.pk], how="agent", by=factory.BY)
    grants.give(ads, [other.pk], how="agent", by=factory.BY)
    pool = CodePool.objects.create(name="Spring")
    trigger = factory.live_row("Hi", type="trigger", trigger={"on": "event", "event": "x"})
    segment = Segment.objects.create(name="All", is_watched=True)
    for contact in (ada, other):
        code = Code.objects.create(
            pool=pool, code=f"C{contact.pk}", contact=contact, chain=1, issued_at=clock.now()
        )
        Redemption.objects.create(code=code, contact=contact)
        Firing.objects.create(
            broadcast=trigger, contact=contact, happened_at=clock.now(), due_at=clock.now()
        )
        Membership.objects.create(segment=segment, contact=contact)
    ada.refresh_from_db()
    other.refresh_from_db()
    return ada, other


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, but for those that are only added to."""
    return {
        model._meta.db_table: list(model._base_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.db_table not in ADDED
    }


def taggings_without_ids(state: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A tagging that comes back has another id; nothing refers to that."""
    rows = [{**row, "id": 0} for row in state["contacts_tagging"]]
    rows.sort(key=lambda row: (row["tag_id"], row["contact_id"]))
    memberships = [{**row, "id": 0} for row in state["segments_membership"]]
    memberships.sort(key=lambda row: row["contact_id"])
    return {**state, "contacts_tagging": rows, "segments_membership": memberships}


def given() -> set[tuple[str, int, bool]]:
    rows = Grant.objects.values_list("consent__name", "contact", "given")
    return {(str(name), int(contact), bool(is_given)) for name, contact, is_given in rows}


def test_the_preview_is_what_results(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair

    shown = merges.preview(ada, other)
    merges.merge(ada.pk, other.pk, by=factory.BY)

    ada.refresh_from_db()
    results = {row.name: row.result for row in shown.rows}
    assert results == {
        "name": "Ada", "language": "en", "time_zone": "Europe/Berlin", "city": "London",
        "age": "36",
    }  # fmt: skip
    assert (ada.name, ada.language, ada.time_zone) == ("Ada", "en", "Europe/Berlin")
    assert ada.attributes == {"city": "London", "age": 36}
    assert [row.name for row in shown.rows if row.differs] == ["name", "language", "city"]
    assert shown.tags[2] == ["both", "theirs"]
    assert shown.doubled == []
    assert ada.addresses.count() == 2
    assert not Contact.objects.filter(pk=other.pk).exists()


def test_undoing_restores_both_exactly(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    before, grants_before = taggings_without_ids(everything()), given()

    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    assert taggings_without_ids(everything()) != before
    back = merges.undo(row.pk, by=factory.BY)

    assert back.pk == other.pk
    assert taggings_without_ids(everything()) == before
    assert given() == grants_before
    assert Merge.objects.get().before == {}
    actions = AuditEntry.objects.filter(subject=f"contact {ada.pk}").values_list(
        "action", flat=True
    )
    assert {"contacts.merge", "contacts.unmerge"} <= set(actions)
    with pytest.raises(MergeError):
        merges.undo(row.pk, by=factory.BY)


def test_what_came_since_stays_with_the_kept_contact(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    changed = Edit(name="Ada L.", attributes={"city": "Paris", "shoe": "39"}, tags=["both", "new"])
    edit(Contact.objects.get(pk=ada.pk), changed, by=factory.BY)

    merges.undo(row.pk, by=factory.BY)

    ada.refresh_from_db()
    assert (ada.name, ada.time_zone) == ("Ada L.", "")
    assert ada.attributes == {"city": "Paris", "shoe": "39"}
    names = ada.taggings.values_list("tag__name", flat=True)
    assert sorted(names) == ["both", "new"]


def test_what_was_withdrawn_since_is_withdrawn_for_both(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    address = Address.objects.get(value="ada@example.org")
    preferences.stop_all(address.pk, Proof(ip="192.0.2.7"), clock.now())

    back = merges.undo(row.pk, by=factory.BY)

    assert not Grant.objects.filter(consent__name="Ads", given=True).exists()
    newest = grants.changes(back)[0]
    assert (newest.given, newest.how, newest.ip) == (False, "page", "192.0.2.7")


def test_what_was_given_again_since_stays_given(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    ads = Consent.objects.get(name="Ads")
    for change in (grants.withdraw, grants.give):
        change(ads, [ada.pk], how="agent", by=factory.BY)

    back = merges.undo(row.pk, by=factory.BY)

    assert Grant.objects.get(consent=ads, contact=back).given


def test_who_was_asked_to_confirm_is_the_contact_of_the_address(
    pair: tuple[Contact, Contact], settings: Settings
) -> None:
    ada, other = pair
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    mail = Channel.objects.get(name="Mail")
    tips = define(name="Tips", confirming=Confirming(mail), by=factory.BY)
    grants.give(tips, [other.pk], how="agent", by=factory.BY)
    asked = Confirmation.objects.get()
    row = merges.merge(ada.pk, other.pk, by=factory.BY)

    merges.undo(row.pk, by=factory.BY)
    confirmations.confirm(asked.pk, NO_PROOF, clock.now())

    assert Grant.objects.get(consent=tips).contact_id == other.pk


def test_merging_and_undoing_while_a_broadcast_runs_keeps_its_numbers(
    pair: tuple[Contact, Contact],
) -> None:
    ada, other = pair
    shop = Address.objects.get(value="1001").channel
    mail = Address.objects.get(value="ada@example.org").channel
    broadcast = factory.sending([shop, mail])

    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    assert reconcile(broadcast.pk).ok
    factory.settle_all(shop)
    merges.undo(row.pk, by=factory.BY)
    factory.settle_all(mail)

    assert factory.states(broadcast) == {"sent": 2}
    assert reconcile(broadcast.pk).ok


def test_an_address_that_turned_out_to_be_the_kept_ones_stays_there(
    pair: tuple[Contact, Contact],
) -> None:
    ada, other = pair
    shop = Address.objects.get(value="1001").channel
    second = Address.objects.create(contact=other, channel=shop, value="2002")
    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    identities.join(shop, ["1001", "2002"])

    merges.undo(row.pk, by=factory.BY)

    second.refresh_from_db()
    assert second.contact_id == ada.pk
    assert [address.value for address in other.addresses.all()] == ["ada@example.org"]


def test_what_can_t_be_merged_or_undone_is_refused(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    with pytest.raises(MergeError, match="same contact"):
        merges.merge(ada.pk, ada.pk, by=factory.BY)
    with pytest.raises(MergeError, match="does not exist"):
        merges.merge(ada.pk, 999, by=factory.BY)
    row = merges.merge(ada.pk, other.pk, by=factory.BY)
    third = factory.address(factory.channel("Third"), "3", "Third").contact
    later = merges.merge(third.pk, ada.pk, by=factory.BY)
    with pytest.raises(MergeError, match="merged later"):
        merges.undo(row.pk, by=factory.BY)
    merges.undo(later.pk, by=factory.BY)
    Merge.objects.update(created_at=clock.now() - timedelta(days=merges.DAYS + 1))
    with pytest.raises(MergeError, match="too long ago"):
        merges.undo(row.pk, by=factory.BY)
    merges.forget_old()
    assert not Merge.objects.exists()


def test_deleting_a_contact_forgets_what_was_merged_into_it(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    merges.merge(ada.pk, other.pk, by=factory.BY)

    delete_contact(Contact.objects.get(pk=ada.pk), suppress=False, by=factory.BY)

    assert not Merge.objects.exists()


def test_deleting_a_contact_forgets_whoever_became_part_of_it(
    pair: tuple[Contact, Contact],
) -> None:
    ada, other = pair
    edit(other, Edit(name="Ada Lovelace"), by=factory.BY)
    apart = factory.address(Channel.objects.get(name="Mail"), "zoe@example.org", "Zoe").contact
    edit(apart, Edit(name="Zoe B."), by=factory.BY)
    merges.undo(merges.merge(ada.pk, apart.pk, by=factory.BY).pk, by=factory.BY)
    merges.merge(ada.pk, other.pk, by=factory.BY)
    last = factory.address(Channel.objects.get(name="Shop"), "1002", "A. L.").contact
    merge_contacts(last.pk, ada.pk)

    delete_contact(Contact.objects.get(pk=last.pk), suppress=False, by=factory.BY)

    assert not Merge.objects.filter(undone_at=None).exists()
    details = AuditEntry.objects.filter(action="contact.edit").values_list("subject", "detail")
    assert dict(details) == {
        f"contact {other.pk}": {},
        f"contact {apart.pk}": {"name": ["Zoe", "Zoe B."]},
    }


def test_likely_duplicates_and_why(pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    edit(ada, Edit(attributes={"email": "ADA@example.org"}), by=factory.BY)
    first, second = factory.channel("A"), factory.channel("B")
    left = factory.address(first, "77", "Bob")
    right = factory.address(second, "77", "Bobby")
    same = [factory.address(first, f"s{number}", "Carl Smith") for number in range(2)]

    pairs = {(pair.first, pair.second): pair.reason for pair in duplicates()}

    assert pairs == {
        (left.contact_id, right.contact_id): "Same user id on two channels: 77",
        (ada.pk, other.pk): "email is ada@example.org",
        (same[0].contact_id, same[1].contact_id): "Same name: Carl Smith",
    }
