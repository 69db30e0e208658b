"""``clarion agent``."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from clarion.accounts.models import Agent, AuditEntry, AuthenticatorApp, Role

pytestmark = pytest.mark.django_db
ADD = ("agent", "add", "Ann Lee", "--email", "ann@example.org", "--role")


@pytest.mark.parametrize("role", Role.values)
def test_the_password_is_printed_once(ok: Callable[..., str], role: str) -> None:
    added, password = ok(*ADD, role).splitlines()
    assert added == f"Added Ann Lee (ann@example.org) as {role}."
    assert password.startswith("Password (shown only now): ")
    agent = Agent.objects.get()
    assert agent.role == role
    assert agent.check_password(password.rpartition(" ")[2])


@pytest.mark.parametrize("end", ["\n", "\r\n", "", "\nsecond line\n"])
def test_the_password_may_come_from_standard_input(ok: Callable[..., str], end: str) -> None:
    printed = ok(*ADD, "admin", "--password-stdin", stdin=f"correct horse battery{end}")
    assert printed == "Added Ann Lee (ann@example.org) as admin.\n"
    assert Agent.objects.get().check_password("correct horse battery")


def test_a_bad_password_is_refused(refused: Callable[..., str]) -> None:
    assert "too short" in refused(*ADD, "admin", "--password-stdin", stdin="abc\n")
    assert not Agent.objects.exists()


def test_an_unknown_role_is_wrong_usage(misused: Callable[..., str]) -> None:
    assert "'boss' is not one of 'admin', 'manager', 'sender', 'viewer'." in misused(*ADD, "boss")


def test_a_second_one_of_the_same_email_is_refused(
    ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    ok(*ADD, "admin")
    assert refused(*ADD, "viewer") == "There is already an agent with the e-mail ann@example.org."


@pytest.fixture
def ann(ok: Callable[..., str]) -> Agent:
    ok(*ADD, "admin")
    return Agent.objects.get()


@pytest.fixture
def bob(ok: Callable[..., str]) -> Agent:
    ok("agent", "add", "Bob", "--email", "bob@example.org", "--role", "sender")
    return Agent.objects.get(name="Bob")


def test_there_is_a_list(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    assert "clarion agent add" in ok("agent", "list")
    ok(*ADD, "admin")
    assert "ann@example.org" in ok("agent", "list")
    [listed] = ok_json("agent", "list")
    assert listed == {
        "name": "Ann Lee", "email": "ann@example.org", "role": "admin", "active": True,
        "state": "active", "two_factor": False, "last_login": None,
    }  # fmt: skip


@pytest.mark.parametrize("named", ["bob@example.org", "BOB@example.org", "bob"])
def test_a_role_is_changed(ok: Callable[..., str], ann: Agent, bob: Agent, named: str) -> None:
    assert ok("agent", "role", named, "manager") == "Bob is now manager.\n"
    bob.refresh_from_db()
    assert bob.role == "manager"
    assert AuditEntry.objects.latest("pk").detail == {"role": "manager"}


def test_a_name_stands_for_no_other_agent_s_address(
    ok: Callable[..., str], refused: Callable[..., str], ann: Agent, bob: Agent
) -> None:
    Agent.objects.filter(pk=ann.pk).update(name=bob.email)
    assert ann.pk < bob.pk
    assert ok("agent", "role", bob.email, "viewer") == "Bob is now viewer.\n"
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    refused("audit", "export", "-", "--as", bob.email)


def test_a_new_password_ends_what_the_old_one_began(ok: Callable[..., str], ann: Agent) -> None:
    browser = Client()
    browser.force_login(ann)
    assert browser.get("/").status_code == 200
    printed = ok("agent", "password", ann.email).splitlines()
    assert browser.get("/").status_code == 302
    ann.refresh_from_db()
    assert ann.check_password(printed[1].rpartition(" ")[2])
    said = ok("agent", "password", ann.email, "--password-stdin", stdin="correct horse battery\n")
    assert "correct horse battery" not in said
    ann.refresh_from_db()
    assert ann.check_password("correct horse battery")


def test_a_weak_password_changes_nothing(refused: Callable[..., str], ann: Agent) -> None:
    assert "too short" in refused("agent", "password", ann.email, "--password-stdin", stdin="a\n")
    before = ann.password
    ann.refresh_from_db()
    assert ann.password == before


def test_who_is_deactivated_is_out_at_once_and_can_come_back(
    ok: Callable[..., str], ann: Agent, bob: Agent
) -> None:
    browser = Client()
    browser.force_login(bob)
    assert browser.get("/").status_code == 200
    assert "clarion agent activate bob@example.org" in ok("agent", "deactivate", "bob")
    assert browser.get("/").status_code == 302
    assert ok("agent", "activate", "bob") == "Bob can log in.\n"
    bob.refresh_from_db()
    assert bob.is_active


@pytest.mark.parametrize("change", [("deactivate",), ("role", "viewer")])
def test_the_last_admin_stays_one(
    ok: Callable[..., str], refused: Callable[..., str], ann: Agent, bob: Agent,
    change: tuple[str, ...],
) -> None:  # fmt: skip
    verb, *role = change
    assert refused("agent", verb, ann.email, *role).startswith("Ann Lee is the only admin.")
    ok("agent", "role", bob.email, "admin")
    ok("agent", verb, ann.email, *role)


def test_somebody_unknown(refused: Callable[..., str]) -> None:
    assert "There is no agent" in refused("agent", "deactivate", "nobody@example.org")


def test_an_invitation_prints_its_link_once(ok: Callable[..., str]) -> None:
    printed = ok("agent", "invite", "Ann Lee", "--email", "ann@example.org", "--role", "admin")
    assert "Added Ann Lee (ann@example.org) as admin." in printed
    link = printed.splitlines()[1].rpartition(" ")[2]
    form = {"password": "correct horse battery", "again": "correct horse battery"}
    assert b"Your password is set" in Client().post(link, form).content
    assert ok("agent", "list").splitlines()[1].split()[-3:] == ["active", "no", "–"]


def test_a_reset_ends_password_and_sessions(ok: Callable[..., str], ann: Agent, bob: Agent) -> None:
    browser = Client()
    browser.force_login(bob)
    printed = ok("agent", "reset-password", "bob")
    assert "logged out everywhere and needs a new password" in printed
    assert browser.get("/").status_code == 302
    assert Client().get(printed.splitlines()[1].rpartition(" ")[2]).status_code == 200


def test_sessions_are_listed_and_ended(
    ok: Callable[..., str], ok_json: Callable[..., Any], bob: Agent
) -> None:
    assert "is not logged in anywhere" in ok("agent", "sessions", "bob")
    browser = Client(headers={"User-Agent": "Mozilla"})
    browser.force_login(bob)
    [session] = ok_json("agent", "sessions", "bob")
    assert session.keys() == {"address", "browser", "began_at", "seen_at"}
    assert ok("agent", "end-sessions", "bob") == "Sessions of Bob that have ended: 1.\n"
    assert browser.get("/").status_code == 302


def test_two_factor_is_required_and_reset(ok: Callable[..., str], bob: Agent) -> None:
    AuthenticatorApp.objects.create(agent=bob, secret={"base32": "A"}, last_step=0)
    printed = ok("agent", "require-two-factor", "admin", "sender")
    assert printed == "Two-factor authentication is required for: sender, admin.\n"
    assert "for: nobody." in ok("agent", "require-two-factor")
    assert "yes" in ok("agent", "list")
    assert "has no second factor any more" in ok("agent", "reset-two-factor", "bob")
    assert ok("agent", "reset-two-factor", "bob") == "Bob has no second factor.\n"
