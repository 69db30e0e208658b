"""Types of attributes: what they take, and what becomes of the values of contacts."""

from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.contacts import attribute_changes as changes
from clarion.contacts.attribute_changes import AttributeProblem
from clarion.contacts.attribute_filters import AttributeFilter, ConditionError
from clarion.contacts.attribute_types import WrongValueError, convert, detect
from clarion.contacts.attributes import note_attributes
from clarion.contacts.editing import Edit, EditError, edit
from clarion.contacts.models import Attribute, Contact, Import
from clarion.contacts.search import contact_list
from clarion.contacts.upserts import Upsert, upsert
from clarion.content import stories
from clarion.content.rendering import compile_text, contact_context
from clarion.kit import clock
from clarion.segments.conditions import Condition
from clarion.segments.manage import define
from support import factory

REFUSED = "refused"


@pytest.mark.parametrize(
    ("type_", "text", "stored"),
    [
        ("", "as it comes", "as it comes"),
        ("text", 12, "12"),
        ("number", "30", 30),
        ("number", "-1.50", -1.5),
        ("number", "1,5", 1.5),
        ("number", "1,234", REFUSED),
        ("number", "0,123", 0.123),
        ("number", "4.91511E+11", REFUSED),
        ("number", "'42", 42),
        ("number", "soon", REFUSED),
        ("number", "", REFUSED),
        ("number", True, REFUSED),
        ("date", "2026-11-30", "2026-11-30"),
        ("date", "2026-11-30 14:00", "2026-11-30T14:00:00"),
        ("date", "2026-11-30T14:00+02:00", "2026-11-30T12:00:00+00:00"),
        ("date", "0001-01-01T00:00+14:00", REFUSED),
        ("date", "9999-12-31T23:59-14:00", REFUSED),
        ("date", "30.11.2026", "2026-11-30"),
        ("date", "11/30/2026", "2026-11-30"),
        ("date", "30/11/2026", "2026-11-30"),
        ("date", "05/06/2026", REFUSED),
        ("date", "06/06/2026", "2026-06-06"),
        ("date", "31.11.2026", REFUSED),
        ("date", "20261130", REFUSED),
        ("date", "0026-11-30", "0026-11-30"),
        ("yes_no", "Yes", True),
        ("yes_no", "0", False),
        ("yes_no", False, False),
        ("yes_no", "perhaps", REFUSED),
        ("list", "a; b, a,,c", ["a", "b", "c"]),
        ("list", ["a, b", " c"], ["a, b", "c"]),
        ("list", ",".join(map(str, range(201))), REFUSED),
    ],
)
def test_what_a_type_makes_of_a_value(type_: str, text: Any, stored: Any) -> None:
    if stored is REFUSED:
        with pytest.raises(WrongValueError, match="; "):
            convert(type_, text)
    else:
        value = convert(type_, text)
        assert (value, type(value)) == (stored, type(stored))


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        ([], "text"),
        (["", " "], "text"),
        (["1", "2.5", ""], "number"),
        (["01067", "10115"], "text"),
        (["+4915112345678"], "text"),
        (["491511234567890"], "text"),
        (["0", "0.5"], "number"),
        (["2026-11-30", "30.11.2026"], "date"),
        (["yes", "No"], "yes_no"),
        (["1", "yes"], "yes_no"),
        (["x"], "text"),
        (["a,b"], "text"),
    ],
)
def test_detected_types(texts: list[str], type_: str) -> None:
    assert detect(texts) == type_


pytestmark = pytest.mark.django_db
PEOPLE: dict[str, dict[str, Any]] = {
    "Ada": {"age": "36", "joined": "30.11.2026", "vip": "yes", "likes": "tea; cake"},
    "Bob": {"age": "9,5", "joined": "2026-11-01", "vip": "no", "likes": "teapots"},
    "Cem": {"age": "old", "joined": "soon", "vip": "?", "likes": ""},
}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Attribute]:
    """Three contacts, and attributes whose types were declared after they had values."""
    note_attributes(PEOPLE["Ada"])
    for name, attributes in PEOPLE.items():
        Contact.objects.create(name=name, attributes=attributes)
    types = {"age": "number", "joined": "date", "vip": "yes_no", "likes": "list"}
    for name, type_ in types.items():
        changes.change_type(changes.find_attribute(name), type_, by=factory.BY)
    moment = clock.from_us(1_796_000_000_000_000)  # 2026-11-30
    monkeypatch.setattr(clock, "now", lambda: moment)
    return {row.name: row for row in Attribute.objects.all()}


def test_values_are_converted_and_others_stay(typed: dict[str, Attribute]) -> None:
    people = {person.name: person.attributes for person in Contact.objects.all()}
    assert people == {
        "Ada": {"age": 36, "joined": "2026-11-30", "vip": True, "likes": ["tea", "cake"]},
        "Bob": {"age": 9.5, "joined": "2026-11-01", "vip": False, "likes": ["teapots"]},
        "Cem": {"age": "old", "joined": "soon", "vip": "?"},
    }
    shown = changes.preview(typed["age"], "yes_no")
    assert (shown.values, shown.misfits) == (3, 3)
    assert shown.examples[0].why == "“36” is neither yes nor no; use yes or no"


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("age=36.0", "Ada"),
        ("age!=36", "Bob Cem"),
        ("age<10", "Bob"),
        ("joined=30.11.2026", "Ada"),
        ("joined>=2026-11-30", "Ada"),
        ("joined:10d", "Ada"),
        ("joined:30d", "Ada Bob"),
        ("!joined:10d", "Bob Cem"),
        ("vip=yes", "Ada"),
        ("vip=false", "Bob"),
        ("vip!=yes", "Bob Cem"),
        ("likes=Tea", "Ada"),
        ("likes!=tea", "Bob Cem"),
        ("likes~tea", "Ada Bob"),
    ],
)
def test_conditions_compare_by_type(
    typed: dict[str, Attribute], condition: str, names: str
) -> None:
    wanted = AttributeFilter.parse(condition)
    page = contact_list(attributes=[wanted])
    assert " ".join(sorted(row.name for row in page.rows)) == names
    assert Condition.parse(condition).short() == wanted.short()


@pytest.mark.parametrize(
    "condition",
    ["age=old", "age<2026-01-01", "joined>3", "vip>1", "likes<5", "age:30d", "joined:0d"],
)
def test_conditions_that_a_type_does_not_have(typed: dict[str, Attribute], condition: str) -> None:
    with pytest.raises(ConditionError):
        AttributeFilter.parse(condition)


def test_yes_and_no_of_an_attribute_that_is_not_declared() -> None:
    Contact.objects.create(name="Program", attributes={"member": True})
    Contact.objects.create(name="File", attributes={"member": "Yes"})
    Contact.objects.create(name="Other", attributes={"member": False})
    page = contact_list(attributes=[AttributeFilter.parse("member=yes")])
    assert sorted(row.name for row in page.rows) == ["File", "Program"]


def test_edits_are_checked(typed: dict[str, Attribute]) -> None:
    ada = Contact.objects.get(name="Ada")
    with pytest.raises(EditError, match=r"age: “x” is not a number; use one like 30 or 1\.5\."):
        edit(ada, Edit(attributes={"age": "x"}), by=factory.BY)
    edit(ada, Edit(attributes={"age": "37", "likes": "tea, cake", "vip": ""}), by=factory.BY)
    assert ada.attributes == {"age": 37, "joined": "2026-11-30", "likes": ["tea", "cake"]}
    edit(ada, Edit(attributes={"likes": ["a, b"]}), by=factory.BY)
    assert ada.attributes["likes"] == ["a, b"]


def test_programs_are_told_what_does_not_fit(typed: dict[str, Attribute]) -> None:
    channel = factory.channel()
    wrong, right = upsert(
        channel,
        [
            Upsert("1", attributes={"joined": "later"}),
            Upsert("2", attributes={"age": "4", "vip": "no", "likes": ["x"], "new": 5}),
        ],
        by=factory.BY,
    )
    assert wrong.field == "attributes.joined"
    assert wrong.sentence.startswith("“later” is not a date; use one like 2026-11-30")
    attributes = Contact.objects.get(pk=right.contact).attributes
    assert attributes == {"age": 4, "vip": False, "likes": ["x"], "new": 5}


def test_texts_show_typed_values(typed: dict[str, Attribute]) -> None:
    context = contact_context("Ada", Contact.objects.get(name="Ada").attributes, "", "", "1")
    text = (
        "{{ contact.age + 1 }} {% if contact.vip %}VIP{% endif %} {{ contact.likes | join('+') }}"
    )
    assert compile_text(text).render(context) == "37 VIP tea+cake"


@pytest.mark.parametrize("ends", ["repeated", "by a worker", "renamed back"])
def test_an_interrupted_rename_is_finished(
    typed: dict[str, Attribute], monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    def killed(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            changes.rename(typed["age"], "years", by=factory.BY)
    # Meanwhile a contact got a newer value under the new name.
    ada = Contact.objects.get(name="Ada")
    Contact.objects.filter(pk=ada.pk).update(attributes={**ada.attributes, "years": 37})
    with pytest.raises(AttributeProblem, match="is being renamed to “years”"):
        changes.declare("age", "text", by=factory.BY)

    if ends == "by a worker":
        assert changes.finish_next_rename()
        assert not changes.finish_next_rename()
    else:
        name = {"repeated": "years", "renamed back": "age"}[ends]
        changes.rename(changes.find_attribute("age"), name, by=factory.BY)

    name, other = ("age", "years") if ends == "renamed back" else ("years", "age")
    values = {row.name: row.attributes for row in Contact.objects.all()}
    assert {who: value[name] for who, value in values.items()} == {
        "Ada": 37,
        "Bob": 9.5,
        "Cem": "old",
    }
    assert not any(other in value for value in values.values())
    assert not changes.finish_next_rename()


@pytest.mark.parametrize("name", ["years", "old"])
def test_a_rename_that_was_asked_for_twice_at_once_loses_no_value(
    typed: dict[str, Attribute], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def killed(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    stale = Attribute.objects.get(name="age")  # as the second request read it
    with monkeypatch.context() as patch:
        patch.setattr(changes, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            changes.rename(typed["age"], "years", by=factory.BY)

    changes.rename(stale, name, by=factory.BY)

    assert {row.name: row.attributes.get(name) for row in Contact.objects.all()} == {
        "Ada": 36,
        "Bob": 9.5,
        "Cem": "old",
    }
    assert not changes.finish_next_rename()


def test_a_type_is_given_to_values_of_an_interrupted_rename_as_well(
    typed: dict[str, Attribute], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            changes.rename(typed["age"], "years", by=factory.BY)

    changes.change_type(changes.find_attribute("years"), "text", by=factory.BY)
    changes.finish_next_rename()

    values = {row.name: row.attributes["years"] for row in Contact.objects.all()}
    assert values == {"Ada": "36", "Bob": "9.5", "Cem": "old"}


def test_a_worker_that_stops_leaves_a_rename_to_the_next(
    typed: dict[str, Attribute], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            changes.rename(typed["age"], "years", by=factory.BY)
    monkeypatch.setattr(changes, "CHUNK", 1)
    answers = iter([False, False, True, True])

    changes.finish_next_rename(lambda: next(answers))

    assert sum("years" in row.attributes for row in Contact.objects.all()) == 1
    assert changes.finish_next_rename()
    assert all("years" in row.attributes for row in Contact.objects.all())


def test_an_interrupted_deletion_can_be_repeated(
    typed: dict[str, Attribute], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: Any, **_options: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(changes, "_rewrite", killed)
        with pytest.raises(KeyboardInterrupt):
            changes.delete(typed["likes"], by=factory.BY)

    assert changes.delete(changes.find_attribute("likes"), by=factory.BY) == 2
    assert not any("likes" in contact.attributes for contact in Contact.objects.all())


def test_rename_follows_conditions_and_spares_texts(typed: dict[str, Attribute]) -> None:
    segment = define(name="Old", conditions=[Condition.parse("age>30")], by=factory.BY)
    stories.create_story(
        name="Greeting",
        blocks=[{"kind": "text", "text": "You like {{ contact.likes | join }}"}],
        by=factory.BY,
    )
    with pytest.raises(AttributeProblem, match="shown in story “Greeting”"):
        changes.rename(typed["likes"], "loves", by=factory.BY)
    with pytest.raises(AttributeProblem, match="used by segment “Old”"):
        changes.delete(typed["age"], by=factory.BY)
    changes.rename(typed["age"], "years", by=factory.BY)
    segment.refresh_from_db()
    assert segment.conditions[0]["name"] == "years"
    assert Contact.objects.get(name="Ada").attributes["years"] == 36
    assert not [p for p in Contact.objects.all() if "age" in p.attributes]
    with pytest.raises(AttributeProblem, match="already an attribute called “vip”"):
        changes.rename(typed["joined"], "vip", by=factory.BY)
    rows = {row.attribute.name: row for row in changes.attribute_list()}
    assert (rows["years"].contacts, rows["years"].uses) == (3, ["segment “Old”"])


def test_triggers_follow_and_broadcasts_prevent(typed: dict[str, Attribute]) -> None:
    conditions = [{"attribute": "vip", "is": "equals", "value": "yes"}]
    live = factory.live(
        [factory.channel()],
        type="trigger",
        text="Since {{ contact.joined | default('ever') }}",
        trigger={"on": "tag", "tag": "x", "conditions": conditions},
    )
    with pytest.raises(AttributeProblem, match=f"shown in broadcast {live.pk}"):
        changes.rename(typed["joined"], "since", by=factory.BY)
    changes.rename(typed["vip"], "important", by=factory.BY)
    assert Broadcast.objects.get().trigger["conditions"][0]["attribute"] == "important"


def test_deleting_removes_the_values(typed: dict[str, Attribute]) -> None:
    assert changes.delete(typed["age"], by=factory.BY) == 3
    assert not [p for p in Contact.objects.all() if "age" in p.attributes]
    with pytest.raises(AttributeProblem, match="no attribute called “age”"):
        changes.find_attribute("age")


@pytest.mark.parametrize("name", ["", "first name", "name", "Language", "9", "x" * 101])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(AttributeProblem, match="can't be the name of an attribute"):
        changes.declare(name, "text", by=factory.BY)


def test_declaring_twice() -> None:
    changes.declare("birthday", "date", by=factory.BY)
    with pytest.raises(AttributeProblem, match="Change its type instead"):
        changes.declare("birthday", "text", by=factory.BY)


@pytest.mark.django_db
def test_what_a_running_import_writes_is_not_rewritten() -> None:
    """It goes on writing the name and the type that it began with."""
    channel = factory.channel("Shop")
    note_attributes(["city", "age"])
    city, age = (Attribute.objects.get(name=name) for name in ("city", "age"))
    mapping = [f"address:{channel.pk}", "attribute::city"]
    row = Import.objects.create(
        channel=channel, filename="x.csv", id_column="id", mapping=mapping, state="waiting"
    )
    for change in (
        lambda: changes.rename(city, "town", by=factory.BY),
        lambda: changes.change_type(city, "list", by=factory.BY),
        lambda: changes.delete(city, by=factory.BY),
    ):
        with pytest.raises(AttributeProblem, match=f"is used by import {row.pk}"):
            change()
    changes.change_type(age, "number", by=factory.BY)
    Import.objects.update(state="done")
    assert changes.rename(city, "town", by=factory.BY).name == "town"
