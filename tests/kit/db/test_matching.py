import pytest

from clarion.contacts.models import Contact
from clarion.kit import db
from clarion.kit.db.matching import contains

NAMES = [
    "Ada Adler", "ADA", "Şükrü Çelik", "şükrü çelik", "ŞÜKRÜ ÇELIK", "Иван Петров", "100% Tom",
    "a_b", "axb", "back\\slash", "star*[1]?", "x^y$(z)", "Straße", "王小明", "O'Neil", "naïve ☃",
]  # fmt: skip


@pytest.fixture
def names(db):
    Contact.objects.bulk_create([Contact(name=name) for name in NAMES])


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("ada", {"Ada Adler", "ADA"}),
        ("DA A", {"Ada Adler"}),
        ("şükrü çe", {"Şükrü Çelik", "şükrü çelik", "ŞÜKRÜ ÇELIK"}),
        ("ÜKRÜ ÇEL", {"Şükrü Çelik", "şükrü çelik", "ŞÜKRÜ ÇELIK"}),
        ("krü", {"Şükrü Çelik", "şükrü çelik", "ŞÜKRÜ ÇELIK"}),
        ("иВАН п", {"Иван Петров"}),
        ("0%", {"100% Tom"}),
        ("%", {"100% Tom"}),
        ("a_b", {"a_b"}),
        ("\\", {"back\\slash"}),
        ("*[1]?", {"star*[1]?"}),
        ("^Y$(", {"x^y$(z)"}),
        ("straße", {"Straße"}),
        ("小", {"王小明"}),
        ("'", {"O'Neil"}),
        ("ï", {"naïve ☃"}),
        ("☃", {"naïve ☃"}),
        ("ü*", set()),
        ("nobody", set()),
    ],
)
def test_a_part_is_found_whatever_its_case(names, part, expected):
    condition, params = contains("name", part)

    rows = db.fetch(f"SELECT name FROM contacts_contact WHERE {condition}", params)

    assert {name for (name,) in rows} == expected


@pytest.mark.parametrize("special", list("*?[]^$.|()+{}%_\\'-"))
def test_no_character_has_a_meaning_of_its_own(names, special):
    Contact.objects.create(name=f"Ü{special}Z")

    for part in (f"ü{special}z", f"Ü{special}"):
        condition, params = contains("name", part)
        rows = db.fetch(f"SELECT name FROM contacts_contact WHERE {condition}", params)
        assert rows == [(f"Ü{special}Z",)]


@pytest.mark.only_on("postgresql")
def test_postgresql_rules_most_out_without_a_pattern(names):
    condition, params = contains("name", "Ş 100% Çelik")
    assert params[0] == r"% 100\% %"
    assert condition.index("LIKE") < condition.index("~")
    assert contains("name", "Иван")[1] == ["[Ии][Вв][Аа][Нн]"]
