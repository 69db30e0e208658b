"""Agents: invited, changed, logged out."""

import pytest
from django.test import Client

from api.conftest import Program
from clarion.accounts.models import Agent, AuditEntry, AuthenticatorApp
from support import factory

INVITATION = {"name": "Bob", "email": "bob@example.org", "role": "sender"}


def test_an_invitation_answers_with_its_link(call: Program) -> None:
    answer = call.ok("POST", "/agents", INVITATION)
    agent = call.ok("GET", f"/agents/{answer['agent_id']}")
    assert (agent["state"], agent["role"], agent["last_login"]) == ("invited", "sender", None)
    assert Client().get(answer["link"]).status_code == 200
    entry = AuditEntry.objects.get(action="agent.invite")
    assert (entry.actor, answer["link"] in str(entry.detail)) == ("API token Shop", False)


@pytest.mark.parametrize(
    ("change", "field"), [({"email": "no"}, "email"), ({"name": "admin"}, "name")]
)
def test_a_refusal_names_the_field(call: Program, change: dict[str, str], field: str) -> None:
    answer = call("POST", "/agents", INVITATION | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_role_and_access_are_changed(call: Program) -> None:
    factory.agent("admin", "Ada")
    agent = factory.agent("sender", "Bob")
    path = f"/agents/{agent.pk}"
    assert call("PATCH", path, {"role": "manager"}).status_code == 428
    changed = call.ok("PATCH", path, {"role": "manager", "active": False}, If_Match="*")
    assert (changed["role"], changed["state"]) == ("manager", "deactivated")
    assert call.ok("PATCH", path, {"active": True}, If_Match="*")["active"]
    actions = AuditEntry.objects.filter(subject=f"agent {agent.pk}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "agent.role",
        "agent.deactivate",
        "agent.activate",
    ]


def test_a_reset_and_sessions(call: Program) -> None:
    agent = factory.agent("sender", "Bob")
    browsers = [Client(), Client(), Client()]
    for browser in browsers:
        browser.force_login(agent)
    path = f"/agents/{agent.pk}"
    listed = call.ok("GET", f"{path}/sessions")["items"]
    keys = [browser.session.session_key for browser in browsers]
    assert not {session["id"] for session in listed} & set(keys)
    assert call.ok("POST", f"{path}/sessions/{listed[0]['id']}/end") == {"ended": 1}
    assert call("POST", f"{path}/sessions/{listed[0]['id']}/end").status_code == 404
    assert call.ok("POST", f"{path}/sessions/end") == {"ended": 2}
    assert {browser.get("/").status_code for browser in browsers} == {302}
    link = call.ok("POST", f"{path}/reset-password")["link"]
    assert not Agent.objects.get(pk=agent.pk).has_usable_password()
    assert Client().get(link).status_code == 200


def test_two_factor_is_required_and_reset(call: Program) -> None:
    agent = factory.agent("sender", "Bob")
    AuthenticatorApp.objects.create(agent=agent, secret={"base32": "A"}, last_step=0)
    rules = {"roles": ["admin", "sender"]}
    assert call.ok("POST", "/two-factor-rules", rules) == {"roles": ["sender", "admin"]}
    assert call.ok("GET", "/two-factor-rules") == {"roles": ["sender", "admin"]}
    assert call("POST", "/two-factor-rules", {"roles": ["boss"]}).status_code == 422
    path = f"/agents/{agent.pk}"
    assert call.ok("GET", path)["two_factor"]
    assert call.ok("POST", f"{path}/reset-two-factor") == {"reset": True}
    assert call.ok("POST", f"{path}/reset-two-factor") == {"reset": False}
    assert not call.ok("GET", path)["two_factor"]
