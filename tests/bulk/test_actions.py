"""Bulk actions: whom they are about, what they do, and what a crash or a second worker leaves."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.bulk import actions, acts
from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.consents import grants, manage
from clarion.consents.models import Change, Confirmation, Consent, Grant
from clarion.contacts import attribute_changes, tag_changes, tags
from clarion.contacts.attribute_changes import AttributeProblem
from clarion.contacts.attribute_filters import AttributeFilter
from clarion.contacts.models import Address, Attribute, Contact, Suppression, Tag, Tagging
from clarion.records.models import Record
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY
EVERYONE = Selection()


@pytest.fixture
def people() -> list[Address]:
    return factory.people(factory.channel("Shop"), 7)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (acts._OfContacts, acts._Deletion):
        monkeypatch.setattr(act, "size", 2)


def add_tag(selection: Selection = EVERYONE, *names: str) -> BulkAction:
    options = acts.tag_options(names or ("vip",))
    return actions.start("tag", selection, options, by=BY)


def numbers(action: BulkAction) -> tuple[str, int, int, int, int]:
    action.refresh_from_db()
    return action.state, action.done, action.changed, action.unchanged, action.refused


def news(**more: object) -> Consent:
    return manage.define(name="News", text="I agree", by=BY, **more)  # type: ignore[arg-type]


class TestSelection:
    def test_filters_ids_and_everybody(self, people: list[Address]) -> None:
        shop = people[0].channel
        tags.assign(["a"], [people[0].contact_id, people[1].contact_id], by=BY)
        tag = Tag.objects.get()
        city = AttributeFilter.made("city", "equals", "berlin")
        other = factory.address(factory.channel("Other"), "u9", "Person 1000")
        ids = [person.contact_id for person in people]

        for selection, wanted in (
            (EVERYONE, [*ids, other.contact_id]),
            (Selection(channel_id=shop.pk), ids),
            (Selection(tag_id=tag.pk), ids[:2]),
            (Selection(q="person 1"), [ids[1], other.contact_id]),
            (Selection(q="person 1", channel_id=shop.pk, attributes=(city,)), ids[1:2]),
            (Selection.of_ids([ids[4], ids[2], ids[4], 10**12]), [ids[2], ids[4]]),
        ):
            again = Selection.stored(selection.dump())
            assert again == selection
            last = max(wanted)
            assert again.count(last) == len(wanted)
            assert again.after(0, last, 100) == sorted(wanted)
            assert again.after(min(wanted), last, 100) == sorted(wanted)[1:]

    def test_no_contact_is_no_selection(self) -> None:
        with pytest.raises(BulkError, match="at least one"):
            Selection.of_ids([0, -1])
        with pytest.raises(BulkError, match="at most 10,000"):
            Selection.of_ids(range(1, 10_002))


class TestSteps:
    def test_each_contact_once_and_all_accounted_for(
        self, people: list[Address], small_steps: None
    ) -> None:
        tags.assign(["vip"], [people[3].contact_id], by=BY)
        action = add_tag(EVERYONE, "vip", "new")
        told: list[int] = []

        assert actions.carry_out(action, lambda row: told.append(row.done))

        assert told == [2, 4, 6, 7]
        assert numbers(action) == ("done", 7, 7, 0, 0)
        assert Tagging.objects.count() == 14
        again = add_tag()
        assert actions.run_next()
        assert numbers(again) == ("done", 7, 0, 7, 0)
        assert not actions.run_next()

    def test_the_filter_may_end_to_fit_those_who_are_done(
        self, people: list[Address], small_steps: None
    ) -> None:
        tags.assign(["vip"], [person.contact_id for person in people], by=BY)
        selection = Selection(tag_id=Tag.objects.get().pk)
        action = actions.start("untag", selection, acts.tag_options(["vip"]), by=BY)

        assert actions.run_next()

        assert numbers(action) == ("done", 7, 7, 0, 0)
        assert not Tagging.objects.exists()

    def test_who_is_added_later_is_not_part_of_it(self, people: list[Address]) -> None:
        action = add_tag()
        late = factory.address(people[0].channel, "late")
        actions.carry_out(action)
        assert numbers(action) == ("done", 7, 7, 0, 0)
        assert not Tagging.objects.filter(contact=late.contact_id).exists()

    def test_it_continues_where_it_broke_off(
        self, people: list[Address], small_steps: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        action = add_tag()
        assert not actions.carry_out(action, stopping=lambda: True)
        assert numbers(action) == ("running", 2, 2, 0, 0)

        with monkeypatch.context() as patch:  # as a kill in the middle of a step

            def killed(*args: object, **changes: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(actions, "_write", killed)
            with pytest.raises(KeyboardInterrupt):
                actions.run_next()
        assert Tagging.objects.count() == 2

        assert actions.run_next()
        assert numbers(action) == ("done", 7, 7, 0, 0)
        assert Tagging.objects.count() == 7

    def test_a_second_process_leaves_it_to_the_first(
        self, people: list[Address], small_steps: None
    ) -> None:
        slow = add_tag()
        fast = BulkAction.objects.get()
        assert not actions.carry_out(fast, stopping=lambda: True)
        assert not actions.carry_out(slow)
        assert numbers(slow) == ("running", 2, 2, 0, 0)

    def test_cancelled_between_two_steps(self, people: list[Address], small_steps: None) -> None:
        action = add_tag()
        mine = BulkAction.objects.get()
        assert not actions.carry_out(mine, lambda row: actions.cancel(action, by=BY))
        assert numbers(action) == ("cancelled", 2, 2, 0, 0)
        assert not actions.run_next()
        with pytest.raises(BulkError, match="has ended already"):
            actions.cancel(action, by=BY)
        assert AuditEntry.objects.filter(action="bulk.cancel").count() == 1

    def test_what_was_agreed_to_is_compared(self, people: list[Address]) -> None:
        with pytest.raises(BulkError, match="there are 7 contacts, not 6"):
            actions.start("tag", EVERYONE, acts.tag_options(["vip"]), by=BY, counted=6)
        with pytest.raises(BulkError, match="No contacts match"):
            actions.start("tag", Selection(q="zzz"), acts.tag_options(["vip"]), by=BY)
        assert not BulkAction.objects.exists()

    def test_a_fault_ends_it_and_is_said(
        self, people: list[Address], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        action = add_tag()
        monkeypatch.setattr(tags, "attach", lambda *args: 1 / 0)
        assert actions.run_next()
        assert numbers(action) == ("failed", 0, 0, 0, 0)
        assert "worker's log" in action.error

    def test_the_audit_log_has_beginning_and_end(self, people: list[Address]) -> None:
        ada = factory.agent()
        action = actions.start("tag", EVERYONE, acts.tag_options(["vip"]), by=ada)
        actions.run_next()
        entries = AuditEntry.objects.filter(subject=str(action)).order_by("pk")
        assert [(row.action, row.agent) for row in entries] == [
            ("bulk.start", ada),
            ("bulk.done", ada),
        ]
        assert entries[1].detail == {"kind": "tag", "changed": 7, "unchanged": 0, "refused": 0}


class TestConsents:
    def test_given_with_proof(self, people: list[Address]) -> None:
        consent = news()
        grants.give(consent, [people[0].contact_id], how="page", by=BY)
        options = acts.consent_options(consent, proof="Fair in Bonn")
        action = actions.start("give", EVERYONE, options, by=BY)
        assert actions.run_next()
        assert numbers(action) == ("done", 7, 6, 1, 0)
        change = Change.objects.filter(contact=people[1].contact_id).get()
        assert (change.given, change.how, change.detail) == (True, "agent", "Fair in Bonn")
        assert not AuditEntry.objects.filter(action="consent.give", detail__who="6 contacts")

    def test_a_later_withdrawal_wins_and_is_named(self, people: list[Address]) -> None:
        consent = news()
        action = actions.start("give", EVERYONE, acts.consent_options(consent), by=BY)
        keen = people[2].contact_id
        grants.give(consent, [keen], how="page", by=BY)
        grants.withdraw(consent, [keen], how="page", by=BY)
        assert actions.run_next()
        assert numbers(action) == ("done", 7, 6, 0, 1)
        assert not Grant.objects.get(contact=keen).given
        [[reason, number, contacts]] = action.refusals
        assert "changed this consent" in reason
        assert (number, contacts) == (1, [keen])

    def test_withdrawn(self, people: list[Address]) -> None:
        consent = news()
        ids = [person.contact_id for person in people]
        grants.give(consent, ids[:3], how="page", by=BY)
        action = actions.start("withdraw", EVERYONE, acts.consent_options(consent), by=BY)
        assert actions.run_next()
        assert numbers(action) == ("done", 7, 7, 0, 0)
        assert not Grant.objects.filter(given=True).exists()

    def test_who_has_to_confirm_is_asked_or_named(self, people: list[Address]) -> None:
        mail = factory.channel("Mail", "email")
        reachable = people[0].contact
        Address.objects.create(contact=reachable, channel=mail, value="ada@example.org")
        consent = news()
        Consent.objects.update(confirm_channel=mail, confirm_text="{{ confirm_url }}")
        consent.refresh_from_db()
        action = actions.start("give", EVERYONE, acts.consent_options(consent), by=BY)
        assert actions.run_next()
        assert numbers(action) == ("done", 7, 1, 0, 6)
        assert [row.contact_id for row in Confirmation.objects.all()] == [reachable.pk]
        assert "no address on “Mail”" in action.refusals[0][0]

    def test_what_can_not_be_used_is_refused(self, people: list[Address]) -> None:
        consent = news()
        with pytest.raises(BulkError, match="at most 300"):
            acts.consent_options(consent, proof="x" * 301)
        with pytest.raises(BulkError, match="no way called"):
            acts.consent_options(consent, how="rumour")
        with pytest.raises(BulkError, match="can't be a tag"):
            acts.tag_options(["a,b"])
        with pytest.raises(BulkError, match="at least one tag"):
            acts.tag_options([])
        options = acts.consent_options(consent)
        action = actions.start("give", EVERYONE, options, by=BY)
        manage.remove(consent, by=BY)
        assert actions.run_next()
        assert numbers(action)[0] == "failed"
        assert "has been deleted" in action.error


def test_deleting_as_one_by_one(people: list[Address], small_steps: None) -> None:
    shop = people[0].channel
    twin = factory.address(factory.channel("Shop 2"), "u1", "Twin")
    delivery = factory.delivery(factory.broadcast("Autumn"), people[1])
    factory.record(delivery, content="Hello Ada")
    selection = Selection(channel_id=shop.pk)
    action = actions.start("delete", selection, acts.delete_options(suppress=True), by=BY)

    assert actions.run_next()

    assert numbers(action) == ("done", 7, 7, 0, 0)
    assert [contact.name for contact in Contact.objects.all()] == ["Twin"]
    assert Suppression.objects.filter(kind="webhook").count() == 7
    twin.refresh_from_db()
    assert twin.effective_state == "suppressed"
    delivery.refresh_from_db()
    assert Record.objects.get(delivery=delivery).content == ""
    assert AuditEntry.objects.filter(action="contact.delete").count() == 7


def test_attributes_that_an_open_action_chooses_by_are_not_rewritten(
    people: list[Address], small_steps: None
) -> None:
    """Else everybody would be without the attribute, and be deleted."""
    Contact.objects.filter(pk__gt=people[2].contact_id).update(attributes={"city": "Bonn"})
    Contact.objects.filter(pk__lte=people[2].contact_id).update(attributes={})
    city = Attribute.objects.get_or_create(name="city")[0]
    nowhere = Selection(attributes=(AttributeFilter.made("city", "unset"),))
    options = acts.delete_options(suppress=False)
    action = actions.start("delete", nowhere, options, by=BY, counted=3)

    with pytest.raises(AttributeProblem, match=f"“city” is used by bulk action {action.pk}"):
        attribute_changes.rename(city, "town", by=BY)
    with pytest.raises(AttributeProblem, match="is used by bulk action"):
        attribute_changes.change_type(city, "list", by=BY)
    with pytest.raises(AttributeProblem, match="is used by bulk action"):
        attribute_changes.delete(city, by=BY)
    actions.carry_out(action)

    assert numbers(action) == ("done", 3, 3, 0, 0)
    attribute_changes.rename(city, "town", by=BY)
    assert Contact.objects.filter(attributes={"town": "Bonn"}).count() == 4


def test_tags_that_are_renamed_or_merged_meanwhile(
    people: list[Address], small_steps: None
) -> None:
    ids = [person.contact_id for person in people]
    tags.assign(["gone", "kept"], ids, by=BY)
    tags.ensure_tags(["new", "other"])
    tags.ensure_tags(["old"])
    adding = add_tag(EVERYONE, "old", "other")
    actions.carry_out(adding, stopping=lambda: True)
    removing = actions.start("untag", EVERYONE, acts.tag_options(["gone"]), by=BY)

    tag_changes.merge(Tag.objects.get(name="old"), Tag.objects.get(name="new"), by=BY)
    tag_changes.rename(Tag.objects.get(name="other"), "renamed", by=BY)
    tag_changes.rename(Tag.objects.get(name="gone"), "going", by=BY)
    while actions.run_next():
        pass

    counts = {each.name: each.contacts for each in tags.tag_counts()}
    assert counts == {"going": 0, "kept": 7, "new": 7, "renamed": 7}
    assert numbers(adding) == numbers(removing) == ("done", 7, 7, 0, 0)
