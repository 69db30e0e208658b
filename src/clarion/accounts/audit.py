"""Who did what."""

from collections.abc import Mapping, Sequence
from typing import Any

from clarion.accounts.models import Agent, AuditEntry

WORKER = "worker"
COMMAND_LINE = "command line"
STRANGER = "a person who is not logged in"


def note(action: str, subject: str, by: Agent | str, **detail: Any) -> AuditEntry:
    """Add an entry; ``by`` is the agent, or WORKER or COMMAND_LINE. Never pass secrets."""
    agent, actor = (by, by.name) if isinstance(by, Agent) else (None, by)
    return AuditEntry.objects.create(
        agent=agent, actor=actor, action=action, subject=subject, detail=detail
    )


def note_each(action: str, details: Mapping[str, Mapping[str, Any]], by: Agent | str) -> None:
    """Add an entry for each of many subjects, with its detail."""
    agent, actor = (by, by.name) if isinstance(by, Agent) else (None, by)
    AuditEntry.objects.bulk_create(
        AuditEntry(agent=agent, actor=actor, action=action, subject=subject, detail=dict(detail))
        for subject, detail in details.items()
    )


def note_export(what: str, by: Agent | str, only: str = "") -> AuditEntry:
    """Add that people's data left as a file: what, and the filter that chose it ("" for all)."""
    return note("data.export", what, by, only=only)


def forget_details(subjects: Sequence[str]) -> None:
    """Empty what entries about these subjects say beside what was done, by whom and when."""
    AuditEntry.objects.filter(subject__in=subjects).update(detail={})
