"""The engine's own tables: who is working, the heartbeat, waiting callbacks, and dry runs."""

from django.db import models
from django.db.models import Q

from clarion.accounts.models import Agent
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit.fields import InstantField

REASON_LENGTH = 200  # characters


class Worker(models.Model):
    """A running worker. It may send only while its lease, renewed every few seconds, lasts."""

    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    started_at = InstantField()
    lease_until = InstantField()
    dead = models.BooleanField(default=False)  # its lease ran out: it may never claim again
    journal = models.CharField(max_length=32, default="", blank=True)  # its token
    trouble = models.CharField(max_length=400, default="", blank=True)  # why it sends nothing

    def __str__(self) -> str:
        return f"worker {self.pk} ({self.host}, process {self.pid})"


class Heartbeat(models.Model):
    """One row, which workers count up: how far this database has come, and that it goes on.

    Journals note it, so that a database is recognised which was restored from a backup.
    """

    identity = models.CharField(max_length=32)  # of this database; another one after a restore
    count = models.BigIntegerField(default=1)
    at = InstantField()
    restored_at = InstantField(null=True)  # from a backup, and no one has been asked about it yet

    def __str__(self) -> str:
        return f"heartbeat {self.count} of {self.identity}"


class Callback(models.Model):
    """A provider's callback as it came, kept until all it says has been applied.

    An applied one is deleted in the transaction that applies it. One of which something was dropped
    stays for a while, so that it can be looked up.
    """

    class State(models.TextChoices):
        """What becomes of it."""

        WAITING = "waiting", "Waiting"
        DROPPED = "dropped", "Dropped"

    class Lane(models.TextChoices):
        """Which callbacks are applied before others: the lanes in this order."""

        PEOPLE = "people", "Messages and opt-outs"
        RECEIPTS = "receipts", "Receipts"
        UNMATCHED = "unmatched", "Receipts that match no message yet"
        FOLLOW_UP = "follow_up", "Asks for a request"  # not applied: see follow_ups

    # No constraint and no index of its own: channels are not deleted, and millions of rows pass.
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    received_at = InstantField()
    headers = models.JSONField(default=dict)
    query = models.TextField(default="", blank=True)
    body = models.BinaryField()
    lane = models.CharField(max_length=10, choices=Lane)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    next_try_at = InstantField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=REASON_LENGTH, default="", blank=True)  # what was dropped

    class Meta:
        indexes = [
            models.Index(
                fields=["lane", "next_try_at"],
                name="callback_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(
                fields=["channel", "id"], name="callback_dropped", condition=Q(state="dropped")
            ),
            models.Index(fields=["received_at"], name="callback_age", condition=Q(state="dropped")),
        ]

    def __str__(self) -> str:
        return f"callback {self.pk}"


class FetchPosition(models.Model):
    """How far a channel has fetched what came in, and which worker does that: see fetching."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True)
    cursor = models.CharField(max_length=200, default="", blank=True)
    token = models.CharField(max_length=16, default="", blank=True)  # of the worker's turn
    lease_until = InstantField()
    problem = models.CharField(max_length=400, default="", blank=True)  # why it gets nothing

    def __str__(self) -> str:
        return f"fetch position of channel {self.channel_id}"


class DropCount(models.Model):
    """How much of a channel's callbacks was dropped for one reason since it was added."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    reason = models.CharField(max_length=REASON_LENGTH)
    count = models.BigIntegerField(default=0)
    last_at = InstantField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "reason"], name="drop_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.reason}"


class Connection(models.Model):
    """A worker may keep a connection to a channel's provider open: one of those that are allowed.

    One of a worker that has ended is free.
    """

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    number = models.PositiveSmallIntegerField()  # from 0
    worker_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "number"], name="connection_once")
        ]

    def __str__(self) -> str:
        return f"connection {self.number} of channel {self.channel_id}"


class InboundFragment(models.Model):
    """A part of a message that a person wrote, until the others are here."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    sender = models.CharField(max_length=320)
    reference = models.CharField(max_length=100)  # the parts of one message have the same
    number = models.PositiveSmallIntegerField()  # from 1
    total = models.PositiveSmallIntegerField()
    content = models.BinaryField()  # UTF-16, which may begin or end within a character
    external_id = models.CharField(max_length=200)
    at = InstantField()
    stored_at = InstantField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "sender", "reference", "number"], name="fragment_once"
            )
        ]
        indexes = [models.Index(fields=["stored_at"], name="fragment_age")]

    def __str__(self) -> str:
        return f"part {self.number} of {self.total} from {self.sender}"


class DryRun(models.Model):
    """A broadcast rendered for every recipient before it is sent; a worker does it, in chunks."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.WAITING, State.RUNNING)

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    mark = models.CharField(max_length=64)  # of what it is about: another one makes it void
    worker_id = models.BigIntegerField(null=True, blank=True)  # that carries it out
    interruptions = models.PositiveSmallIntegerField(default=0)  # workers that ended meanwhile
    cursor = models.BigIntegerField(default=0)  # the last address looked at
    expected = models.BigIntegerField(default=0)  # contacts to look at, for the progress: about
    looked_at = models.BigIntegerField(default=0)  # contacts
    # By the channel's id: [contacts to send to, messages that they get at least, units that the
    # provider charges for these, their price as an exact decimal or null where it is not known].
    by_channel = models.JSONField(default=dict)
    webhooks = models.PositiveSmallIntegerField(default=0)  # of its story: they are not asked
    links = models.JSONField(default=list)  # its links: [URL, result, sentence], see dry_runs.links
    error = models.CharField(max_length=400, default="", blank=True)
    created_at = InstantField()
    finished_at = InstantField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="dry_run_open",
                condition=Q(state__in=["waiting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"dry run {self.pk} of broadcast {self.broadcast_id}"


class DryRunGroup(models.Model):
    """Contacts for whom a dry run came to the same result."""

    class Kind(models.TextChoices):
        """What would happen to them."""

        READY = "ready", "Would be sent"
        HELD = "held", "Held until an open chat is closed"
        VARIABLE = "variable", "Missing variable"
        TOO_LONG = "too_long", "Message too long"
        CONTENT = "content", "Content error"
        LATER = "later", "Can't be checked before sending"
        LEFT_OUT = "left_out", "Left out"

    dry_run = models.ForeignKey(DryRun, on_delete=models.CASCADE, related_name="groups")
    kind = models.CharField(max_length=10, choices=Kind)
    # The name of the variable, the reason of being left out, or a sentence.
    detail = models.CharField(max_length=400, default="", blank=True)
    count = models.BigIntegerField(default=0)  # contacts

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dry_run", "kind", "detail"], name="dry_run_group_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.kind} {self.detail}"


class DryRunPeople(models.Model):
    """Which contacts of one chunk are in a group: a list of ids, in order."""

    group = models.ForeignKey(DryRunGroup, on_delete=models.CASCADE, related_name="people")
    ids = models.JSONField()  # of addresses; of contacts where they have no address to send to

    def __str__(self) -> str:
        return f"{len(self.ids)} of group {self.group_id}"
