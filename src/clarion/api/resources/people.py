"""Agents and the audit log: read only, by tokens of admins."""

from typing import Annotated, Any, Literal

from ninja import Query
from pydantic import AwareDatetime

from clarion.accounts.models import Agent, AuditEntry
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get
from clarion.api.operations import Rules, operation
from clarion.api.types import Id, Moment, Output, Page

AREA = "Agents and audit log"


class AgentOut(Output):
    """A colleague who logs in."""

    id: Id
    name: str
    email: str
    role: Literal["viewer", "sender", "manager", "admin"]
    active: bool
    time_zone: str
    created_at: Moment


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


@operation(AREA, "GET", "/agents/{agent_id}", AgentOut, Rules("agents:read"))
def get_agent(request: ApiRequest, agent_id: Id) -> AgentOut:
    """Get an agent"""
    return _agent(get(Agent.objects.all(), agent_id, "agent"))


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
    wanted: dict[str, Any] = {
        "actor": actor, "action__startswith": action, "subject": subject,
        "at__gte": since, "at__lt": until,
    }  # fmt: skip
    conditions = {name: value for name, value in wanted.items() if value}
    return page_of(AuditEntry.objects.filter(**conditions), limit, cursor, _entry)


def _agent(agent: Agent) -> AgentOut:
    return AgentOut(
        id=agent.pk,
        name=agent.name,
        email=agent.email,
        role=agent.role,
        active=agent.is_active,
        time_zone=agent.time_zone,
        created_at=agent.created_at,
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
