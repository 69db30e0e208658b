"""Drafts: whatever is filled in so far, edited by one agent or by several, and duplicated."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import F, Q

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts.audience import Audience
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import add_picks, copy_picks
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.content.models import Story
from clarion.kit import clock

TITLE_LENGTH = 200
MADE_FOR = frozenset({"broadcast", "external", "trigger"})  # the types that a draft can have
COPIED = (
    "type", "data_type", "text", "story", "template", "data", "audience", "end_open_chats",
    "weight", "rate", "time_zone", "recurrence", "trigger",
)  # fmt: skip


class LaunchError(ValueError):
    """A broadcast can't be sent or edited as it is; says what to do, one problem a line."""


class EditConflict(LaunchError):  # noqa: N818 - the name is the fact
    """Somebody else has edited the draft meanwhile; says who and when.

    ``who`` is empty when it was the command line, ``at`` the moment of that edit.
    """

    def __init__(self, broadcast: Broadcast) -> None:
        """Of a draft, as it is stored now."""
        self.who = broadcast.edited_by.name if broadcast.edited_by else ""
        self.at = broadcast.edited_at or broadcast.created_at
        super().__init__(
            f"{self.who or 'The command line'} edited this draft at {self.at:%H:%M} UTC, after you "
            "opened it. Load the newest, or keep yours as a copy."
        )


class Fields(TypedDict, total=False):
    """What a draft is made of; what is left out stays as it is.

    ``form_state`` is how the page of the draft was left, ``{"form": {name: [value, …]}, "problems":
    {field: sentence}}``: what is not valid yet is kept there, and stands in the way of sending.
    Every edit that gives no ``form_state`` clears it, for it would no longer be true.
    """

    title: str
    text: str
    data_type: str  # text, story, template
    story: Story | None
    template: Mapping[str, Any]  # name, language, variables: texts
    data: Mapping[str, Any]  # {{ data.x }} for everyone
    type: str  # broadcast, external, trigger
    scheduled_at: datetime | None
    time_zone: str
    recurrence: Mapping[str, Any]  # see broadcasts.recurrence
    trigger: Mapping[str, Any]  # see broadcasts.triggers
    end_open_chats: bool
    rate: float | None  # messages a second
    form_state: Mapping[str, Any]


def create_draft(
    *,
    by: Agent | str,
    channels: Sequence[Channel] = (),
    audience: Audience | None = None,
    picks: Iterable[int] = (),
    **fields: Unpack[Fields],
) -> Broadcast:
    """Save a draft with whatever is filled in so far (D1). ``picks`` are address ids.

    Raises LaunchError for a value that no draft can hold.
    """
    with transaction.atomic():
        broadcast = Broadcast.objects.create(agent=by if isinstance(by, Agent) else None)
        edit_draft(broadcast, by=by, channels=channels, audience=audience, picks=picks, **fields)
        audit.note("broadcast.create", f"broadcast {broadcast.pk}", by)
    return broadcast


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
    Raises LaunchError when it is no draft any more, or for a value that no draft can hold.
    """
    values: dict[str, Any] = {"form_state": {}, **_checked(fields)}
    if audience is not None:
        values["audience"] = audience.model_dump()
    if "story" in fields and fields["story"] != broadcast.story:
        values["story_version"] = None
    with transaction.atomic():
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        if revision is not None:
            own = Q(form_state__page=page) if page else Q()
            draft = draft.filter(Q(revision=revision) | own)
        touched = draft.update(
            **values,
            revision=F("revision") + 1,
            edited_by=by if isinstance(by, Agent) else None,
            edited_at=clock.now(),
        )
        if not touched:
            raise _why_not(broadcast)
        if channels is not None:
            broadcast.channels.set(channels)
        if picks is not None:
            broadcast.picks.all().delete()
            add_picks(broadcast, picks)
    broadcast.refresh_from_db()
    return broadcast


def _checked(fields: Fields) -> Fields:
    """The fields as they are stored. Raises LaunchError for what no draft can hold."""
    if "title" in fields:
        fields["title"] = fields["title"].strip()[:TITLE_LENGTH]
    if fields.get("data_type", "text") not in Broadcast.DataType.values:
        raise LaunchError("The data type is one of: text, story, template. Choose one of them.")
    if fields.get("type", "broadcast") not in MADE_FOR:
        raise LaunchError("The type is one of: broadcast, external, trigger. Choose one of them.")
    rate = fields.get("rate")
    if rate is not None and not 0.01 <= rate <= 1_000_000:  # NaN fails too
        raise LaunchError("The send rate is a number of messages a second from 0.01 to 1,000,000.")
    return fields


def _why_not(broadcast: Broadcast) -> LaunchError:
    stored = Broadcast.objects.select_related("edited_by").filter(pk=broadcast.pk).first()
    if stored is None:
        return LaunchError("This draft was deleted meanwhile. Keep yours as a copy.")
    if stored.state != BroadcastState.DRAFT:
        return LaunchError("This broadcast is no draft any more. Undo it first, then edit.")
    return EditConflict(stored)


def lock(broadcast: Broadcast, revision: int | None = None) -> None:
    """Lock a broadcast until the transaction ends, and refresh the object given.

    Raises LaunchError when it was deleted, and EditConflict for a draft of which ``revision`` is
    not the newest.
    """
    if not Broadcast.objects.select_for_update().filter(pk=broadcast.pk).exists():
        raise LaunchError("This broadcast was deleted meanwhile.")
    broadcast.refresh_from_db()
    is_draft = broadcast.state == BroadcastState.DRAFT
    if is_draft and revision is not None and broadcast.revision != revision:
        raise EditConflict(broadcast)


def duplicate(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """A new draft with all that this broadcast has, its people too; its title begins “Copy of”.

    The time of one that was launched is not taken over. Raises LaunchError when it is gone.
    """
    with transaction.atomic():
        old = Broadcast.objects.select_related("story").filter(pk=broadcast.pk).first()
        if old is None:
            raise LaunchError("This broadcast was deleted meanwhile. There is nothing to copy.")
        fresh = Broadcast(
            agent=by if isinstance(by, Agent) else None,
            title=_copy_title(old),
            edited_by=by if isinstance(by, Agent) else None,
            edited_at=clock.now(),
            **{name: getattr(old, name) for name in COPIED},
        )
        if old.type == Broadcast.Type.SINGLE:
            fresh.type = Broadcast.Type.BROADCAST
        if old.state == BroadcastState.DRAFT:
            fresh.scheduled_at, fresh.form_state = old.scheduled_at, old.form_state
        fresh.save()
        fresh.channels.set(old.channels.all())
        copy_picks(old, fresh)
        audit.note("broadcast.duplicate", f"broadcast {old.pk}", by, copy=fresh.pk)
    return fresh


def _copy_title(old: Broadcast) -> str:
    name = old.title or f"broadcast {old.pk}"
    return f"Copy of {name.removeprefix('Copy of ')}"[:TITLE_LENGTH]
