"""Links with which agents set their password: who is invited, and who has forgotten it.

A link is signed, expires, and is good for one use: it is derived from the stored password, which
using it changes. It is shown once, and nothing of it is stored.
"""

from typing import Final

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.agents import AgentError, checked_password, new_agent, require_another_admin
from clarion.accounts.models import Agent
from clarion.accounts.sessions import drop_sessions
from clarion.kit.numbers import parse_id

DAYS: Final = settings.PASSWORD_RESET_TIMEOUT // 86_400
_PATH: Final = "/account/set-password/"


class _Links(PasswordResetTokenGenerator):
    key_salt = "clarion.accounts.links"


_links = _Links()


def invite_agent(*, name: str, email: str, role: str, by: Agent | str) -> tuple[Agent, str]:
    """Add an agent who sets the password with a link; return the agent and the link.

    It is a whole URL where CLARION_PUBLIC_URL is set, else its path. Raises AgentError as
    ``add_agent``.
    """
    agent = new_agent(name=name, email=email, role=role, password=None, by=by, action="invite")
    return agent, _url(agent)


def reset_password(agent: Agent, *, by: Agent | str) -> str:
    """End an agent's password and sessions; return a link that sets another one.

    An earlier link is void. Raises AgentError for an agent who is deactivated, and for the only
    admin who can log in.
    """
    with transaction.atomic():
        require_another_admin(agent)
        locked = Agent.objects.select_for_update().get(pk=agent.pk)
        if not locked.is_active:
            raise AgentError(f"{locked.name} is deactivated. Reactivate the agent first.")
        locked.set_unusable_password()
        locked.save(update_fields=["password"])
        drop_sessions(locked)
        audit.note("agent.reset_password", f"agent {locked.pk}", by)
    return _url(locked)


def agent_of_link(key: str) -> Agent | None:
    """Whose password a link sets; None for one that is damaged, expired or used."""
    number, _, token = key.partition("-")
    pk = parse_id(number)
    agent = Agent.objects.filter(pk=pk, is_active=True).first() if pk else None
    return agent if agent is not None and _links.check_token(agent, token) else None


def use_link(key: str, password: str) -> Agent:
    """Set the password of a link's agent; return the agent. Raises AgentError."""
    with transaction.atomic():
        agent = agent_of_link(key)
        if agent is not None:  # again, when nobody else can use it any more
            Agent.objects.select_for_update().get(pk=agent.pk)
            agent = agent_of_link(key)
        if agent is None:
            raise AgentError("This link has expired or was used before. Ask an admin for another.")
        agent.set_password(checked_password(password, agent))
        agent.save(update_fields=["password"])
        drop_sessions(agent)
        audit.note("agent.password", f"agent {agent.pk}", agent)
    return agent


def _url(agent: Agent) -> str:
    base = settings.CLARION.public_url.rstrip("/")
    return f"{base}{_PATH}{agent.pk}-{_links.make_token(agent)}/"
