"""Attributes that a story's webhook answers: what is taken, and how it is stored."""

from typing import Any

import pytest

from clarion.contacts import attribute_values
from clarion.contacts.attribute_types import WrongValueError
from clarion.contacts.attribute_values import fitting, set_values
from clarion.contacts.models import Attribute, Contact
from support import factory

TYPES = {"age": "number", "since": "date", "vip": "yes_no", "likes": "list"}


def test_n1_values_take_the_form_of_their_types() -> None:
    values = {"age": "30", "since": "30.11.2026", "vip": "yes", "likes": "a, b", "other": 1.5}
    assert fitting({**values, "gone": None}, TYPES) == {
        "age": 30, "since": "2026-11-30", "vip": True, "likes": ["a", "b"], "other": 1.5,
        "gone": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"age": "many"}, "“age”: “many” is not a number"),
        ({"first name": "Anna"}, "can't be the name of an attribute"),
        ({"name": "Anna"}, "“name” can't be the name"),
        ({"": "Anna"}, "can't be the name"),
        ({"order": {"total": 3}}, "“order” must be a text"),
        ({"likes": [1]}, "“likes” must be"),
        ({"city": "a\x00b"}, "can't be stored"),
        ({f"a{number}": 1 for number in range(51)}, "51 attributes: 50 are allowed"),
    ],
)
def test_n1_what_an_attribute_does_not_take_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongValueError) as raised:
        fitting(values, TYPES)
    assert said in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.django_db
def test_n1_attributes_are_merged_by_address_and_may_be_set_again(db: None) -> None:
    anna, ben = factory.people(factory.channel(), 2)
    Contact.objects.filter(pk=anna.contact_id).update(attributes={"city": "Bonn", "age": 7})
    values = {anna.pk: {"city": None, "points": 7}, ben.pk: {"points": 0}, 0: {"points": 1}}
    for _ in range(2):
        set_values(values)
    assert Contact.objects.get(pk=anna.contact_id).attributes == {"age": 7, "points": 7}
    assert Contact.objects.get(pk=ben.contact_id).attributes["points"] == 0
    assert set(Attribute.objects.values_list("name", flat=True)) >= {"points"}


@pytest.mark.django_db
def test_n1_what_makes_a_contact_too_large_is_left_out(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_values, "ATTRIBUTES_LIMIT", 40)
    (anna,) = factory.people(factory.channel(), 1)
    Contact.objects.update(attributes={})
    set_values({anna.pk: {"a": "x" * 20, "b": "y" * 20, "c": 1}})
    assert Contact.objects.get(pk=anna.contact_id).attributes == {"a": "x" * 20, "c": 1}
