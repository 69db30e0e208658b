"""Sessions in the database, each with its agent: so they can be listed and ended.

`SESSION_ENGINE` names this module. A session that is deleted has ended in every web process.
"""

import hashlib
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent, AgentSession
from clarion.kit import clock

ABOUT: Final = "about"  # the key of what a session knows of its browser
SEEN_EVERY: Final = 600.0  # seconds between notes of the last use
_LONGEST_BROWSER: Final = 200
_HANDLE_LENGTH: Final = 16
_REMEMBERED: Final = 10_000  # sessions
_noted: dict[str, float] = {}  # when this process last noted the use of a session
_lock = threading.Lock()


class SessionStore(DatabaseStore):
    """Django's sessions in the database, in our table."""

    @classmethod
    def get_model_class(cls) -> type[AgentSession]:
        """The table."""
        return AgentSession

    def create_model_instance(self, data: dict[str, Any]) -> AgentSession:
        """The row of a session."""
        row = cast(AgentSession, super().create_model_instance(data))
        about = data.get(ABOUT)
        if about is not None:
            row.agent_id = int(data[SESSION_KEY])
            row.address, row.browser = about["address"], about["browser"]
            row.began_at, row.seen_at = clock.from_us(about["began"]), clock.now()
        return row


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session of an agent. The handle names it without being worth anything to a thief."""

    handle: str
    address: str
    browser: str  # what it calls itself
    began_at: datetime | None
    seen_at: datetime | None  # to about ten minutes
    is_own: bool  # the one that asks


def begin(session: SessionBase, *, address: str, browser: str) -> None:
    """Note where a session began; called when an agent logs in."""
    session[ABOUT] = {
        "address": address[:45],
        "browser": "".join(sign for sign in browser if sign.isprintable())[:_LONGEST_BROWSER],
        "began": clock.now_us(),
    }


def note_use(session: SessionBase) -> None:
    """Note that a session is used: in the database about every ten minutes."""
    key, now = session.session_key, time.monotonic()
    with _lock:
        if key is None or now < _noted.get(key, 0) + SEEN_EVERY:
            return
        if len(_noted) >= _REMEMBERED:
            _noted.clear()
        is_new = key not in _noted
        _noted[key] = now
    if not is_new:
        AgentSession.objects.filter(session_key=key).update(seen_at=clock.now())


def sessions_of(agent: Agent, own: str | None = None) -> list[ListedSession]:
    """The agent's sessions, the last used first; ``own`` is the key of the one that asks."""
    rows = AgentSession.objects.filter(agent=agent, expire_date__gt=clock.now())
    return [
        ListedSession(
            handle=_handle(row.session_key),
            address=row.address,
            browser=row.browser,
            began_at=row.began_at,
            seen_at=row.seen_at,
            is_own=row.session_key == own,
        )
        for row in rows.order_by("-seen_at", "session_key")
    ]


def end_session(agent: Agent, handle: str, *, by: Agent | str) -> bool:
    """End one session of an agent; return whether there was such a session."""
    keys = AgentSession.objects.filter(agent=agent).values_list("session_key", flat=True)
    ended = [key for key in keys if _handle(key) == handle]
    with transaction.atomic():
        count = AgentSession.objects.filter(session_key__in=ended).delete()[0]
        if count:
            audit.note("agent.session_end", f"agent {agent.pk}", by, sessions=count)
    return bool(count)


def end_sessions(agent: Agent, *, by: Agent | str, but: str | None = None) -> int:
    """End all sessions of an agent, except the one with the key ``but``; return how many."""
    with transaction.atomic():
        count = drop_sessions(agent, but=but)
        if count:
            audit.note("agent.session_end", f"agent {agent.pk}", by, sessions=count)
    return count


def drop_sessions(agent: Agent, *, but: str | None = None) -> int:
    """As ``end_sessions``, as a part of another change, which is noted instead."""
    rows = AgentSession.objects.filter(agent=agent)
    return (rows.exclude(session_key=but) if but else rows).delete()[0]


def _handle(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_HANDLE_LENGTH]
