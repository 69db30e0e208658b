"""Names of attributes."""

import pytest

from clarion.contacts.attributes import attribute_name, known_variables, note_attributes
from clarion.contacts.models import Contact
from clarion.content.rendering import compile_text, contact_context


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("city", "city"),
        ("City", "City"),
        (" First name ", "First_name"),
        ("plan-type", "plan_type"),
        ("2024 total", "_2024_total"),
        ("Größe (cm)", "Größe__cm_"),
        ("姓名", "姓名"),
        ("%%", ""),
        ("_", ""),
        ("x" * 101, ""),
    ],
)
def test_a_title_becomes_a_name_that_texts_can_use(title: str, name: str) -> None:
    assert attribute_name(title) == name
    if name:
        contact = contact_context("", {name: "seen"}, "", "", "1")
        assert compile_text(f"{{{{ contact.{name} }}}}").render(contact) == "seen"


@pytest.mark.django_db
def test_what_is_known_does_not_depend_on_who_has_it() -> None:
    note_attributes(["city", "city"])
    note_attributes(["city", "plan"])
    assert not Contact.objects.exists()
    assert known_variables() >= {"contact.city", "contact.plan", "contact.name", "contact.id"}
