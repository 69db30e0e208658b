"""Who did what."""

from typing import Any

from clarion.accounts.models import Agent, AuditEntry

ENGINE = "engine"
COMMAND_LINE = "command line"


def note(action: str, subject: str, by: Agent | str, **detail: Any) -> AuditEntry:
    """Add an entry; ``by`` is the agent, or ENGINE or COMMAND_LINE. Never pass secrets."""
    agent = by if isinstance(by, Agent) else None
    return AuditEntry.objects.create(
        agent=agent,
        actor=agent.name if agent else by,
        action=action,
        subject=subject,
        detail=detail,
    )
