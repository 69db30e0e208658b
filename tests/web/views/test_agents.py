"""The pages about agents."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from clarion.accounts import links
from clarion.accounts.models import (
    Agent,
    AgentSession,
    ApiToken,
    AuditEntry,
    AuthenticatorApp,
    Role,
)
from clarion.accounts.tokens import create_token
from web.conftest import PASSWORD, LogIn, MakeAgent

pytestmark = pytest.mark.django_db
INVITATION = {"name": "Bob Lee", "email": "bob@example.org", "role": "sender"}


def link_in(html: str) -> str:
    match = re.search(r"<code>http://testserver(\S+)</code>", html)
    assert match
    return match[1]


def test_n6_an_invitation_leads_to_a_login(admin: Client, client: Client) -> None:
    answer = admin.post("/agents/new/", INVITATION)
    link = link_in(answer.content.decode())
    assert answer.headers["Cache-Control"] == "private, no-store"
    bob = Agent.objects.get(email="bob@example.org")
    assert link not in admin.get(f"/agents/{bob.pk}/").content.decode()

    assert b"bob@example.org" in client.get(link).content
    both = {"password": "quite a good one", "again": "quite another"}
    assert b"not the same password" in client.post(link, both).content
    assert b"too short" in client.post(link, {"password": "a", "again": "a"}).content
    both["again"] = both["password"]
    assert b"Your password is set" in client.post(link, both).content
    gone = client.get(link)
    assert (gone.status_code, b"This link does not work" in gone.content) == (404, True)
    form = {"login": "bob@example.org", "password": both["password"]}
    assert client.post("/account/login/", form).status_code == 302
    assert client.get("/").status_code == 200


def test_the_path_of_links_is_the_page_s() -> None:
    assert reverse("account_set_password", args=["x"]) == f"{links._PATH}x/"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "admin@example.org"}, "email"),
        ({"name": "Admin Example"}, "name"),
        ({"role": "boss"}, "role"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    admin: Client, wrong: dict[str, str], field: str
) -> None:
    html = admin.post("/agents/new/", INVITATION | wrong).content.decode()
    assert f'id="id_{field}_error"' in html
    assert Agent.objects.count() == 1


def test_a_role_is_changed_and_the_last_admin_stays(admin: Client, make_agent: MakeAgent) -> None:
    sender = make_agent("sender", PASSWORD)
    assert admin.post(f"/agents/{sender.pk}/", {"role": "manager"}).status_code == 302
    sender.refresh_from_db()
    assert sender.role == "manager"
    own = Agent.objects.get(role=Role.ADMIN)
    own.set_password(PASSWORD)
    own.save()
    browser = Client()
    browser.force_login(own)
    assert b"is the only admin" in browser.post(f"/agents/{own.pk}/", {"role": "viewer"}).content
    assert b"is the only admin" in browser.post(f"/agents/{own.pk}/deactivate/").content
    own.refresh_from_db()
    assert (own.role, own.is_active) == ("admin", True)


def test_deactivate_and_reactivate(admin: Client, make_agent: MakeAgent) -> None:
    sender = make_agent("sender", PASSWORD)
    browser = Client()
    browser.force_login(sender)
    assert b"API token " not in admin.get(f"/agents/{sender.pk}/deactivate/").content
    token = create_token(name="Shop", scopes=["contacts:read"], expires_at=None, by="a test")[0]
    ApiToken.objects.filter(pk=token.pk).update(created_by=sender)
    assert b"1 API token that" in admin.get(f"/agents/{sender.pk}/deactivate/").content
    admin.post(f"/agents/{sender.pk}/deactivate/")
    assert browser.get("/").status_code == 302
    assert b"Deactivated" in admin.get("/agents/").content
    admin.post(f"/agents/{sender.pk}/activate/")
    sender.refresh_from_db()
    assert sender.is_active


def test_a_password_is_reset_by_link(admin: Client, make_agent: MakeAgent, client: Client) -> None:
    sender = make_agent("sender", PASSWORD)
    client.force_login(sender)
    link = link_in(admin.post(f"/agents/{sender.pk}/reset/").content.decode())
    assert client.get("/").status_code == 302
    assert client.get(link).status_code == 200
    admin.post(f"/agents/{sender.pk}/deactivate/")
    assert client.get(link).status_code == 404


def test_n6_sessions_of_others_are_ended(admin: Client, make_agent: MakeAgent) -> None:
    sender = make_agent("sender", PASSWORD)
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(sender)
    html = admin.get(f"/agents/{sender.pk}/").content.decode()
    ends = re.findall(rf'action="(/agents/{sender.pk}/sessions/\w+/end)"', html)
    assert len(ends) == 2
    admin.post(ends[0])
    assert sorted(browser.get("/").status_code for browser in browsers) == [200, 302]
    admin.post(f"/agents/{sender.pk}/log-out/")
    assert [browser.get("/").status_code for browser in browsers] == [302, 302]
    assert AuditEntry.objects.filter(action="agent.session_end").count() == 2


def test_one_s_own_sessions(make_agent: MakeAgent) -> None:
    agent = make_agent("viewer")
    browsers = [Client(), Client(), Client()]
    for browser in browsers:
        browser.force_login(agent)
    html = browsers[0].get("/account/").content.decode()
    ends = re.findall(r'action="(/account/sessions/\w{16}/end)"', html)
    assert len(ends) == 2
    browsers[0].post(ends[0])
    browsers[0].post("/account/sessions/end")
    assert [browser.get("/").status_code for browser in browsers] == [200, 302, 302]


@pytest.mark.parametrize("act", ["reset", "deactivate", "activate", "log-out"])
def test_each_act_is_asked_first(admin: Client, make_agent: MakeAgent, act: str) -> None:
    sender = make_agent("sender")
    html = admin.get(f"/agents/{sender.pk}/{act}/").content.decode()
    assert "Sender Example" in html
    assert not AuditEntry.objects.filter(subject=f"agent {sender.pk}").exists()


@pytest.mark.parametrize("act", ["deactivate", "reset-two-factor"])
def test_an_admin_who_ends_their_own_session_is_led_to_the_login(
    admin: Client, make_agent: MakeAgent, act: str
) -> None:
    Agent.objects.filter(pk=make_agent("sender").pk).update(role="admin")
    own = Agent.objects.get(email="admin@example.org")
    AuthenticatorApp.objects.create(agent=own, secret={"base32": "A" * 32}, last_step=0)
    AgentSession.objects.update(agent=own)
    assert admin.post(f"/agents/{own.pk}/{act}/")["Location"] == "/account/login/"
    assert admin.get("/").status_code == 302


def test_there_is_no_other_act(admin: Client, make_agent: MakeAgent) -> None:
    assert admin.post(f"/agents/{make_agent('sender').pk}/promote/").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "sender", "manager"])
def test_agents_are_for_admins(log_in: LogIn, role: str) -> None:
    browser = log_in(role)
    pk = Agent.objects.get().pk
    for path in ("/agents/", "/agents/new/", f"/agents/{pk}/", f"/agents/{pk}/reset/"):
        assert browser.get(path).status_code == 403
    assert browser.post(f"/agents/{pk}/", {"role": "admin"}).status_code == 403
    assert browser.post(f"/agents/{pk}/sessions/abc/end").status_code == 403
    assert b"/agents/" not in browser.get("/account/").content
