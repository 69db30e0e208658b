"""Links with which agents set their password."""

from datetime import datetime, timedelta

import pytest

from clarion.accounts import links
from clarion.accounts.agents import AgentError, set_active, set_role
from clarion.accounts.audit import COMMAND_LINE
from clarion.accounts.models import Agent, AgentSession, AuditEntry

pytestmark = pytest.mark.django_db
GOOD = "correct horse battery"


def invite(role: str = "sender", email: str = "ann@example.org") -> tuple[Agent, str]:
    agent, link = links.invite_agent(
        name=f"Ann of {email}", email=email, role=role, by=COMMAND_LINE
    )
    return agent, link.rstrip("/").rpartition("/")[2]


def test_a_link_sets_a_password_once() -> None:
    agent, key = invite()
    assert agent.state == "invited"
    assert links.agent_of_link(key) == agent
    assert links.use_link(key, GOOD).check_password(GOOD)
    assert links.agent_of_link(key) is None
    with pytest.raises(AgentError, match="was used before"):
        links.use_link(key, "another good password")
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["agent.invite", "agent.password"]
    assert key not in str(AuditEntry.objects.values_list("detail", flat=True))


def test_a_link_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    _, key = invite()
    later = datetime.now() + timedelta(days=links.DAYS, minutes=1)  # noqa: DTZ005 - as Django
    monkeypatch.setattr(links._links, "_now", lambda: later)
    assert links.agent_of_link(key) is None


@pytest.mark.parametrize("change", ["", "0", "x-y-z", "9999999999999999999999-a-b"])
def test_a_damaged_link_is_nobody_s(change: str) -> None:
    _, key = invite()
    assert links.agent_of_link(change or key[:-1]) is None


def test_a_link_of_another_agent_sets_nothing() -> None:
    _, key = invite()
    other, _ = invite(email="bob@example.org")
    assert links.agent_of_link(f"{other.pk}-{key.partition('-')[2]}") is None


def test_a_weak_password_leaves_the_link_good() -> None:
    agent, key = invite()
    with pytest.raises(AgentError, match="too short"):
        links.use_link(key, "short")
    assert links.agent_of_link(key) == agent


def test_a_reset_ends_password_sessions_and_earlier_links() -> None:
    agent, key = invite()
    links.use_link(key, GOOD)
    later = datetime(2040, 1, 1).astimezone()
    AgentSession.objects.create(session_key="s", agent=agent, expire_date=later)
    first = links.reset_password(agent, by=COMMAND_LINE).rstrip("/").rpartition("/")[2]
    second = links.reset_password(agent, by=COMMAND_LINE).rstrip("/").rpartition("/")[2]
    agent.refresh_from_db()
    assert not agent.check_password(GOOD)
    assert not AgentSession.objects.exists()
    assert links.agent_of_link(first) is None
    assert links.agent_of_link(second) == agent


def test_a_deactivated_agent_s_link_does_nothing() -> None:
    agent, key = invite()
    set_active(agent, False, by=COMMAND_LINE)
    assert links.agent_of_link(key) is None
    with pytest.raises(AgentError, match="is deactivated"):
        links.reset_password(agent, by=COMMAND_LINE)


def test_an_invited_admin_does_not_replace_the_last_one() -> None:
    """Who can't log in yet could not manage agents either."""
    admin, key = invite("admin", "admin@example.org")
    links.use_link(key, GOOD)
    second, key = invite("admin", "second@example.org")
    for change in (
        lambda: set_active(admin, False, by=COMMAND_LINE),
        lambda: set_role(admin, "viewer", by=COMMAND_LINE),
        lambda: links.reset_password(admin, by=COMMAND_LINE),
    ):
        with pytest.raises(AgentError, match="is the only admin"):
            change()
    links.use_link(key, GOOD)
    set_active(admin, False, by=second)
