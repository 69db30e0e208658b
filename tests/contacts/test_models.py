"""What goes with a contact, a tag, a channel, without a constraint in the database."""

import pytest
from django.db.models import ProtectedError

from clarion.contacts.models import Address, Tag, Tagging
from clarion.contacts.tags import assign
from support import factory

pytestmark = pytest.mark.django_db


def test_a_deleted_contact_leaves_no_address_and_no_tagging() -> None:
    gone, stays = factory.people(factory.channel(), 2)
    assign(["vip"], [gone.contact_id, stays.contact_id], by="test")
    gone.contact.delete()
    assert list(Address.objects.values_list("pk", flat=True)) == [stays.pk]
    assert list(Tagging.objects.values_list("contact", flat=True)) == [stays.contact_id]


def test_a_deleted_tag_leaves_no_tagging() -> None:
    (person,) = factory.people(factory.channel(), 1)
    assign(["vip", "new"], [person.contact_id], by="test")
    Tag.objects.get(name="vip").delete()
    assert list(Tagging.objects.values_list("tag__name", flat=True)) == ["new"]


def test_a_channel_with_people_stays() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    with pytest.raises(ProtectedError):
        channel.delete()
