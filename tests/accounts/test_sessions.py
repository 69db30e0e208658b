"""Sessions of agents: listed and ended."""

import pytest
from django.test import Client

from clarion.accounts import sessions
from clarion.accounts.agents import set_role
from clarion.accounts.audit import COMMAND_LINE
from clarion.accounts.models import Agent, AgentSession, AuditEntry
from clarion.accounts.tokens import create_token, find_token
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    return Agent.objects.create_agent(
        name="Ann", email="ann@example.org", role="manager", password="a good password"
    )


def log_in(browser: str = "Mozilla/5.0 Firefox/140.0") -> Client:
    client = Client(headers={"User-Agent": browser}, REMOTE_ADDR="203.0.113.7")
    form = {"login": "ann@example.org", "password": "a good password"}
    assert client.post("/account/login/", form).status_code == 302
    return client


def test_a_session_says_where_it_began(agent: Agent) -> None:
    client = log_in()
    [session] = sessions.sessions_of(agent, client.session.session_key)
    assert (session.address, session.browser) == ("203.0.113.7", "Mozilla/5.0 Firefox/140.0")
    assert session.is_own
    assert session.began_at
    assert session.began_at <= session.seen_at
    assert session.handle not in client.session.session_key


def test_hostile_names_of_browsers_are_cut_and_plain(agent: Agent) -> None:
    log_in("x\t" * 500)
    assert AgentSession.objects.get(agent=agent).browser == "x" * 200


def test_ending_one_session_leaves_the_others(agent: Agent) -> None:
    first, second = log_in(), log_in()
    [handle] = [
        s.handle for s in sessions.sessions_of(agent, first.session.session_key) if s.is_own
    ]
    assert sessions.end_session(agent, handle, by=COMMAND_LINE)
    assert not sessions.end_session(agent, handle, by=COMMAND_LINE)
    assert (first.get("/").status_code, second.get("/").status_code) == (302, 200)
    assert AuditEntry.objects.filter(action="agent.session_end").count() == 1


def test_a_handle_of_another_agent_ends_nothing(agent: Agent) -> None:
    client = log_in()
    other = Agent.objects.create_agent(
        name="Bob", email="bob@example.org", role="viewer", password=None
    )
    [session] = sessions.sessions_of(agent)
    assert not sessions.end_session(other, session.handle, by=COMMAND_LINE)
    assert client.get("/").status_code == 200


def test_all_but_one_s_own_are_ended(agent: Agent) -> None:
    first, second = log_in(), log_in()
    assert sessions.end_sessions(agent, by=agent, but=first.session.session_key) == 1
    assert (first.get("/").status_code, second.get("/").status_code) == (200, 302)


def test_use_is_noted_now_and_then(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    client = log_in()
    row = AgentSession.objects.filter(agent=agent)
    row.update(seen_at=None)
    client.get("/account/")
    assert row.get().seen_at is None  # the login was just now
    monkeypatch.setattr(sessions, "SEEN_EVERY", -1.0)
    client.get("/account/")
    assert row.get().seen_at is not None


def test_a_lower_role_revokes_the_tokens_that_it_could_not_create() -> None:
    agent = factory.agent("admin", "Ada")
    factory.agent("admin", "Grace")
    _, high = create_token(name="Access", scopes=["agents:write"], expires_at=None, by=agent)
    _, low = create_token(name="Shop", scopes=["contacts:read"], expires_at=None, by=agent)
    set_role(agent, "manager", by=COMMAND_LINE)
    assert find_token(high).revoked_at is not None
    assert find_token(low).revoked_at is None
    set_role(agent, "sender", by=COMMAND_LINE)
    assert find_token(low).revoked_at is not None


def test_deactivating_ends_sessions_and_revokes_tokens(agent: Agent) -> None:
    from clarion.accounts.agents import set_active

    client = log_in()
    _, secret = create_token(name="Shop", scopes=["contacts:read"], expires_at=None, by=agent)
    _, other = create_token(name="Till", scopes=["contacts:read"], expires_at=None, by=COMMAND_LINE)
    set_active(agent, False, by=COMMAND_LINE)
    set_active(agent, True, by=COMMAND_LINE)
    assert client.get("/").status_code == 302
    assert find_token(secret).revoked_at is not None
    assert find_token(other).revoked_at is None
