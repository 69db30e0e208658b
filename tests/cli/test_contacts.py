"""``clarion contacts import``."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.contacts.models import Address, Contact, Tagging
from clarion.content.rendering import contact_context

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str | bytes], str]:
    """Write a CSV file and return its path."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_the_document(
    channel: str, file: Callable[[str], str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    done = ok_json(
        "contacts", "import", file("id,name,city\n1,Ann,Bonn\n,Bo,Rome\n1,Ann again,Bonn\n"),
        "--channel", channel, "--tag", "vip", "--tag", "new", "--rejects", str(rejects),
    )  # fmt: skip
    assert done.pop("seconds") >= 0
    assert done.pop("id") > 0
    assert done == {
        "file": "people.csv",
        "channel": channel,
        "id_column": "id",
        "tags": ["new", "vip"],
        "have_written": False,
        "dry_run": False,
        "lines": 3,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "repeated": 1,
        "rejected": 1,
        "rejects_file": str(rejects),
    }
    with rejects.open(encoding="utf-8-sig", newline="") as reader:
        assert [row[0] for row in csv.reader(reader)][1:] == ["3", "4"]
    assert Tagging.objects.count() == 2


def test_every_other_column_becomes_an_attribute(
    channel: str, file: Callable[[str], str], ok: Callable[..., str]
) -> None:
    printed = ok(
        "contacts", "import", file("mail;name;city\na@b.org;Ann;Bonn\n"),
        "--channel", channel, "--id-column", "mail",
    )  # fmt: skip
    assert printed.startswith("Imported 1 line in ")
    assert printed.endswith(
        " s: 1 new, 0 updated, 0 unchanged, 0 skipped, 0 repeated, 0 rejected.\n"
    )
    person = Contact.objects.get()
    context = contact_context(
        person.name, person.attributes, person.language, person.time_zone, "a@b.org"
    )
    assert context["city"] == "Bonn"
    assert Address.objects.get().value == "a@b.org"


def test_again_updates(
    channel: str, file: Callable[[str], str], ok_json: Callable[..., Any]
) -> None:
    first = ok_json("contacts", "import", file("id,name\n1,Ann\n2,Bo\n"), "--channel", channel)
    again = ok_json("contacts", "import", file("id,name\n2,Bob\n3,Cy\n"), "--channel", channel)
    assert (first["created"], first["updated"]) == (2, 0)
    assert (again["created"], again["updated"]) == (1, 1)
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ann", "Bob", "Cy"}


def test_a_dry_run_changes_nothing(
    channel: str, file: Callable[[str], str], clarion: Callable[..., Any]
) -> None:
    result = clarion(
        "contacts", "import", file("id,name\n1,Ann\n"), "--channel", channel, "--tag", "x",
        "--dry-run",
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.stdout.startswith("Checked 1 line in ")
    assert "This was a dry run: nothing was changed." in result.stderr
    assert not Contact.objects.exists()


def test_rejected_lines_are_pointed_to(
    channel: str, file: Callable[[str], str], clarion: Callable[..., Any]
) -> None:
    result = clarion("contacts", "import", file("id,name\n,Ann\n2,Bo\n"), "--channel", channel)
    assert result.exit_code == 0
    assert "The lines that were left out and the reasons are in " in result.stderr
    path = Path(result.stderr.strip().splitlines()[-1].rpartition(" are in ")[2].removesuffix("."))
    assert path.exists()


def test_progress_is_shown(
    channel: str, file: Callable[[str], str], clarion: Callable[..., Any]
) -> None:
    lines = "".join(f"{number},n{number}\n" for number in range(12_000))
    result = clarion("contacts", "import", file(f"id,name\n{lines}"), "--channel", channel)
    assert "Importing: 100 % – 12,000 lines" in result.stderr
    assert result.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,name\n1,Ann\n2,B\x81rn\n", "Line 3"),
        (b"id,name\n1,\xc8\xe2\xe0\xed\n", "Line 2"),
        (b"", "empty"),
        (b"id,name\n", "nothing below it"),
        (b"id,name\n1,A\x00nn\n", "NUL"),
        (b"a,b\n1,2\n", "column"),
        (b"id," + b",".join(b"c%d" % n for n in range(100_000)) + b"\n1\n", "columns"),
    ],
    ids=["undefined", "cyrillic", "empty", "title only", "nul", "which column", "too many columns"],
)
def test_a_file_that_can_not_be_taken_is_refused_in_one_sentence(
    channel: str,
    file: Callable[[bytes], str],
    refused: Callable[..., str],
    content: bytes,
    said: str,
) -> None:
    message = refused("contacts", "import", file(content), "--channel", channel)
    assert said in message
    assert "\n" not in message
    assert len(message) < 400
    assert not Contact.objects.exists()


def test_a_huge_cell_is_no_reason_to_fail(
    channel: str, file: Callable[[bytes], str], clarion: Callable[..., Any]
) -> None:
    content = b"id,name,note\n1,Ann,%s\n2,Bo,x\n" % (b"x" * 10_000_000)
    result = clarion("contacts", "import", file(content), "--channel", channel)
    assert "Traceback" not in result.output
    # The line is rejected or the file refused; either way the reason is said and short.
    assert result.exit_code in (0, 1)
    assert len(result.stderr) < 1000
    assert result.exit_code == 1 or "1 rejected" in result.stdout


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_can_not_be_read(
    channel: str, refused: Callable[..., str], tmp_path: Path, name: str
) -> None:
    message = refused("contacts", "import", str(tmp_path / name), "--channel", channel)
    assert "can't be read" in message
    assert "\n" not in message


def test_an_unknown_channel(
    db: None, file: Callable[[str], str], refused: Callable[..., str]
) -> None:
    said = refused("contacts", "import", file("id\n1\n"), "--channel", "nowhere")
    assert said == "There is no channel called “nowhere”. Add one first."


def test_rejects_can_not_be_written(
    channel: str, file: Callable[[str], str], refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "rejects.csv"
    said = refused(
        "contacts", "import", file("id,name\n,Ann\n"), "--channel", channel,
        "--rejects", str(path),
    )  # fmt: skip
    assert str(path) in said
    assert "\n" not in said


def test_n1_contacts_are_listed_by_attribute(
    channel: str, file: Callable[[str], str], ok: Callable[..., str], ok_json: Callable[..., Any],
    clarion: Callable[..., Any],
) -> None:  # fmt: skip
    ok("contacts", "import", file("id,name,city,age\n1,Ann,Bonn,41\n2,Bo,Rome,9\n3,Cy,Bonn,\n"),
       "--channel", channel, "--tag", "vip")  # fmt: skip
    listed = ok_json("contacts", "list", "--where", "city=bonn", "--where", "age>=10")
    assert [(one["name"], one["tags"]) for one in listed] == [("Ann", ["vip"])]
    assert listed[0]["addresses"][0]["user"] == "1"
    printed = ok("contacts", "list", "--where", "!age", "--channel", channel, "--tag", "vip")
    assert "Cy" in printed
    assert "Bo" not in printed
    assert "No contacts match." in ok("contacts", "list", "--where", "city=Oslo")
    assert "Only the first 1 are shown" in clarion("contacts", "list", "--limit", "1").stderr
    wrong = clarion("contacts", "list", "--where", "age>old")
    assert wrong.exit_code == 2
    assert "with a number or a date" in wrong.stderr.replace("\n", " ")


def test_an_import_is_undone(
    channel: str, file: Callable[[str], str], ok_json: Callable[..., Any],
    refused: Callable[..., str], ok: Callable[..., str],
) -> None:  # fmt: skip
    done = ok_json("contacts", "import", file("id,name\n1,Ann\n2,Bo\n"), "--channel", channel)
    Contact.objects.filter(name="Bo").update(name="Bob")
    contact = Contact.objects.get(name="Bob")
    ok("contacts", "edit", f"#{contact.pk}", "--name", "Bo B")
    undone = ok_json("contacts", "undo-import", str(done["id"]), "--yes")
    assert undone.pop("kept_file").endswith(f"undo-{done['id']}.csv")
    assert undone == {"import": done["id"], "deleted": 1, "restored": 0, "kept": 1}
    assert [each.name for each in Contact.objects.all()] == ["Bo B"]
    assert "can't be undone any more" in refused(
        "contacts", "undo-import", str(done["id"]), "--yes"
    )
    assert "There is no import" in refused("contacts", "undo-import", "999999", "--yes")
