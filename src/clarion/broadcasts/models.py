"""Broadcasts."""

from functools import reduce
from operator import and_, or_
from typing import Any

from django.conf import settings
from django.db import models

from clarion.accounts.models import Agent
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.codes.models import CodePool
from clarion.contacts.models import Address, Contact
from clarion.content.formats import TEXT
from clarion.content.models import Story, StoryVersion
from clarion.kit import clock, ids
from clarion.kit.fields import InstantField, SecretJSONField


class Broadcast(models.Model):
    """One sending job."""

    class Type(models.TextChoices):
        """What launches it."""

        BROADCAST = "broadcast", "Broadcast"
        EXTERNAL = "external", "External"
        TRIGGER = "trigger", "Trigger"
        # To one person, at once: a test send, an agent's reply, a story that a button asks for.
        # Lists of broadcasts leave it out.
        SINGLE = "single", "Single"

    class DataType(models.TextChoices):
        """What each person gets."""

        TEXT = "text", "Text"
        STORY = "story", "Story"
        TEMPLATE = "template", "Template"

    class Timing(models.TextChoices):
        """When it is sent: a fact about its other fields, see ``timing``."""

        NOW = "now", "Now"
        SCHEDULED = "scheduled", "Scheduled"
        PERIODIC = "periodic", "Periodic"
        TRIGGER = "trigger", "Trigger"
        EXTERNAL = "external", "External"

    key = models.CharField(max_length=16, unique=True, default=ids.token)  # see records.message_ids
    # № counts what was sent; None until its sending begins, see broadcasts.numbering.
    number = models.BigIntegerField(null=True, unique=True)
    title = models.CharField(max_length=200, default="", blank=True)
    type = models.CharField(max_length=10, choices=Type, default=Type.BROADCAST)
    state = models.CharField(max_length=10, choices=BroadcastState, default=BroadcastState.DRAFT)
    state_reason = models.TextField(default="", blank=True)
    # Who sent it; the name is also kept of one who was no agent, see broadcasts.authors.
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    agent_name = models.CharField(max_length=200, default="", blank=True)
    drafted_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    drafted_by_name = models.CharField(max_length=200, default="", blank=True)
    data_type = models.CharField(max_length=10, choices=DataType, default=DataType.TEXT)
    text = models.TextField(default="", blank=True)
    format = models.CharField(
        max_length=12, default=TEXT
    )  # how the text is written: see content.formats
    story = models.ForeignKey(
        Story, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    story_version = models.ForeignKey(  # the one it was launched with; later edits change nothing
        StoryVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    template = models.JSONField(default=dict, blank=True)  # name, language, variables (texts)
    mail = models.JSONField(default=dict, blank=True)  # of its e-mails: see broadcasts.mail
    # The layout that it was launched with; later edits change nothing. See broadcasts.mail_bodies.
    mail_layout = models.JSONField(default=dict, blank=True)
    data = models.JSONField(default=dict, blank=True)  # {{ data.x }} for everyone it is sent to
    # What {{ data.x }} shows in the preview and in a test send; never in the broadcast itself.
    sample_data = models.JSONField(default=dict, blank=True)
    # Variables that some recipients lack, and an agent decided to send to the others: see gaps.
    accepted_gaps = models.JSONField(default=list, blank=True)
    # Where {{ code }} comes from: each recipient gets a code of it.
    code_pool = models.ForeignKey(CodePool, null=True, on_delete=models.SET_NULL, related_name="+")
    # It is over, and codes whose message was never sent are free again.
    codes_returned_at = InstantField(null=True)
    channels: "models.ManyToManyField[Channel, Any]" = models.ManyToManyField(Channel)
    audience = models.JSONField(default=dict)  # see broadcasts.audience
    end_open_chats = models.BooleanField(default=False)
    is_answer = models.BooleanField(default=False)  # a single that goes to who opted out as well
    track_clicks = models.BooleanField(default=False)  # links lead through this server: see clicks
    track_opens = models.BooleanField(default=False)  # e-mails have an image of this server
    priority = models.SmallIntegerField(default=0)  # higher goes first on its channel
    weight = models.PositiveSmallIntegerField(default=1)  # share among those of one priority
    rate = models.FloatField(null=True, blank=True)  # messages a second, at most
    next_slot_at = models.BigIntegerField(default=0, db_default=0)  # microseconds, with a rate
    # It pauses when so many percent of its last messages fail; None: as the workspace sets, 0:
    # never. What was attempted before watched_since is looked at no more: see broadcasts.halting.
    pause_rejected = models.PositiveSmallIntegerField(null=True, blank=True)
    pause_unreachable = models.PositiveSmallIntegerField(null=True, blank=True)
    watched_since = InstantField(null=True)
    # Nothing leaves before waits_until, and then one message: its story's webhook does not answer.
    waits_until = InstantField(null=True)
    waits_since = InstantField(null=True)
    waits_reason = models.TextField(default="", blank=True)
    restart_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="restarts"
    )
    edit_of = models.ForeignKey(  # the live broadcast that gets what this draft says
        "self", null=True, on_delete=models.SET_NULL, related_name="edits"
    )
    parent = models.ForeignKey(  # the periodic or external broadcast that this is a run of
        "self", null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    time_zone = models.CharField(max_length=64, default="", blank=True)  # of its clock times
    recurrence = models.JSONField(default=dict, blank=True)  # see broadcasts.recurrence
    next_run_at = InstantField(null=True)
    trigger = models.JSONField(default=dict, blank=True)  # see broadcasts.triggers
    secret: Any = SecretJSONField(default=dict, blank=True)  # {"token"} of its own URL
    form_token = models.CharField(  # of the form that made it, see broadcasts.once
        max_length=40, null=True, unique=True
    )
    revision = models.PositiveIntegerField(default=0)  # counts the edits of the draft
    edited_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    edited_at = InstantField(null=True)
    form_state = models.JSONField(
        default=dict, blank=True
    )  # as its page was left, see drafts.Fields
    created_at = InstantField(default=clock.now)
    scheduled_at = InstantField(null=True)
    instant = models.BooleanField(default=False)  # scheduled_at is the end of its undo window
    started_at = InstantField(null=True)
    finished_at = InstantField(null=True)
    deleted_at = InstantField(null=True)  # out of sight: retention takes it away piece by piece
    # Recipients when it was scheduled (about, where they are very many); it is decided later.
    expected = models.BigIntegerField(null=True)
    total = models.BigIntegerField(default=0)  # deliveries written so far
    expand_cursor = models.BigIntegerField(default=0)  # the last address that was looked at
    expanded_at = InstantField(null=True)
    drained_at = InstantField(null=True)  # stopped, and nothing of it can leave any more

    class Meta:
        indexes = [
            # What the engine looks at several times a second. (Of conditions SQLite only sees those
            # that have no parameter in the query, such as IS NULL.)
            models.Index(
                fields=["state"],
                name="broadcast_unexpanded",
                condition=models.Q(expanded_at__isnull=True),
            ),
            models.Index(
                fields=["state", "finished_at"],
                name="broadcast_undrained",
                condition=models.Q(drained_at__isnull=True),
            ),
            models.Index(fields=["state", "scheduled_at"], name="broadcast_state_due"),
            models.Index(fields=["state", "next_run_at"], name="broadcast_next_run"),
            models.Index(fields=["type", "finished_at"], name="broadcast_finished"),
            # What a list looks at, with singles, which may be many, apart.
            models.Index(fields=["type", "state", "deleted_at", "id"], name="broadcast_listed"),
            models.Index(
                fields=["finished_at"],
                name="broadcast_single_over",
                condition=models.Q(type="single", agent__isnull=True),
            ),
            models.Index(
                fields=["state"],
                name="broadcast_codes_out",
                condition=models.Q(code_pool__isnull=False, codes_returned_at__isnull=True),
            ),
            models.Index(
                fields=["deleted_at"],
                name="broadcast_deleted",
                condition=models.Q(deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"broadcast {self.pk}"

    @property
    def timing(self) -> Timing:
        """When it is sent. A run of an external broadcast is sent once, as any other."""
        for timing, rules in _LIVE.items():
            if all((getattr(self, name) == value) is same for name, same, value in rules):
                return timing
        return self.Timing.NOW if self.scheduled_at is None else self.Timing.SCHEDULED

    @property
    def zone(self) -> str:
        """The name of the time zone of its clock times."""
        return self.time_zone or str(settings.CLARION.time_zone)

    @property
    def is_live(self) -> bool:
        """Whether it goes live instead of being sent once: periodic, a trigger, or the external
        broadcast whose calls make runs."""
        return self.timing in _LIVE


# Broadcasts that go live: their timing, and the fields that must (True) or must not have a value.
_Rules = tuple[tuple[str, bool, object], ...]
_LIVE: dict[Broadcast.Timing, _Rules] = {
    Broadcast.Timing.TRIGGER: (("type", True, Broadcast.Type.TRIGGER),),
    Broadcast.Timing.EXTERNAL: (("type", True, Broadcast.Type.EXTERNAL), ("parent_id", True, None)),
    Broadcast.Timing.PERIODIC: (("recurrence", False, {}),),
}


def _as_q(rules: _Rules) -> models.Q:
    parts = ((models.Q((name, value)), same) for name, same, value in rules)
    return reduce(and_, (part if same else ~part for part, same in parts))


IS_LIVE = reduce(or_, map(_as_q, _LIVE.values()))  # ``Broadcast.is_live``, for a query


class Numbering(models.Model):
    """The last № that was given: one row, which two that need one at once wait for."""

    last = models.BigIntegerField()

    def __str__(self) -> str:
        return f"№ {self.last}"


class Pick(models.Model):
    """One address of an audience given person by person (by hand, CSV or chat number).

    They come by the hundred thousand, from addresses just read: no constraint, see contacts.models.
    """

    # The constraint below begins with it. With an index of its own PostgreSQL could take that one,
    # while it thinks the table empty, and read all picks of a broadcast for each address.
    broadcast = models.ForeignKey(
        Broadcast,
        on_delete=models.CASCADE,
        related_name="picks",
        db_index=False,
        db_constraint=False,
    )
    address = models.ForeignKey(
        Address, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broadcast", "address"], name="pick_once")]

    def __str__(self) -> str:
        return f"{self.address_id} in {self.broadcast_id}"


class Firing(models.Model):
    """One trigger has fired for one contact: it waits for its moment, and is kept as the proof."""

    class State(models.TextChoices):
        """Sent: its deliveries are written. Dropped: ``reason`` says why nothing was."""

        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        DROPPED = "dropped", "Dropped"

    broadcast = models.ForeignKey(  # the constraint below begins with it
        Broadcast, on_delete=models.CASCADE, related_name="firings", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    occurrence = models.PositiveIntegerField(default=0)  # 0 for the first
    happened_at = InstantField()
    due_at = InstantField()
    data = models.JSONField(default=dict)  # {{ data.x }} for this person
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["broadcast", "contact", "occurrence"], name="firing_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["broadcast", "due_at"],
                name="firing_due",
                condition=models.Q(state="waiting"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.broadcast_id} for contact {self.contact_id}"


class ExternalCall(models.Model):
    """One call of an external broadcast's URL, and what it was answered."""

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="calls")
    run = models.ForeignKey(Broadcast, null=True, on_delete=models.SET_NULL, related_name="+")
    key = models.CharField(max_length=255, null=True)  # its Idempotency-Key
    digest = models.CharField(max_length=64, default="")  # SHA-256 of its body, hexadecimal
    at = InstantField(default=clock.now)
    answer = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broadcast", "key"], name="external_call_once")
        ]
        indexes = [models.Index(fields=["broadcast", "at"], name="external_call_at")]

    def __str__(self) -> str:
        return f"call {self.pk} of {self.broadcast_id}"


class Event(models.Model):
    """Something that happened to a broadcast, beside its messages. Rows are only ever added.

    They are written by ``broadcasts.events`` and deleted with their broadcast.
    """

    broadcast = models.ForeignKey(  # the index below begins with it
        Broadcast, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    at = InstantField()
    kind = models.CharField(max_length=20)  # see broadcasts.events.KINDS
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.CharField(max_length=200)  # who: the name at that time, or "Clarion"
    detail = models.JSONField(default=dict)  # by kind: a reason, a number, an id

    class Meta:
        indexes = [models.Index(fields=["broadcast", "at", "id"], name="event_of_broadcast")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.broadcast_id}"


class Erasure(models.Model):
    """Addresses of a deleted contact that a worker had a message to: see ``erasing``."""

    addresses = models.JSONField()  # their ids
    singles = models.JSONField(default=list)  # the ids of what was sent to them alone
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ApprovalRules(models.Model):
    """What needs the approval of a second person; one row, see ``approvals``."""

    ONLY = 1
    MOST = 1_000_000_000

    more_than = models.BigIntegerField(null=True)  # recipients; None: nothing needs approval
    roles = models.JSONField(default=list)  # of the agents whose broadcasts need it

    def __str__(self) -> str:
        return f"more than {self.more_than}"


class Approval(models.Model):
    """Somebody asks for the approval of a draft, and what was decided."""

    class State(models.TextChoices):
        """What became of the request."""

        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="approvals")
    digest = models.CharField(max_length=64)  # of what was asked for
    segments = models.CharField(max_length=64)  # digest of the conditions of its segments
    recipients = models.BigIntegerField(null=True)  # None: they come later
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    asked_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_by_name = models.CharField(max_length=200)
    asked_at = InstantField(default=clock.now)
    decided_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_by_name = models.CharField(max_length=200, default="")
    decided_at = InstantField(null=True)
    comment = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], name="approval_waiting", condition=models.Q(state="waiting")
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} for {self.broadcast_id}"
