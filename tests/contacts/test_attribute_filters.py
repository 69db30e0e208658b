"""Contacts found by an attribute, alike on both databases."""

from typing import Any

import pytest

from clarion.contacts.attribute_filters import AttributeFilter, ConditionError
from clarion.contacts.models import Contact
from clarion.contacts.search import contact_list

pytestmark = pytest.mark.django_db

PEOPLE: dict[str, dict[str, Any]] = {
    "Ada": {"city": "Bonn", "age": "36", "joined": "2026-03-01", "Größe": "Übergröße"},
    "Bob": {"city": "bonn am Rhein", "age": "9", "joined": "2026-11-30T10:00:00"},
    "Cem": {"city": "", "age": "unknown", "joined": "soon", "points": 12, "is_member": "yes"},
    "Dan": {"city": "100%_", "age": "-1.5", "joined": "2025-12-31", "a b": "x"},
    "Eve": {"age": "1.2.3", "joined": "20260301", "order": {"total": "7"}},
}


@pytest.fixture(autouse=True)
def people() -> None:
    for name, attributes in PEOPLE.items():
        Contact.objects.create(name=name, attributes=attributes, language="pt-BR")


def found(*typed: str) -> str:
    page = contact_list(attributes=[AttributeFilter.parse(each) for each in typed])
    return " ".join(sorted(row.name for row in page.rows))


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("city=Bonn", "Ada"),
        ("city = BONN ", "Ada"),
        ("city!=Bonn", "Bob Cem Dan Eve"),
        ("city~bonn", "Ada Bob"),
        ("city~%", "Dan"),
        ("city=100%_", "Dan"),
        ("city=b_nn", ""),
        ("Größe=ÜBERGRÖSSE", ""),
        ("Größe=übergröße", "Ada"),
        ("Größe~Größe", "Ada"),
        ("age>9", "Ada"),
        ("age>=9", "Ada Bob"),
        ("age<9", "Dan"),
        ("age<=-1.5", "Dan"),
        ("age>-100", "Ada Bob Dan"),
        ("points>=12", "Cem"),
        ("points=12", "Cem"),
        ("joined<2026-01-01", "Dan"),
        ("joined>2026-03-01", "Bob"),
        ("joined>=2026-03-01", "Ada Bob"),
        ("city", "Ada Bob Dan"),
        ("!city", "Cem Eve"),
        ("nobody_has_it", ""),
        ("order.total=7", "Eve"),
        ("name=ada", "Ada"),
        ("name!=ada", "Bob Cem Dan Eve"),
        ("language=pt-br", "Ada Bob Cem Dan Eve"),
        ("time_zone", ""),
        ("city=a=b>c", ""),
    ],
)
def test_whom_a_condition_finds(typed: str, names: str) -> None:
    assert found(typed) == names


def test_all_conditions_must_hold() -> None:
    assert found("city~bonn", "age>10") == "Ada"


@pytest.mark.parametrize("quotes", ['a"b', "a'b", "a\\b", "a,b", '"]', "$.x"])
def test_any_name_and_any_value_is_taken_as_it_is(quotes: str) -> None:
    Contact.objects.create(name="Odd", attributes={"odd": quotes})
    assert found(f"odd={quotes}") == "Odd"
    assert found(f"{quotes.replace('.', '')}_=x") == ""


@pytest.mark.parametrize(
    "typed", ["", "=x", "!city=Bonn", "city=", "age>old", "age<2026-02-30", "x" * 101]
)
def test_what_is_no_condition_is_refused_with_what_to_do(typed: str) -> None:
    with pytest.raises(ConditionError) as refused:
        AttributeFilter.parse(typed)
    assert str(refused.value).endswith(".")


def test_it_is_put_in_words() -> None:
    words = [AttributeFilter.parse(each).words() for each in ("city=Bonn", "age>=30", "!city")]
    assert words == ["city is “Bonn”", "age is at least 30", "city is not known"]
