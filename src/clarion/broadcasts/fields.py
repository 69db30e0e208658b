"""Which fields of a broadcast are copied to one that is made from it.

A *duplicate* is a new draft of what a person wrote. A *run* is one execution of a periodic or
external broadcast. A *restart* sends the same again to those who did not get it. What was *edited*
is a draft of a live broadcast, which that broadcast then takes its fields from.
"""

from enum import Flag, auto
from typing import Any, Final

from clarion.broadcasts.models import Broadcast


class To(Flag):
    """The kinds of broadcasts that a field is copied to."""

    NOTHING = 0
    DUPLICATE = auto()
    RUN = auto()
    RESTART = auto()
    EDITED = auto()  # from the draft of a live edit to the live broadcast
    ALL = DUPLICATE | RUN | RESTART | EDITED


FIELDS: Final[dict[str, To]] = {
    # What is sent, and how.
    "data_type": To.ALL,
    "text": To.ALL,
    "format": To.ALL,
    "story": To.ALL,
    # What was previewed and approved; a duplicate is edited again, and sends the newest version.
    "story_version": To.RUN | To.RESTART | To.EDITED,
    "template": To.ALL,
    "mail": To.ALL,
    "mail_layout": To.RUN | To.RESTART | To.EDITED,  # as story_version
    "data": To.ALL,
    "sample_data": To.DUPLICATE | To.EDITED,
    "accepted_gaps": To.RUN | To.EDITED,  # a duplicate or a restart goes to other people
    "code_pool": To.ALL,
    "codes_returned_at": To.NOTHING,
    "channels": To.ALL,
    "end_open_chats": To.ALL,
    "track_clicks": To.ALL,
    "track_opens": To.ALL,
    "weight": To.ALL,
    "rate": To.ALL,
    "pause_rejected": To.ALL,
    "pause_unreachable": To.ALL,
    "time_zone": To.ALL,
    "priority": To.RUN | To.RESTART,  # a duplicate gets that of its own type when it is launched
    "title": To.RUN | To.RESTART | To.EDITED,  # a duplicate is called a copy
    # To whom. A restart has picks of its own.
    "audience": To.DUPLICATE | To.RUN | To.EDITED,
    # When. A run is sent once, and so is a restart.
    "type": To.DUPLICATE,
    "recurrence": To.DUPLICATE | To.EDITED,
    "trigger": To.DUPLICATE | To.EDITED,
    # A run is sent by who started its parent. A duplicate or restart belongs to whoever makes it.
    "agent": To.RUN,
    "agent_name": To.RUN,
    "drafted_by": To.RUN,
    "drafted_by_name": To.RUN,
    # Of a draft, its duplicate has these too, see drafts.duplicate.
    "scheduled_at": To.NOTHING,
    "form_state": To.NOTHING,
    # What makes a broadcast this one, and what became of it.
    "id": To.NOTHING,
    "key": To.NOTHING,
    "is_answer": To.NOTHING,
    "form_token": To.NOTHING,
    "number": To.NOTHING,
    "secret": To.NOTHING,
    "parent": To.NOTHING,
    "restart_of": To.NOTHING,
    "edit_of": To.NOTHING,
    "state": To.NOTHING,
    "state_reason": To.NOTHING,
    "instant": To.NOTHING,
    "next_run_at": To.NOTHING,
    "next_slot_at": To.NOTHING,
    "watched_since": To.NOTHING,
    "waits_until": To.NOTHING,
    "waits_since": To.NOTHING,
    "waits_reason": To.NOTHING,
    "revision": To.NOTHING,
    "edited_by": To.NOTHING,
    "edited_at": To.NOTHING,
    "created_at": To.NOTHING,
    "started_at": To.NOTHING,
    "finished_at": To.NOTHING,
    "deleted_at": To.NOTHING,
    "expected": To.NOTHING,
    "total": To.NOTHING,
    "expand_cursor": To.NOTHING,
    "expanded_at": To.NOTHING,
    "drained_at": To.NOTHING,
}
_MANY: Final = frozenset({"channels"})


def create_copy(source: Broadcast, to: To, **own: Any) -> Broadcast:
    """Save a broadcast with the fields of ``source`` that are copied to it.

    ``own`` are fields that it has of its own, instead or besides. To be called in a transaction.
    """
    copy = Broadcast.objects.create(**(values(source, to) | own))
    set_many(source, copy, to)
    return copy


def values(source: Broadcast, to: To) -> dict[str, Any]:
    """The values of the fields that are copied, by name; without those of many values."""
    names = [name for name, kinds in FIELDS.items() if to in kinds and name not in _MANY]
    return {name: getattr(source, name) for name in names}


def set_many(source: Broadcast, target: Broadcast, to: To) -> None:
    """Give ``target`` the fields of many values that are copied."""
    for name in _MANY:
        if to in FIELDS[name]:
            getattr(target, name).set(getattr(source, name).all())
