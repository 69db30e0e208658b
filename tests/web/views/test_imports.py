"""Imports: upload, dry run, progress, result."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.channels.models import Channel
from clarion.contacts import imports
from clarion.contacts.models import Contact, Import
from clarion.engine import reap
from support import factory

pytestmark = pytest.mark.django_db

PEOPLE = b"id,name,city\n1,Ada,London\n2,Ben,Berlin\n2,Again,Berlin\n,Nobody,Rome\n"


def upload(
    client: Client, channel: Channel, content: bytes, *, check: bool = False, **more: str
) -> Import | str:
    """Post the form; the import once it has ended, or the page when the form is shown again."""
    file = SimpleUploadedFile("people.csv", content, "text/csv")
    fields = {"channel": str(channel.pk), "file": file, **more} | (
        {"check": "yes"} if check else {}
    )
    response = client.post("/contacts/import/", fields)
    if response.status_code == 200:
        return response.content.decode()
    return ended(pk_of(response))


def pk_of(response: Any) -> int:
    """The import that a page leads to."""
    return int(response["Location"].rstrip("/").rpartition("/")[2])


def ended(pk: int) -> Import:
    """The import once a worker has done it."""
    imports.run_next(1, lambda: False)
    return Import.objects.get(pk=pk)


def test_import(admin: Client, channel: Channel, settings: Settings) -> None:
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


def test_the_page_shows_the_first_rows_and_why_lines_were_left_out(
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


def test_a_dry_run_changes_nothing_and_offers_the_import(admin: Client, channel: Channel) -> None:
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
    file = SimpleUploadedFile("people.csv", PEOPLE, "text/csv")
    pk = pk_of(admin.post("/contacts/import/", {"channel": channel.pk, "file": file}))

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
        (b"id,name\n1,\xff\xfe\n", "UTF-8"),
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
    html = upload(admin, channel, b"first,second\n1,Ada\n", check=True)
    assert isinstance(html, str)
    assert '<option value="second">second</option>' in html
    token = html.partition('name="token" value="')[2].partition('"')[0]
    assert token

    chosen = {"channel": channel.pk, "id_column": "first", "token": token, "filename": "p.csv"}
    response = admin.post("/contacts/import/", chosen)

    done = ended(pk_of(response))
    assert (done.id_column, done.created) == ("first", 1)


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
