"""Editing a live broadcast: in a draft of its own, whose Send changes the live one (E3, F7).

While the draft is written, the live broadcast goes on as it was: its triggers fire, its URL is
answered, its runs begin. The draft takes effect in one transaction, and is deleted then.
"""

from typing import Any, Final

from django.db import transaction
from django.db.models import F

from clarion.accounts.models import Agent
from clarion.broadcasts import authors, calls, drafts, events, periodic, trigger
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.fields import To, create_copy, set_many, values
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import copy_picks
from clarion.broadcasts.problems import check
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.versions import fix_content
from clarion.contacts import tags
from clarion.kit import clock, ids
from clarion.records.progress import between_messages

S = BroadcastState
EDITABLE: Final = (S.LIVE, S.PAUSED)
_NAMES = {
    Broadcast.Timing.PERIODIC: "periodic",
    Broadcast.Timing.TRIGGER: "a trigger",
    Broadcast.Timing.EXTERNAL: "external",
}


def can_edit_live(broadcast: Broadcast) -> bool:
    """Whether it is live, or paused, and can be edited so."""
    return broadcast.is_live and broadcast.state in EDITABLE


def begin(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """The draft in which a live broadcast is edited: the one that there is, or a new one."""
    with transaction.atomic():
        drafts.lock(broadcast)
        if not can_edit_live(broadcast):
            raise LaunchError(f"This broadcast is {broadcast.get_state_display().lower()} now.")
        begun = broadcast.edits.filter(state=S.DRAFT).first()
        if begun is not None:
            return begun
        own = {"title": broadcast.title, "edited_at": clock.now(), "edit_of": broadcast}
        draft = create_copy(broadcast, To.DUPLICATE, **authors.drafter(by), **own)
        copy_picks(broadcast, draft)
        events.note(broadcast, "edit", by, draft=draft.pk)
    return draft


def apply(draft: Broadcast, *, by: Agent | str) -> Broadcast:
    """Let the live broadcast say what its draft says, from now on; the draft is deleted.

    Returns the live broadcast. To be called in a transaction, with the draft locked. Raises
    LaunchError with all that is in the way.
    """
    live = Broadcast.objects.select_for_update().filter(pk=draft.edit_of_id or 0).first()
    if live is None or live.state not in EDITABLE or live.deleted_at is not None:
        raise LaunchError(
            "The live broadcast has been stopped, so it can't be changed. "
            "Duplicate this draft to start it as a new broadcast."
        )
    if draft.timing != live.timing:
        raise LaunchError(
            f"The live broadcast is {_NAMES[live.timing]} and stays so. Choose that again, or "
            "duplicate this draft to start it as a new broadcast."
        )
    if problems := check(draft):
        raise LaunchError("\n".join(problems))
    fix_content(draft)
    if draft.story_version_id != live.story_version_id and between_messages(live.pk):
        raise LaunchError(
            "Some recipients are between two messages of the story. Try again in a minute."
        )
    fields = values(draft, To.EDITED) | _timing(draft, live)
    Broadcast.objects.filter(pk=live.pk).update(
        **fields, revision=F("revision") + 1, next_slot_at=0
    )
    set_many(draft, live, To.EDITED)
    live.picks.all().delete()
    copy_picks(draft, live)
    draft.delete()
    live.refresh_from_db()
    events.note(live, "change", by, title=live.title)
    return live


def _timing(draft: Broadcast, live: Broadcast) -> dict[str, Any]:
    """What follows from a new schedule or trigger."""
    if draft.timing == Broadcast.Timing.PERIODIC:
        return {"next_run_at": periodic.following(draft, clock.now())}
    if draft.timing != Broadcast.Timing.TRIGGER:
        return {}
    wanted = trigger.parse(draft.trigger)
    fields: dict[str, Any] = {"trigger": wanted.model_dump(by_alias=True)}
    if wanted.on == "tag":
        tags.ensure_tags([wanted.tag])
    if wanted.on == "event" and not live.secret:
        fields["secret"] = {"token": ids.token(calls.SECRET_LENGTH)}
    return fields
