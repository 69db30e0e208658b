"""Changing one contact by hand."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.contacts import tags
from clarion.contacts.editing import Edit, EditError, add_address, edit
from clarion.contacts.models import Attribute, Contact, Tag
from clarion.contacts.suppressions import entries
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Contact:
    """Somebody with a number and a text."""
    contact = factory.address(factory.channel("Shop"), "1001", "Ada").contact
    contact.attributes = {"city": "London", "age": 36}
    contact.save()
    tags.assign(["old", "vip"], [contact.pk], by=factory.BY)
    return contact


def test_what_is_given_is_changed_and_noted(ada: Contact) -> None:
    agent = factory.agent()
    wanted = Edit(
        name=" Ada King ",
        language="en_gb",
        attributes={"city": "", "age": "36", "Shoe size": "39"},
        tags=["vip", "new"],
    )

    changed = edit(ada, wanted, by=agent)

    assert sorted(changed) == [
        "Shoe_size", "city", "language", "name", "tags_added", "tags_removed"
    ]  # fmt: skip
    assert (ada.name, ada.language, ada.time_zone) == ("Ada King", "en-gb", "")
    assert ada.attributes == {"age": 36, "Shoe_size": "39"}
    names = Tag.objects.filter(taggings__contact=ada).values_list("name", flat=True)
    assert sorted(names) == ["new", "vip"]
    assert Attribute.objects.filter(name="Shoe_size").exists()
    entry = AuditEntry.objects.get(action="contact.edit")
    assert (entry.subject, entry.agent) == (f"contact {ada.pk}", agent)
    assert entry.detail["name"] == ["Ada", "Ada King"]
    assert entry.detail["attributes"] == {"city": ["London", ""], "Shoe_size": ["", "39"]}


def test_nothing_given_changes_nothing(ada: Contact) -> None:
    assert edit(ada, Edit(name="Ada", attributes={"age": "36"}), by=factory.BY) == []
    assert not AuditEntry.objects.filter(action="contact.edit").exists()


def test_everything_wrong_is_named_and_nothing_is_changed(ada: Contact) -> None:
    wanted = Edit(
        name="Grace",
        language="the Queen's English",
        time_zone="London",
        attributes={"name": "x"},
        tags=["a,b"],
    )

    with pytest.raises(EditError) as refused:
        edit(ada, wanted, by=factory.BY)

    assert sorted(refused.value.problems) == ["attributes", "language", "tags", "time_zone"]
    assert "Europe/Berlin" in refused.value.problems["time_zone"]
    assert Contact.objects.get(pk=ada.pk).name == "Ada"


def test_an_address_is_added_once_and_never_taken_from_somebody_else(ada: Contact) -> None:
    channel = factory.channel("Mail", "email")
    other = factory.address(channel, "bob@example.org", "Bob")

    address = add_address(ada, channel, "Ada@Example.org", by=factory.BY)

    assert (address.contact, address.value) == (ada, "ada@example.org")
    assert address.user_id == "Ada@example.org"
    for user_id, why in [
        ("ada@example.org", "has this address already"),
        ("BOB@example.org", f"belongs to contact {other.contact_id}"),
        ("ada", "can't be a user id on Mail"),
    ]:
        with pytest.raises(EditError, match=why):
            add_address(ada, channel, user_id, by=factory.BY)
    assert ada.addresses.count() == 2


def test_an_added_address_is_compared_with_the_suppression_list(ada: Contact) -> None:
    channel = factory.channel("Mail", "email")
    entries.add("*@example.org", kind="email", reason="complained", by=factory.BY)

    address = add_address(ada, channel, "ada@example.org", by=factory.BY)

    assert address.effective_state == "suppressed"
