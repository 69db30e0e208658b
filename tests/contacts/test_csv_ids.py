"""An audience from a CSV file of user ids (A3)."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from clarion.channels.models import Channel
from clarion.contacts import csv_ids, identities
from clarion.contacts.csv_ids import IdList, IdsRefused, read_ids
from clarion.contacts.models import Address, Contact
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel()
    factory.people(channel, 30)
    factory.people(factory.channel("other"), 1, prefix="only-there-")
    return channel


@pytest.fixture
def read(tmp_path: Path, channel: Channel) -> Callable[..., IdList]:
    def read(content: str | bytes, **options: object) -> IdList:
        path = tmp_path / "ids.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_ids(path, channel=channel, **options)  # type: ignore[arg-type]

    return read


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        path = tmp_path / "file.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def values(ids: IdList) -> list[str]:
    return sorted(Address.objects.filter(pk__in=ids.address_ids).values_list("value", flat=True))


@pytest.mark.parametrize(
    "content",
    [
        "anything at all\nu1\nu2\n",
        "\ufeffuser id\r\nu1\r\nu2\r\n",
        '"id"\n"u1"\n"u2"\n',
        'id\n"u1"\nu2',
        "x\n\n u1 \n\nu2\n\n",
        "name;id\nAda;u1\nBob;u2\n",
    ],
)
def test_takes_those_who_are_known(read: Callable[..., IdList], content: str) -> None:
    ids = read(content)
    assert values(ids) == ["u1", "u2"]
    assert (ids.rejected, ids.rejected_count, ids.rejects_path) == ([], 0, None)


@pytest.mark.parametrize("content", ["u1\nu2\n", "\n\n u1 \nu2", '"u1";Ada\nu2;Bob\n'])
def test_a_first_line_that_is_a_known_id_is_no_title(
    read: Callable[..., IdList], content: str
) -> None:
    ids = read(content, column="u1")
    assert values(ids) == ["u1", "u2"]
    assert (ids.has_title, ids.column, ids.rejected) == (False, "u1", [])


@pytest.mark.parametrize("title", ["2024", "ada@example.org", "12345678", "u99", "何でも"])
def test_any_title_will_do(read: Callable[..., IdList], title: str) -> None:
    """One that looks like an id is listed: perhaps it was meant as one."""
    ids = read(f"{title}\nu1\nu2\n")
    assert values(ids) == ["u1", "u2"]
    assert ids.has_title
    listed = [] if title in ("u99", "何でも") else [(1, title, "the header row; not known on sink")]
    assert ids.rejected == listed


def test_a_repeat_of_the_first_line(read: Callable[..., IdList]) -> None:
    ids = read("\nu1\nu2\nu1\n")
    assert values(ids) == ["u1", "u2"]
    assert ids.rejected == [(4, "u1", "same id as line 2")]


def test_repeats_are_compared_in_the_form_that_is_stored(file: Callable[[str], Path]) -> None:
    email = factory.channel("mail", "email")
    contact = Contact.objects.create()
    Address.objects.create(contact=contact, channel=email, value="muster@example.org")
    found = read_ids(
        file("id\nMuster@Example.org\nmuster@example.org\n MUSTER@example.org\n"), channel=email
    )
    assert len(found.address_ids) == 1
    assert [(line, reason) for line, _, reason in found.rejected] == [
        (3, "same id as line 2"),
        (4, "same id as line 2"),
    ]


@pytest.mark.parametrize("chunk", [1, 5_000])
def test_two_ids_of_one_contact_are_sent_to_once_and_listed(
    file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(csv_ids, "CHUNK", chunk)
    channel = factory.channel("two")
    (address,) = factory.people(channel, 1)
    identities.join(channel, ["u0", "other"])
    found = read_ids(file("id\nother\nnobody\nu0\n"), channel=channel)
    assert list(found.address_ids) == [address.pk]
    assert found.rejected == [
        (3, "nobody", "not known on two"),
        (4, "", "another user id of the contact in line 2"),
    ]


def test_every_other_row_is_listed(read: Callable[..., IdList], tmp_path: Path) -> None:
    content = f"name,id\nA,u1\nB,nobody\nC\nD,only-there-0\nE,\nF,u1\nG,{'x' * 321}\nH,u2\n"
    ids = read(content, rejects=tmp_path / "rejects.csv")
    assert values(ids) == ["u1", "u2"]
    expected = [
        (3, "nobody", "not known on sink"),
        (4, "", "too few cells: 1 instead of 2"),
        (5, "only-there-0", "not known on sink"),
        (6, "", "the id is empty"),
        (7, "u1", "same id as line 2"),
        (8, "x" * 200, "the id is longer than 320 characters"),
    ]
    assert ids.rejected == expected
    assert ids.rejected_count == 6
    with (tmp_path / "rejects.csv").open(newline="") as file:
        written = list(csv.reader(file))
    assert written[1:] == [[str(line), value, reason] for line, value, reason in expected]


def test_the_column_is_chosen_where_there_are_several(read: Callable[..., IdList]) -> None:
    content = "name,key\nu3,u1\n"
    with pytest.raises(IdsRefused, match=r"The columns are: name, key\.") as refused:
        read(content)
    assert refused.value.columns == ["name", "key"]
    assert values(read(content, column="key")) == ["u1"]
    assert values(read(content, column="name")) == ["u3"]
    assert read(content, column="name").columns == ["name", "key"]
    with pytest.raises(IdsRefused, match="There is no column “no”"):
        read(content, column="no")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty. Choose a file with a header row and rows below it."),
        (b"id\n", "The file has a header row and nothing below it."),
        ("id\nu1\nü\n".encode("latin-1"), ("Line 3, byte 7 of the file: this is not UTF-8. "
         "Save the file as “CSV UTF-8”.")),
        (b"id\nu1\0\n", "Line 2 has a NUL character. Save the file as CSV again."),
    ],
)  # fmt: skip
def test_refuses_with_a_sentence(
    read: Callable[..., IdList], content: bytes, sentence: str
) -> None:
    with pytest.raises(IdsRefused) as refused:
        read(content)
    assert str(refused.value) == sentence


def test_a_file_that_is_not_there(channel: Channel, tmp_path: Path) -> None:
    with pytest.raises(IdsRefused, match="No such file"):
        read_ids(tmp_path / "none.csv", channel=channel)


def test_only_the_first_rejects_are_kept(
    read: Callable[..., IdList], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_ids, "CHUNK", 100)
    rows = "".join(f"no{number}\n" for number in range(1_500))
    ids = read("id\n" + rows + "u7\n", rejects=tmp_path / "rejects.csv")
    assert (ids.rejected_count, len(ids.rejected)) == (1_500, 1_000)
    assert values(ids) == ["u7"]
    assert len((tmp_path / "rejects.csv").read_text().splitlines()) == 1_501
    assert [reject.line for reject in ids.rejected] == list(range(2, 1_002))


def test_only_those_who_have_written_where_that_is_asked(
    read: Callable[..., IdList], channel: Channel
) -> None:
    Address.objects.filter(value="u2").update(has_written=False)
    content = "id\nu1\nu2\nnobody\n"
    assert values(read(content)) == ["u1", "u2"]
    found = read(content, only_written=True)
    assert values(found) == ["u1"]
    assert [(one.line, one.value, one.reason) for one in found.rejected] == [
        (3, "u2", "has never written to sink"),
        (4, "nobody", "not known on sink"),
    ]
