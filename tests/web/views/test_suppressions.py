"""The pages of the suppression list."""

from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from clarion.accounts.models import AuditEntry, Role
from clarion.bulk import actions
from clarion.bulk.models import BulkAction
from clarion.channels.contract import AddressReport
from clarion.contacts import addresses
from clarion.contacts.models import Address, Suppression
from clarion.contacts.suppressions import reports
from clarion.contacts.suppressions.entries import add
from clarion.kit import clock
from clarion.web.views import suppressions
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
URL = "/contacts/suppressions/"
MAILGUN = {"api_key": "k" * 32, "domain": "example.org", "sender": "News <news@example.org>"}


@pytest.fixture
def ada() -> Address:
    return factory.address(factory.channel("mail", "email"), "ada@example.com", "Ada")


def test_empty_added_found_and_removed(admin: Client, ada: Address) -> None:
    assert b"No entries yet" in admin.get(URL).content
    fields = {"pattern": "*@example.com", "kind": "email", "reason": "blocked", "note": "Rival"}
    said = admin.post(f"{URL}new/", fields, follow=True).content.decode()
    assert "“*@example.com” is on the list. It matches 1 address." in said
    entry = Suppression.objects.get()
    for query, is_there in (("q=EXAMPLE", True), ("q=nobody", False), ("reason=gone", False),
                            ("kind=email", True), ("kind=rumour&reason=rumour", True)):  # fmt: skip
        assert (b"Rival" in admin.get(f"{URL}?{query}").content) is is_there, query
    assert (
        "Broadcasts will be sent to 1 address again"
        in admin.get(f"{URL}{entry.pk}/remove/").content.decode()
    )
    ada.refresh_from_db()
    assert ada.effective_state == "suppressed"
    assert b"On the suppression list" in admin.get(f"/contacts/{ada.contact_id}/").content
    assert b"On the suppression list" in admin.get("/contacts/").content
    admin.post(f"{URL}{entry.pk}/remove/")
    ada.refresh_from_db()
    assert ada.effective_state == "active"
    assert admin.get(f"{URL}{entry.pk}/remove/").status_code == 404


def test_removing_what_a_provider_reported_counts_the_addresses_of_all_its_platforms(
    admin: Client, ada: Address
) -> None:
    factory.address(factory.channel("bulk", "mailgun", **MAILGUN), "ada@example.com", "Ada")
    reports.note(ada.channel, AddressReport(ada.value, "hard_bounce", clock.now()))
    reports.list_pending()
    entry = Suppression.objects.get(kind="email")
    page = words(admin.get(f"{URL}{entry.pk}/remove/").content.decode())
    assert "Broadcasts will be sent to 2 addresses again" in page
    assert "removed for all platforms that send to the same addresses" in page
    admin.post(f"{URL}{entry.pk}/remove/")
    assert not Suppression.objects.filter(removed_at=None).exists()


@pytest.mark.parametrize(("cause", "chosen", "state"), [
    ("hard_bounce", {"reachable": "on"}, "active"),
    ("hard_bounce", {}, "unreachable"),
    ("complaint", {"reachable": "on"}, "opted_out"),
])  # fmt: skip
def test_removing_a_hard_bounce_can_make_the_address_active_again(
    admin: Client, ada: Address, cause: str, chosen: dict[str, str], state: str
) -> None:
    reports.note(ada.channel, AddressReport(ada.value, cause, clock.now()))
    reports.list_pending()
    entry = Suppression.objects.get(kind="email")
    page = words(admin.get(f"{URL}{entry.pk}/remove/").content.decode())
    assert ("Make 1 address that bounced active again" in page) is (cause == "hard_bounce")

    admin.post(f"{URL}{entry.pk}/remove/", chosen)

    ada.refresh_from_db()
    assert ada.effective_state == state


def test_what_a_provider_reported_is_one_row_with_all_its_platforms_and_addresses(
    admin: Client, ada: Address
) -> None:
    factory.address(factory.channel("bulk", "mailgun", **MAILGUN), "ada@example.com", "Ada")
    add("*@example.org", kind="email", reason="blocked", by=factory.BY)
    for value in (ada.value, "gone@example.com"):
        reports.note(ada.channel, AddressReport(value, "complaint", clock.now()))
    add("gone@example.com", kind="mailgun", reason="gone", by=factory.BY)  # an agent's own
    reports.list_pending()
    add("*@example.net", kind="email", reason="blocked", by=factory.BY)

    rows = [row for row in admin.get(URL).context["rows"] if not row.channel]

    entries_of = {(row.pattern, row.source): (row.kind_label, row.stops) for row in rows}
    assert len(rows) == len(entries_of)
    assert entries_of == {
        ("*@example.net", "agent"): ("E-mail", 0),
        ("ada@example.com", "provider"): ("E-mail, Mailgun, Postmark, Amazon SES", 2),
        ("gone@example.com", "provider"): ("E-mail, Postmark, Amazon SES", 0),
        ("gone@example.com", "agent"): ("Mailgun", 0),
        ("*@example.org", "agent"): ("E-mail", 0),
    }
    (row,) = [
        row for row in admin.get(f"{URL}?kind=mailgun&q=ada").context["rows"] if not row.channel
    ]
    assert (row.pattern, row.kind_label, row.stops) == ("ada@example.com", "Mailgun", 1)


def test_the_rows_of_reports_over_several_pages(
    admin: Client, ada: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [f"e{number}@example.com" for number in range(5)]
    for value in values:
        reports.note(ada.channel, AddressReport(value, "hard_bounce", clock.now()))
    reports.list_pending()
    listed = partial(suppressions.suppression_list, limit=2)
    monkeypatch.setattr(suppressions, "suppression_list", listed)
    url, patterns = URL, []
    while url:
        page = admin.get(url)
        patterns += [row.pattern for row in page.context["rows"]]
        url = page.context["next_url"]
    assert sorted(patterns) == values


def test_what_is_wrong_is_said_beside_the_field(admin: Client) -> None:
    fields = {"pattern": "a*b", "kind": "email", "reason": "blocked"}
    page = admin.post(f"{URL}new/", fields)
    assert "Write one “*”, at the beginning or at the end" in page.content.decode()
    assert page.context["form"].errors.keys() == {"pattern"}


def test_an_address_that_opted_out_is_on_it_and_can_be_lifted(admin: Client, ada: Address) -> None:
    addresses.mark(ada.pk, "opted_out", clock.now())
    page = admin.get(URL).content.decode()
    assert "ada@example.com" in page
    assert "The contact" in page
    url = f"{URL}addresses/{ada.pk}/"
    assert b"only if they asked for it" in admin.get(url).content
    admin.post(url)
    ada.refresh_from_db()
    assert ada.state == "active"
    assert AuditEntry.objects.filter(action="address.mark").exists()
    assert admin.get(url).status_code == 404


def test_pages(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = factory.channel("mail", "email")
    for number in range(3):
        add(f"e{number}@example.com", kind="email", reason="gone", by=factory.BY)
        address = factory.address(channel, f"a{number}@example.com")
        addresses.mark(address.pk, "unreachable", clock.now())
    listed = suppressions.suppression_list
    monkeypatch.setattr(suppressions, "suppression_list", partial(listed, limit=2))
    url, seen = URL, []
    while url:
        page = admin.get(url)
        seen += [row.pattern.split("@")[0] for row in page.context["rows"]]
        url = page.context["next_url"]
    assert seen == ["e2", "e1", "e0", "a2", "a1", "a0"]
    assert admin.get(f"{URL}?after=x").status_code == 302


def test_import_and_export(admin: Client, ada: Address) -> None:
    def brought(text: str) -> str:
        file = SimpleUploadedFile("out.csv", text.encode())
        fields = {"file": file, "kind": "email", "reason": "gone"}
        return admin.post(f"{URL}import/", fields, follow=True).content.decode()

    assert "a header row and nothing below it" in brought("address,note\n")
    asked = brought("address,note\nada@example.com,left\nnobody,\n")
    assert "0 of 2 lines" in words(asked)
    assert actions.run_next()
    action = BulkAction.objects.get()
    page = words(admin.get(f"/contacts/bulk/{action.pk}/").content.decode())
    assert "Added 1 Already on the list 0 Rejected 1" in page
    assert "can't be used" in page
    lines = b"".join(admin.get(f"/contacts/bulk/{action.pk}/rejects.csv")).decode()
    assert lines.splitlines()[1].startswith("3,nobody,")
    file = b"".join(admin.get(f"{URL}export.csv?reason=gone"))
    assert b'"ada@example.com","email","gone","import",' in file
    assert AuditEntry.objects.filter(action="data.export", subject="suppressions").exists()


def test_a_sender_may_only_look(log_in: LogIn, ada: Address) -> None:
    entry, _ = add("*@example.com", kind="email", reason="gone", by=factory.BY)
    sender = log_in(Role.SENDER)
    assert b"Remove" not in sender.get(URL).content
    for path in ("new/", "import/", "export.csv", f"{entry.pk}/remove/"):
        assert sender.get(f"{URL}{path}").status_code == 403
