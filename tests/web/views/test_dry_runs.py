"""F8 on pages: a dry run is started, followed and cancelled, and each number opens its contacts."""

import pytest
from django.test import Client

from clarion.accounts.models import AuditEntry, Role
from clarion.broadcasts import drafts
from clarion.broadcasts.models import Broadcast
from clarion.engine.dry_runs import running
from clarion.engine.models import DryRun, DryRunGroup
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(db: None) -> Broadcast:
    """A draft to four contacts: one of them lacks a variable, one has blocked us."""
    channel = factory.channel("app", rate=1)
    factory.people(channel, 2)
    factory.address(channel, "x1", "Nadia <b>")
    factory.address(channel, "x2", "Ben", state="blocked")
    return factory.draft([channel], text="Hello {{ contact.city }}")


def test_f8_a_dry_run_from_start_to_report(admin: Client, draft: Broadcast) -> None:
    page = f"/broadcasts/{draft.pk}/dry-run/"
    assert "Nothing is sent and no codes are used." in words(admin.get(page).content.decode())
    assert page in admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()

    answer = admin.post(f"{page}start", follow=True)
    text = words(answer.content.decode())
    assert "Waiting for a worker…" in text
    assert "No worker is running." in text
    assert running.run_next(1, lambda: False)

    html = admin.get(page).content.decode()
    text = words(html)
    assert "Would be sent 2 Would fail 1 Left out 1" in text
    assert "missing variable contact.city 1 Nadia <b>" in text
    assert "Nadia <b>" not in html
    assert "Left out: blocked us 1 Ben" in text
    assert "Sending takes less than a minute." in text
    assert "This report is void." not in text
    live = admin.get(f"{page}live")
    assert admin.get(f"{page}live", headers={"If-None-Match": live["ETag"]}).status_code == 304

    drafts.edit_draft(draft, by=factory.BY, text="Hi")
    assert "This report is void." in words(admin.get(page).content.decode())


def test_links_that_are_broken_are_named(admin: Client, draft: Broadcast) -> None:
    page = f"/broadcasts/{draft.pk}/dry-run/"
    admin.post(f"{page}start")
    rows = [
        ["https://a.example/", "ok", ""],
        ["https://b.example/", "unchecked", "There was no time to check it."],
        ["https://c.example/?<b>", "broken", "It answers 404."],
    ]
    DryRun.objects.update(state="done", links=rows)
    text = words(admin.get(page).content.decode())
    assert (
        "https://c.example/?<b> Broken. It answers 404. https://b.example/ Not checked. There was "
        "no time to check it. Links: 3, of which broken or not checked: 2."
    ) in text
    assert "https://a.example/" not in text


def test_each_number_opens_its_contacts_and_their_file(admin: Client, draft: Broadcast) -> None:
    page = f"/broadcasts/{draft.pk}/dry-run/"
    admin.post(f"{page}start")
    running.run_next(1, lambda: False)
    html = admin.get(page).content.decode()
    for group in DryRunGroup.objects.all():
        here = f"{page}contacts/?group={group.pk}"
        assert here in html
        assert len(admin.get(here).context["page"].rows) == group.count
        file = admin.get(f"{page}contacts.csv?group={group.pk}")
        assert len(b"".join(file).decode().splitlines()) == group.count + 1
    assert AuditEntry.objects.filter(action="data.export").count() == 3
    assert admin.get(f"{page}contacts/?group=0").status_code == 404
    assert admin.get(f"{here}&cursor=x").status_code == 302


def test_it_is_cancelled(admin: Client, draft: Broadcast) -> None:
    page = f"/broadcasts/{draft.pk}/dry-run/"
    admin.post(f"{page}start")
    text = words(admin.post(f"{page}cancel", follow=True).content.decode())
    assert "Cancelled" in text
    assert DryRun.objects.get().state == "cancelled"
    assert not running.run_next(1, lambda: False)


def test_what_was_sent_has_none_and_viewers_start_none(
    admin: Client, log_in: LogIn, sending: Broadcast, draft: Broadcast
) -> None:
    answer = admin.post(f"/broadcasts/{sending.pk}/dry-run/start", follow=True)
    assert "Only a draft or a scheduled broadcast can have a dry run." in answer.content.decode()
    viewer = log_in(Role.VIEWER)
    assert viewer.post(f"/broadcasts/{draft.pk}/dry-run/start").status_code == 403
    assert "Start dry run" not in viewer.get(f"/broadcasts/{draft.pk}/dry-run/").content.decode()


def test_webhooks_and_codes_are_reported(admin: Client, draft: Broadcast) -> None:
    admin.post(f"/broadcasts/{draft.pk}/dry-run/start")
    DryRun.objects.update(webhooks=2)
    text = words(admin.get(f"/broadcasts/{draft.pk}/dry-run/").content.decode())
    assert "The 2 webhooks of the story were not asked" in text
    assert "Messages, at least" in text
