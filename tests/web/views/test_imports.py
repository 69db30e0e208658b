"""Imports: upload, dry run, progress, result."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.accounts.models import AuditEntry
from clarion.channels.models import Channel
from clarion.contacts import import_undo, imports
from clarion.contacts.models import Contact, Import
from clarion.engine import reap
from support import factory

pytestmark = pytest.mark.django_db

PEOPLE = b"id,name,city\n1,Ada,London\n2,Ben,Berlin\n2,Again,Berlin\n,Nobody,Rome\n"


def upload(
    client: Client, channel: Channel, content: bytes, *, check: bool = False, **more: str
) -> Import | str:
    """Post the form; the import once it has ended, or the page when the form is shown again."""
    page = first_page(client, channel, content, **more)
    if "look" not in page.context:
        return str(page.content.decode())
    return send_on(client, page, {"check": "yes"} if check else {})


def first_page(client: Client, channel: Channel, content: bytes, **more: str) -> Any:
    """What comes after choosing the file: the page of its columns, or the form again."""
    file = SimpleUploadedFile("people.csv", content, "text/csv")
    return client.post("/contacts/import/", {"channel": str(channel.pk), "file": file, **more})


def send_on(
    client: Client, page: Any, changes: dict[str, Any], to: dict[str, str] | None = None
) -> Import | str:
    """Send the page of the columns as it is shown, with these ``changes``; ``to``: by title."""
    response = client.post("/contacts/import/", sent(page, to) | changes)
    if response.status_code == 200:
        return str(response.content.decode())
    return ended(pk_of(response))


def sent(page: Any, to: dict[str, str] | None = None) -> dict[str, Any]:
    """What the page of the columns sends."""
    rows = page.context["rows"]
    targets = [(to or {}).get(row.look.title, row.look.target) for row in rows]
    return {**page.context["hidden"], "to": targets}


def pk_of(response: Any) -> int:
    """The import that a page leads to."""
    return int(response["Location"].rstrip("/").rpartition("/")[2])


def ended(pk: int) -> Import:
    """The import once a worker has done it."""
    imports.run_next(1, lambda: False)
    return Import.objects.get(pk=pk)


def test_n2_import(admin: Client, channel: Channel, settings: Settings) -> None:
    folder = settings.CLARION.data / "uploads"
    before = set(folder.glob("*"))

    done = upload(admin, channel, PEOPLE, tags="vip, new")

    assert isinstance(done, Import)
    assert (done.state, done.created) == ("done", 2)
    assert (done.repeated, done.rejected) == (1, 1)
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Ada", "Ben"]
    html = admin.get(f"/contacts/import/{done.pk}/").content.decode()
    assert "Show contacts" in html
    rejects = admin.get(f"/contacts/import/{done.pk}/rejects.csv").getvalue().decode()
    assert rejects.splitlines()[0] == "line,value,reason"
    assert len(rejects.splitlines()) == 3
    exported = AuditEntry.objects.get(action="data.export")
    assert exported.subject == f"rejected lines of import {done.pk}"
    assert set(folder.glob("*")) <= before


def test_no_channel_is_chosen_where_there_are_several(admin: Client, channel: Channel) -> None:
    alone = admin.get("/contacts/import/").content.decode()
    assert "Choose a channel" not in alone
    factory.channel("another")
    several = admin.get("/contacts/import/").content.decode()
    assert '<option value="" selected>Choose a channel</option>' in several
    wanted = admin.get(f"/contacts/import/?channel={channel.pk}").content.decode()
    assert f'<option value="{channel.pk}" selected>' in wanted

    file = SimpleUploadedFile("people.csv", PEOPLE, "text/csv")
    refused = admin.post("/contacts/import/", {"channel": "", "file": file}).content.decode()
    assert "Choose a channel." in refused
    assert not Import.objects.exists()


def test_n2_the_page_shows_the_first_rows_and_why_lines_were_left_out(
    admin: Client, channel: Channel
) -> None:
    checked = upload(admin, channel, PEOPLE, check=True)
    assert isinstance(checked, Import)
    page = admin.get(f"/contacts/import/{checked.pk}/").content.decode()
    for shown in ("same id as line 3", "the id is empty", "Rejected lines", "London"):
        assert shown in page

    done = upload(admin, channel, PEOPLE)
    assert isinstance(done, Import)
    page = admin.get(f"/contacts/import/{done.pk}/").content.decode()
    assert "the id is empty" in page
    assert "London" not in page  # the upload is gone


def test_n2_a_dry_run_changes_nothing_and_offers_the_import(
    admin: Client, channel: Channel
) -> None:
    checked = upload(admin, channel, PEOPLE, check=True)

    assert isinstance(checked, Import)
    assert not Contact.objects.exists()
    assert "Import 2 contacts" in admin.get(f"/contacts/import/{checked.pk}/live").content.decode()

    response = admin.post(f"/contacts/import/{checked.pk}/go")
    done = ended(pk_of(response))
    assert done.created == Contact.objects.count() == 2
    assert pk_of(admin.post(f"/contacts/import/{checked.pk}/go")) == done.pk
    assert "do-import" not in admin.get(f"/contacts/import/{checked.pk}/").content.decode()


def test_somebody_elses_dry_run_is_not_offered(
    admin: Client, channel: Channel, log_in: "object"
) -> None:
    checked = upload(admin, channel, PEOPLE, check=True)
    assert isinstance(checked, Import)

    other = log_in("manager")  # type: ignore[operator]

    assert "do-import" not in other.get(f"/contacts/import/{checked.pk}/").content.decode()
    response = other.post(f"/contacts/import/{checked.pk}/go", follow=True)
    assert "Only the person who checked a file can import it." in response.content.decode()
    assert not Import.objects.filter(dry_run=False).exists()


def test_the_import_page_says_when_no_worker_is_running(admin: Client, channel: Channel) -> None:
    page = first_page(admin, channel, PEOPLE)
    pk = pk_of(admin.post("/contacts/import/", sent(page)))

    html = admin.get(f"/contacts/import/{pk}/live").content.decode()
    assert "No worker is running." in html
    assert "Waiting for a worker to start" in html
    reap.register()
    html = admin.get(f"/contacts/import/{pk}/live").content.decode()
    assert "No worker is running." not in html
    assert "Waiting for a worker to start" in html
    ended(pk)
    assert "Waiting" not in admin.get(f"/contacts/import/{pk}/live").content.decode()


def test_a_second_click_leads_to_the_same_import(admin: Client, channel: Channel) -> None:
    checked = upload(admin, channel, PEOPLE, check=True)
    assert isinstance(checked, Import)
    first = pk_of(admin.post(f"/contacts/import/{checked.pk}/go"))
    assert pk_of(admin.post(f"/contacts/import/{checked.pk}/go")) == first


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"id,name\n1,\x81\n", "Line 2, byte 11 of the file"),
        (b"id,name\n", "nothing below"),
    ],
)
def test_a_bad_file_is_refused_beside_the_field(
    admin: Client, channel: Channel, content: bytes, says: str
) -> None:
    html = upload(admin, channel, content)

    if isinstance(html, Import):  # found out while it was being read
        assert html.state == "failed"
        html = html.error
    assert says in html
    assert not Contact.objects.exists()


def test_the_column_is_chosen_when_it_is_not_clear(admin: Client, channel: Channel) -> None:
    page = first_page(admin, channel, b"first,second\n1,Ada\n")
    refused = send_on(admin, page, {})
    assert isinstance(refused, str)
    assert "No column has addresses." in refused

    done = send_on(admin, page, {}, {"first": f"address:{channel.pk}"})
    assert isinstance(done, Import)
    assert (done.id_column, done.created) == ("first", 1)


FILE = """sep=;
Chat id;E-mail;Full name;Labels;Age;Born;Notes
1001;ada@example.org;Ada Löwe;vip, new;36;10.12.1815;x
1002;;Ben Ötker;;;;y
"""


def test_the_columns_of_a_file_of_a_spreadsheet(admin: Client) -> None:
    bot = factory.channel("bot", "telegram")
    mail = factory.channel("mail", "email")
    page = first_page(admin, bot, FILE.encode("cp1252"))
    html = " ".join(page.content.decode().split())
    for shown in ("Windows-1252", "semicolon", "named by the line “sep=”", "Ada Löwe"):
        assert shown in html
    guessed = {row.look.title: row.look.target for row in page.context["rows"]}
    assert guessed == {
        "Chat id": f"address:{bot.pk}",
        "E-mail": f"address:{mail.pk}",
        "Full name": "name",
        "Labels": "tags",
        "Age": "attribute:number:Age",
        "Born": "attribute:date:Born",
        "Notes": "attribute:text:Notes",
    }
    done = send_on(admin, page, {"wins": "stored"}, {"Notes": "ignore"})
    assert isinstance(done, Import)
    assert (done.created, done.rejected, done.wins) == (2, 0, "stored")
    ada = Contact.objects.get(name="Ada Löwe")
    assert ada.attributes == {"Age": 36, "Born": "1815-12-10"}
    assert sorted(ada.addresses.values_list("value", flat=True)) == ["1001", "ada@example.org"]
    assert sorted(ada.taggings.values_list("tag__name", flat=True)) == ["new", "vip"]

    again = first_page(admin, bot, FILE.replace("Notes", " NOTES ").encode("utf-16"))
    assert again.context["look"].is_remembered
    assert [row.look.target for row in again.context["rows"]][-1] == "ignore"
    assert "UTF-16" in again.content.decode()
    done = send_on(admin, again, {})
    assert isinstance(done, Import)
    assert (done.created, done.updated, done.unchanged) == (0, 0, 2)

    other = factory.channel("other bot", "telegram")
    elsewhere = first_page(admin, other, FILE.encode("cp1252"))
    assert not elsewhere.context["look"].is_remembered
    assert elsewhere.context["rows"][0].look.target == f"address:{other.pk}"


def test_numbers_that_a_spreadsheet_has_shortened(admin: Client) -> None:
    channel = factory.channel("wa", "webhook")
    page = first_page(admin, channel, b"id,x\n4.91511E+11,1\n'+491511,2\n")
    assert "A spreadsheet has shortened numbers here." in page.content.decode()
    done = send_on(admin, page, {})
    assert isinstance(done, Import)
    assert (done.created, done.rejected) == (1, 1)
    assert channel.addresses.get().value == "+491511"
    html = admin.get(f"/contacts/import/{done.pk}/").content.decode()
    assert "“4.91511E+11” was shortened by a spreadsheet" in html


@pytest.mark.parametrize("token", ["../../secret", "x" * 20, ""])
def test_tokens_lead_to_uploads_only(admin: Client, channel: Channel, token: str) -> None:
    fields = {"channel": channel.pk, "token": token, "filename": "p.csv"}

    response = admin.post("/contacts/import/", fields)

    assert response.status_code == 200
    assert not Import.objects.exists()


def test_a_tag_that_can_not_be_is_refused(admin: Client, channel: Channel) -> None:
    html = upload(admin, channel, PEOPLE, tags="x" * 101)

    assert isinstance(html, str)
    assert "can’t be a tag" in html or "can&#x27;t be a tag" in html


def test_a8_contacts_that_have_written(admin: Client, channel: Channel) -> None:
    checked = upload(admin, channel, PEOPLE, check=True, have_written="on")
    assert isinstance(checked, Import)
    assert checked.have_written
    response = admin.post(f"/contacts/import/{checked.pk}/go")
    assert ended(pk_of(response)).have_written
    assert channel.addresses.filter(has_written=True, value__in=["1", "2"]).count() == 2


def test_an_import_is_undone(admin: Client, channel: Channel) -> None:
    done = upload(admin, channel, PEOPLE)
    assert isinstance(done, Import)
    url = f"/contacts/import/{done.pk}/"
    assert "Undo import" in admin.get(url).content.decode()
    assert "It added 2 contacts." in " ".join(admin.get(f"{url}undo/").content.decode().split())
    factory.draft([channel]).picks.create(address=channel.addresses.get(value="1"))
    admin.post(f"{url}undo/")
    assert "A worker is undoing this import." in admin.get(url).content.decode()
    while import_undo.undo_next(lambda: False):
        pass
    html = " ".join(admin.get(url).content.decode().split())
    assert "Deleted: 1. Restored: 0. Could not be undone: 1." in html
    assert b"was chosen for a broadcast" in admin.get(f"{url}not-undone.csv").getvalue()
    assert admin.get(f"{url}undo/").status_code == 302
