"""Who sent a broadcast, and who drafted it: two facts.

Either is an agent. Who uses the command line without saying as whom is the machine, by its name.
"""

import socket
from typing import Any

from clarion.accounts.audit import COMMAND_LINE
from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast

NAME_LENGTH = 200


def name_of(by: Agent | str) -> str:
    """The name that is shown for somebody."""
    if isinstance(by, Agent):
        return by.name
    return f"{socket.gethostname()} ({by})"[:NAME_LENGTH] if by == COMMAND_LINE else by


def sender(by: Agent | str) -> dict[str, Any]:
    """The fields of a broadcast that say who sent it."""
    return {"agent": by if isinstance(by, Agent) else None, "agent_name": name_of(by)}


def drafter(by: Agent | str) -> dict[str, Any]:
    """The fields of a broadcast that say who drafted it."""
    return {"drafted_by": by if isinstance(by, Agent) else None, "drafted_by_name": name_of(by)}


NOBODY: dict[str, Any] = {"agent": None, "agent_name": ""}  # who has sent a draft


def sent_by(broadcast: Broadcast) -> str:
    """Who sent it, as agents are called now; empty before that."""
    return broadcast.agent.name if broadcast.agent else broadcast.agent_name


def drafted_by(broadcast: Broadcast) -> str:
    """Who drafted it, as agents are called now."""
    return broadcast.drafted_by.name if broadcast.drafted_by else broadcast.drafted_by_name
