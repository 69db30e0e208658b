"""What columns become: several addresses, modes, which value wins, and that every line counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.channels.models import Channel
from clarion.contacts import attribute_changes, import_run
from clarion.contacts.import_mapping import ColumnsError, chosen, guess, named, parse
from clarion.contacts.import_run import ImportRefused
from clarion.contacts.imports import Choices, import_contacts, read_choices, rejects_file
from clarion.contacts.models import Address, Attribute, Contact, Import
from clarion.kit.csvfile import CsvError
from clarion.kit.encodings import find_encoding
from support import factory

pytestmark = pytest.mark.django_db

TITLES = ["chat", "mail", "name", "age"]


@pytest.fixture
def bot() -> Channel:
    return factory.channel("bot", "telegram")


@pytest.fixture
def mail() -> Channel:
    return factory.channel("mail", "email")


@pytest.fixture
def run(tmp_path: Path, bot: Channel, mail: Channel) -> Callable[..., Import]:
    def run(*lines: str, titles: list[str] = TITLES, to: Any = None, **options: Any) -> Import:
        path = tmp_path / "people.csv"
        path.write_text("\n".join([",".join(titles), *lines]), encoding="utf-8")
        mapping = to or [f"address:{bot.pk}", f"address:{mail.pk}", "name", "attribute:number:age"]
        choices = Choices(mapping, options.pop("mode", "both"), options.pop("wins", "file"))
        done = import_contacts(path, channel=bot, choices=choices, by=factory.BY, **options)
        counts = (
            done.created, done.updated, done.unchanged, done.skipped, done.repeated, done.rejected,
        )  # fmt: skip
        assert sum(counts) == done.lines == len(lines)
        return done

    return run


def reasons(done: Import) -> list[str]:
    path = rejects_file(done)
    assert path is not None
    return [line.rpartition(",")[2] for line in path.read_text("utf-8").splitlines()[1:]]


def addresses(name: str) -> list[str]:
    rows = Address.objects.filter(contact__name=name).order_by("value")
    return list(rows.values_list("value", flat=True))


def test_several_addresses_of_one_contact(
    run: Callable[..., Import], bot: Channel, mail: Channel
) -> None:
    known = factory.address(mail, "cem@example.org", "Cem")
    factory.address(bot, "7", "Dan")
    factory.address(mail, "dan@example.org", "Other Dan")
    done = run(
        "1,ada@example.org,Ada,36",
        "2,,Ben,",
        ",Eve@example.org,Eve,",
        "3,cem@example.org,Cem,40",
        "7,dan@example.org,Dan,",
        "1,again@example.org,Ada,",
        "8,ADA@example.org,Ada,",
        ",,Nobody,",
        "9,nothing,Zoe,",
    )
    assert (done.created, done.updated, done.repeated, done.rejected) == (3, 1, 2, 3)
    assert addresses("Ada") == ["1", "ada@example.org"]
    assert addresses("Eve") == ["eve@example.org"]
    assert addresses("Cem") == ["3", "cem@example.org"]
    assert Address.objects.get(value="3").contact_id == known.contact_id
    assert Attribute.objects.get(name="age").type == "number"
    text = " ".join(reasons(done))
    assert "merge these first" in text
    assert "it has no address" in text
    assert "mail: " in text
    assert text.count("same id as line 2") == 2
    again = run("1,ada@example.org,Ada,36", "3,cem@example.org,,")
    assert (again.unchanged, again.updated) == (2, 0)


def test_a_dry_run_of_several_addresses(run: Callable[..., Import], bot: Channel) -> None:
    factory.address(bot, "1", "Ada")
    done = run("1,ada@example.org,Ada,1", "2,b@example.org,Ben,2", dry_run=True)
    assert (done.created, done.updated) == (1, 1)
    assert not Attribute.objects.exists()


@pytest.mark.parametrize(
    ("mode", "counts", "names"),
    [
        ("both", (1, 1, 0), ["Ada L", "Ben"]),
        ("add", (1, 0, 1), ["Ada", "Ben"]),
        ("update", (0, 1, 1), ["Ada L"]),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_modes(
    run: Callable[..., Import], bot: Channel, mode: str, counts: tuple[int, ...],
    names: list[str], dry_run: bool,
) -> None:  # fmt: skip
    factory.address(bot, "1", "Ada")
    done = run("1,,Ada L,", "2,,Ben,", mode=mode, dry_run=dry_run)
    assert (done.created, done.updated, done.skipped) == counts
    stored = sorted(Contact.objects.values_list("name", flat=True))
    assert stored == (["Ada"] if dry_run else names)


def test_what_is_stored_may_win(run: Callable[..., Import], bot: Channel) -> None:
    ada = factory.address(bot, "1", "Ada").contact
    run("1,,Other,36", wins="stored")
    ada.refresh_from_db()
    assert (ada.name, ada.attributes) == ("Ada", {"age": 36})
    done = run("1,,Other,37", wins="stored")
    assert (done.updated, done.unchanged) == (0, 1)
    run("1,,Other,37")
    ada.refresh_from_db()
    assert (ada.name, ada.attributes) == ("Other", {"age": 37})


def test_tags_of_lines(
    run: Callable[..., Import], bot: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "CHUNK", 2)
    to = [f"address:{bot.pk}", "tags"]
    done = run("1,a; b", "2,", "3,b", f"4,{'x' * 101}", titles=["chat", "labels"], to=to)
    assert (done.created, done.rejected) == (3, 1)
    assert "can't be a tag" in " ".join(reasons(done)) or "no comma" in " ".join(reasons(done))
    tagged = Contact.objects.filter(taggings__tag__name="b")
    assert sorted(tagged.values_list("addresses__value", flat=True)) == ["1", "3"]
    again = run("1,a", "2,c", titles=["chat", "labels"], to=to)
    assert (again.unchanged, again.updated) == (1, 1)


def test_a_type_that_an_attribute_has_already_stays(run: Callable[..., Import]) -> None:
    attribute_changes.declare("age", "text", by=factory.BY)
    run("1,,Ada,36")
    assert Contact.objects.get().attributes == {"age": "36"}
    assert Attribute.objects.get().type == "text"


def test_mappings_that_are_refused(bot: Channel) -> None:
    here = f"address:{bot.pk}"
    for mapping, why in [
        ([here], "other columns now"),
        (["ignore", "name"], "No column has addresses"),
        (["address:999999", "name"], "A channel was deleted"),
        ([here, here], "become the same"),
        ([here, "surname"], "nothing that a column can become"),
        ([here, "attribute::a b"], "can't be the name of an attribute"),
        ([here, "attribute:int:a"], "nothing that a column can become"),
    ]:
        with pytest.raises(ColumnsError, match=why):
            chosen(["a", "b"], mapping)


def test_what_commands_write(bot: Channel, tmp_path: Path) -> None:
    base = ["ignore", "ignore", "name"]
    wanted = ["b=address:bot", "a = b=attribute:plan", "a = b=attribute:number:plan"]
    titles = ["a = b", "b", "c"]
    assert named(titles, wanted, base) == ["attribute:number:plan", f"address:{bot.pk}", "name"]
    assert parse(0, "attribute::plan").dump() == "attribute::plan"
    for text, why in [("x=name", "no column called “x”"), ("b=address:no", "no channel called")]:
        with pytest.raises(ColumnsError, match=why):
            named(titles, [text], base)
    path = tmp_path / "x.csv"
    path.write_text("chat id,age\n1,2\n")
    choices = read_choices(path, bot, None, ["age=ignore"], "add", keep=True)
    assert choices == Choices([f"address:{bot.pk}", "ignore"], "add", "stored")
    with pytest.raises(ImportRefused, match="There is no mode “all”"):
        read_choices(path, bot, None, (), "all", keep=False)


def test_guesses(bot: Channel, mail: Channel) -> None:
    Attribute.objects.create(name="plan")
    titles = ["Email", "id", "NAME", "name ", "plan", "zip", "%"]
    rows = [["a@b.c", "1", "A", "B", "x", "01067", "1"]]
    assert guess(titles, rows, [bot, mail]) == [
        f"address:{mail.pk}", f"address:{bot.pk}", "name", "ignore", "attribute::plan",
        "attribute:text:zip", "ignore",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"id,name\n1,Ada\n", "utf-8-sig"),
        ("\ufeffid\nÖ".encode(), "utf-8-sig"),
        ("id\nÖtker".encode("utf-16"), "utf-16"),
        ("id\n“Löwe” € 5".encode("cp1252"), "cp1252"),
        (b"id\n1\x81", "Line 2, byte 5 of the file: this is neither UTF-8 nor Windows-1252"),
        ("id\nÖ".encode() + b"\n\xe4\n", "Line 2, byte 4 of the file: this is UTF-8, and other"),
        ("id\nИван".encode("cp1251"), "Line 2, byte 4 of the file: this is not UTF-8, and which"),
        (b"x" * (1024 * 1024 - 1) + b"\n\xe0" + b"\xe1\xe2", "Line 2, byte 1,048,577 of the file"),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, encoding: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    if encoding.startswith("Line"):
        with pytest.raises(CsvError, match=encoding):
            find_encoding(path)
    else:
        assert find_encoding(path) == encoding
