"""Agents and the audit log, for tokens of admins."""

from typing import Annotated, Any, Literal

from ninja import Query
from pydantic import AwareDatetime, Field

from clarion.accounts import agents, audit_log, links, second_factor, sessions
from clarion.accounts.models import Agent, AuditEntry
from clarion.api.answers import Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.problems import not_found
from clarion.api.types import Id, Input, Moment, Output, Page

AREA = "Agents and audit log"


RoleName = Literal["viewer", "sender", "manager", "admin"]
_WRITE = "agents:write"


class AgentOut(Output):
    """A colleague who logs in."""

    volatile = frozenset({"last_login"})

    id: Id
    name: str
    email: str
    role: RoleName
    active: bool
    state: Literal["active", "invited", "reset", "deactivated"] = Field(
        description="invited and reset: a password has to be set first"
    )
    two_factor: bool = Field(description="Whether a second factor is set up")
    time_zone: str
    created_at: Moment
    last_login: Moment | None


class InvitationIn(Input):
    """Who is invited."""

    name: str = Field(min_length=1, max_length=200)
    email: str = Field(min_length=3, max_length=254, description="The agent logs in with it")
    role: RoleName


class AgentPatch(Input):
    """What is changed; what is left out stays."""

    role: RoleName | None = None
    active: bool | None = Field(
        None, description="false ends all sessions and revokes the tokens that the agent created"
    )


class LinkOut(Output):
    """A link with which an agent sets the password. It is shown once, works once and expires."""

    agent_id: Id
    link: str = Field(description="A path where CLARION_PUBLIC_URL is not set")
    days: int = Field(description="Until it expires")


class TwoFactorRulesIn(Input):
    """Who needs a second factor to log in."""

    roles: list[RoleName] = Field(max_length=4, description="Agents of these roles")


class TwoFactorRulesOut(Output):
    """Who needs a second factor to log in."""

    roles: list[RoleName]


class ResetOut(Output):
    """Whether there was anything to reset."""

    reset: bool


class SessionOut(Output):
    """A browser in which an agent is logged in."""

    id: str
    address: str
    browser: str = Field(description="What it sends as User-Agent")
    began_at: Moment | None
    seen_at: Moment | None = Field(description="To about ten minutes")


class SessionsOut(Output):
    """The sessions of an agent."""

    items: list[SessionOut]


class EndedOut(Output):
    """How many sessions have ended."""

    ended: int


class EntryOut(Output):
    """One change that someone made."""

    id: Id
    at: Moment
    actor: str
    agent_id: Id | None
    action: str
    subject: str
    detail: dict[str, Any]


@operation(AREA, "GET", "/agents", Page[AgentOut], Rules("agents:read", paged=True))
def list_agents(request: ApiRequest, limit: Limit = 50, cursor: CursorText = "") -> Page[AgentOut]:
    """List agents"""
    return page_of(Agent.objects.all(), limit, cursor, _agent)


@operation(AREA, "GET", "/agents/{agent_id}", AgentOut, Rules("agents:read", tagged=True))
def get_agent(request: ApiRequest, agent_id: Id) -> AgentOut:
    """Get an agent"""
    return _agent(get(Agent.objects.all(), agent_id, "agent"))


@operation(AREA, "POST", "/agents", LinkOut, Rules(_WRITE, body=JSON))
def invite_agent(request: ApiRequest, body: InvitationIn) -> LinkOut:
    """Invite an agent

    The answer has the link with which the agent sets the password.
    """
    agent, link = links.invite_agent(
        name=body.name, email=body.email, role=body.role, by=request.by
    )
    return LinkOut(agent_id=agent.pk, link=link, days=links.DAYS)


@operation(
    AREA, "PATCH", "/agents/{agent_id}", AgentOut, Rules(_WRITE, edits=True, tagged=True, body=JSON)
)
def update_agent(request: ApiRequest, agent_id: Id, body: AgentPatch) -> AgentOut:
    """Change an agent's role, deactivate or reactivate an agent

    The last admin can neither be deactivated nor given another role.
    """
    agent = lock(Agent.objects.all(), agent_id, "agent")
    require_match(request, _agent(agent))
    if body.role is not None and body.role != agent.role:
        agents.set_role(agent, body.role, by=request.by)
    if body.active is not None and body.active != agent.is_active:
        agents.set_active(agent, body.active, by=request.by)
    return _agent(get(Agent.objects.all(), agent_id, "agent"))


@operation(AREA, "POST", "/agents/{agent_id}/reset-password", LinkOut, Rules(_WRITE))
def reset_agent_password(request: ApiRequest, agent_id: Id) -> LinkOut:
    """Reset an agent's password

    The present one stops working, all sessions end, and earlier links are void.
    """
    agent = get(Agent.objects.all(), agent_id, "agent")
    link = links.reset_password(agent, by=request.by)
    return LinkOut(agent_id=agent.pk, link=link, days=links.DAYS)


@operation(AREA, "POST", "/agents/{agent_id}/reset-two-factor", ResetOut, Rules(_WRITE))
def reset_agent_two_factor(request: ApiRequest, agent_id: Id) -> ResetOut:
    """Remove an agent's second factors, and end all sessions"""
    agent = get(Agent.objects.all(), agent_id, "agent")
    return ResetOut(reset=second_factor.reset(agent, by=request.by))


@operation(AREA, "GET", "/two-factor-rules", TwoFactorRulesOut, Rules("agents:read"))
def get_two_factor_rules(request: ApiRequest) -> TwoFactorRulesOut:
    """Get which roles need two-factor authentication"""
    return TwoFactorRulesOut(roles=second_factor.required_roles())


@operation(AREA, "POST", "/two-factor-rules", TwoFactorRulesOut, Rules(_WRITE, body=JSON))
def set_two_factor_rules(request: ApiRequest, body: TwoFactorRulesIn) -> TwoFactorRulesOut:
    """Choose which roles need two-factor authentication

    Agents of these roles who have not set it up can do nothing else before. API tokens are not
    asked for a second factor.
    """
    second_factor.require_for(body.roles, by=request.by)
    return TwoFactorRulesOut(roles=second_factor.required_roles())


@operation(AREA, "GET", "/agents/{agent_id}/sessions", SessionsOut, Rules("agents:read"))
def list_agent_sessions(request: ApiRequest, agent_id: Id) -> SessionsOut:
    """List where an agent is logged in"""
    agent = get(Agent.objects.all(), agent_id, "agent")
    items = [
        SessionOut(
            id=session.handle,
            address=session.address,
            browser=session.browser,
            began_at=session.began_at,
            seen_at=session.seen_at,
        )
        for session in sessions.sessions_of(agent)
    ]
    return SessionsOut(items=items)


@operation(AREA, "POST", "/agents/{agent_id}/sessions/end", EndedOut, Rules(_WRITE))
def end_agent_sessions(request: ApiRequest, agent_id: Id) -> EndedOut:
    """Log an agent out everywhere"""
    agent = get(Agent.objects.all(), agent_id, "agent")
    return EndedOut(ended=sessions.end_sessions(agent, by=request.by))


@operation(AREA, "POST", "/agents/{agent_id}/sessions/{session}/end", EndedOut, Rules(_WRITE))
def end_agent_session(request: ApiRequest, agent_id: Id, session: str) -> EndedOut:
    """End one session of an agent"""
    agent = get(Agent.objects.all(), agent_id, "agent")
    if not sessions.end_session(agent, session, by=request.by):
        raise not_found("such session")
    return EndedOut(ended=1)


@operation(AREA, "GET", "/audit", Page[EntryOut], Rules("audit:read", paged=True))
def list_audit_entries(
    request: ApiRequest,
    actor: Annotated[str, Query("", max_length=200, description="The whole name")] = "",
    action: Annotated[
        str, Query("", max_length=80, description="Its beginning, such as channel.")
    ] = "",
    subject: Annotated[str, Query("", max_length=40, description="Such as broadcast 17")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[EntryOut]:
    """List what was changed and by whom, newest first"""
    wanted = audit_log.Wanted(actor, action, subject, since, until)
    page = audit_log.search(wanted, cursor or None, limit)
    return Page(items=[_entry(entry) for entry in page.rows], next=page.next_cursor)


def _agent(agent: Agent) -> AgentOut:
    return AgentOut(
        id=agent.pk,
        name=agent.name,
        email=agent.email,
        role=agent.role,
        active=agent.is_active,
        state=agent.state,
        two_factor=second_factor.has_second_factor(agent),
        time_zone=agent.time_zone,
        created_at=agent.created_at,
        last_login=agent.last_login,
    )


def _entry(entry: AuditEntry) -> EntryOut:
    return EntryOut(
        id=entry.pk,
        at=entry.at,
        actor=entry.actor,
        agent_id=entry.agent_id,
        action=entry.action,
        subject=entry.subject,
        detail=entry.detail,
    )
