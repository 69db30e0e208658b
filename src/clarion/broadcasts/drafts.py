"""Drafts: whatever is filled in so far, edited by one agent or by several, and duplicated."""

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from django.db import transaction
from django.db.models import F

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import authors, draft_fields, events
from clarion.broadcasts.draft_fields import TITLE_LENGTH, Fields
from clarion.broadcasts.errors import EditConflict, LaunchError
from clarion.broadcasts.fields import To, create_copy
from clarion.broadcasts.mail import merged_mail
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.once import create_once
from clarion.broadcasts.picks import add_picks, copy_picks
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.content.models import Story
from clarion.kit import clock


def look_up(channel_ids: Sequence[int], story_id: int | None) -> tuple[list[Channel], Story | None]:
    """The channels by name, and the story, of these ids; ids of nothing are left out."""
    channels = list(Channel.objects.filter(pk__in=channel_ids).order_by("name"))
    return channels, Story.objects.filter(pk=story_id or 0).first()


def create_draft(
    *,
    by: Agent | str,
    channels: Sequence[Channel] = (),
    audience: Audience | None = None,
    picks: Iterable[int] = (),
    form_token: str = "",
    **fields: Unpack[Fields],
) -> Broadcast:
    """Save a draft with whatever is filled in so far (D1). ``picks`` are address ids.

    ``form_token``: of the form that it is written in. A form makes one draft: called again with
    the same token, this edits the draft that there is. Raises LaunchError for a value that no
    draft can hold, and for a form whose draft has been sent.
    """
    with transaction.atomic():
        broadcast, is_new = write_draft(
            by=by,
            channels=channels,
            audience=audience,
            picks=picks,
            form_token=form_token,
            **fields,
        )
        if is_new:
            note_created(broadcast, by)
    return broadcast


def write_draft(
    *,
    by: Agent | str,
    channels: Sequence[Channel] = (),
    audience: Audience | None = None,
    picks: Iterable[int] = (),
    form_token: str = "",
    **fields: Unpack[Fields],
) -> tuple[Broadcast, bool]:
    """Save a draft as ``create_draft`` does, not noted yet. The draft, and whether it is new."""
    with transaction.atomic():
        broadcast, is_new = create_once(form_token, **authors.drafter(by))
        if is_new:
            events.observe(broadcast.pk, "create", by)
        edit_draft(broadcast, by=by, channels=channels, audience=audience, picks=picks, **fields)
    return broadcast, is_new


def note_created(broadcast: Broadcast, by: Agent | str) -> None:
    """Note in the audit log who made it."""
    audit.note("broadcast.create", f"broadcast {broadcast.pk}", by)


def edit_draft(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    channels: Sequence[Channel] | None = None,
    audience: Audience | None = None,
    picks: Iterable[int] | None = None,
    revision: int | None = None,
    page: str = "",
    **fields: Unpack[Fields],
) -> Broadcast:
    """Change a draft; the object given is refreshed. Every edit counts ``revision`` up.

    ``revision`` is the one that the editor saw: raises EditConflict when there is a newer one,
    unless it was this ``page`` (of ``form_state``) that made it. Without it the last edit wins.
    An edit without ``form_state`` clears the form state of the parts that it changes.
    Raises LaunchError when it is no draft any more, or for a value that no draft can hold.
    """
    values: dict[str, Any] = {**draft_fields.stored(fields)}
    if audience is not None:
        values["audience"] = audience.model_dump()
    with transaction.atomic():
        _lock_draft(broadcast, revision, page)
        if broadcast.restart_of_id is not None:
            _refuse_other_people(broadcast, fields, channels, audience, picks)
        if "form_state" not in fields:
            edited = {*values, *(["channels"] if channels is not None else [])}
            values["form_state"] = draft_fields.after_edit(broadcast.form_state, edited)
        if "mail" in values:
            values["mail"] = merged_mail(broadcast.mail, values["mail"])
            if values["mail"].get("layout") != broadcast.mail.get("layout"):
                values["mail_layout"] = {}
        if "story" in values and values["story"] != broadcast.story:
            values["story_version"] = None
        Broadcast.objects.filter(pk=broadcast.pk).update(
            **values,
            revision=F("revision") + 1,
            edited_by=by if isinstance(by, Agent) else None,
            edited_at=clock.now(),
        )
        if channels is not None:
            broadcast.channels.set(channels)
        if picks is not None:
            broadcast.picks.all().delete()
            add_picks(broadcast, picks)
        events.note_edit(broadcast, by)
    broadcast.refresh_from_db()
    return broadcast


def _refuse_other_people(
    restart: Broadcast,
    fields: Fields,
    channels: Sequence[Channel] | None,
    audience: Audience | None,
    picks: Iterable[int] | None,
) -> None:
    """Raise LaunchError when a restart would go to others than those its chain did not reach.

    Or more than once: what repeats would send again to whom it has reached.
    """
    same_audience = audience is None or audience.model_dump() == restart.audience
    same_channels = channels is None or {channel.pk for channel in channels} == set(
        restart.channels.values_list("pk", flat=True)
    )
    if picks is not None or not (same_audience and same_channels):
        raise LaunchError(
            "The audience of a restart is fixed: the recipients that were not reached. "
            "To send to others, duplicate the broadcast."
        )
    if fields.get("type", "broadcast") != "broadcast" or fields.get("recurrence"):
        raise LaunchError(
            "A restart is sent once, now or at a time. To repeat it, duplicate the broadcast."
        )


def _lock_draft(broadcast: Broadcast, revision: int | None, page: str) -> None:
    lock(broadcast)
    if broadcast.state != BroadcastState.DRAFT:
        raise LaunchError("This broadcast is no draft any more. Undo it first, then edit.")
    own = bool(page) and broadcast.form_state.get("page") == page
    if revision not in {None, broadcast.revision} and not own:
        raise conflict(broadcast)


def lock(broadcast: Broadcast, revision: int | None = None) -> None:
    """Lock a broadcast until the transaction ends, and refresh the object given.

    Raises LaunchError when it was deleted, and EditConflict for a draft of which ``revision`` is
    not the newest.
    """
    try:
        broadcast.refresh_from_db(from_queryset=Broadcast.objects.select_for_update())
    except Broadcast.DoesNotExist:
        raise LaunchError("This broadcast was deleted meanwhile.") from None
    if broadcast.state == BroadcastState.DRAFT and revision not in {None, broadcast.revision}:
        raise conflict(broadcast)


def conflict(draft: Broadcast) -> EditConflict:
    """The error for somebody who edits a draft that was edited meanwhile, as it is stored now."""
    editor = draft.edited_by.name if draft.edited_by else ""
    return EditConflict(editor, draft.edited_at or draft.created_at)


def duplicate(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """A new draft with all that this broadcast has, its people too; its title begins “Copy of”.

    The time of one that was launched is not taken over. Raises LaunchError when it is gone.
    """
    with transaction.atomic():
        old = Broadcast.objects.select_related("story").filter(pk=broadcast.pk).first()
        if old is None:
            raise LaunchError("This broadcast was deleted meanwhile. There is nothing to copy.")
        own: dict[str, Any] = {
            **authors.drafter(by),
            "title": _copy_title(old),
            "edited_by": by if isinstance(by, Agent) else None,
            "edited_at": clock.now(),
        }
        if old.type == Broadcast.Type.SINGLE:
            own["type"] = Broadcast.Type.BROADCAST
        if old.state == BroadcastState.DRAFT:
            own |= {"scheduled_at": old.scheduled_at, "form_state": old.form_state}
        fresh = create_copy(old, To.DUPLICATE, **own)
        copy_picks(old, fresh)
        events.note(old, "duplicate", by, copy=fresh.pk)
        events.observe(fresh.pk, "create", by, copy_of=old.pk)
    return fresh


def _copy_title(old: Broadcast) -> str:
    name = old.title or f"broadcast {old.pk}"
    return f"Copy of {name.removeprefix('Copy of ')}"[:TITLE_LENGTH]
