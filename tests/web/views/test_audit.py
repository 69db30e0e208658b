"""The audit log's page."""

import pytest
from django.test import Client

from clarion.accounts import audit, audit_log
from clarion.accounts.models import AuditEntry
from web.conftest import LogIn

pytestmark = pytest.mark.django_db


def test_n3_entries_are_listed_and_filtered(admin: Client) -> None:
    audit.note("channel.add", "channel 1", "API token <b>", name="“Shop”")
    audit.note("broadcast.stop", "broadcast 17", "command line")
    html = admin.get("/audit/").content.decode()
    assert "API token &lt;b&gt;" in html
    assert "name: “Shop”" in html
    html = admin.get("/audit/?action=broadcast.&actor=command+line").content.decode()
    assert "broadcast 17" in html
    assert "channel 1" not in html
    assert "Action: broadcast." in html
    assert b"Nothing found" in admin.get("/audit/?subject=channel+2").content


def test_a_wrong_time_is_said(admin: Client) -> None:
    html = admin.get("/audit/?since=yesterday").content.decode()
    assert 'class="problem"' in html
    assert admin.get("/audit/export.csv?since=yesterday").status_code == 302


def test_pages(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(audit_log.PAGE + 1):
        audit.note("tag.add", f"tag {number}", "command line")
    html = admin.get("/audit/?action=tag.").content.decode()
    assert "tag 0\n" not in html
    cursor = audit_log.search(audit_log.Wanted(action="tag.")).next_cursor
    assert f"after={cursor}" in html
    assert "tag 0<" in admin.get(f"/audit/?action=tag.&after={cursor}").content.decode()
    assert admin.get("/audit/?after=damaged")["Location"] == "/audit/"


def test_an_export_is_noted_itself(admin: Client) -> None:
    audit.note("tag.add", "tag 1", "command line")
    answer = admin.get("/audit/export.csv?action=tag.")
    assert b"tag.add" in b"".join(answer.streaming_content)
    entry = AuditEntry.objects.get(action="data.export")
    assert (entry.subject, entry.detail) == ("audit log", {"only": "action=tag."})


@pytest.mark.parametrize("role", ["viewer", "sender", "manager"])
def test_it_is_for_admins(log_in: LogIn, role: str) -> None:
    browser = log_in(role)
    assert browser.get("/audit/").status_code == 403
    assert browser.get("/audit/export.csv").status_code == 403
