"""People, their addresses and their tags.

Addresses and taggings come by the million, so their foreign keys carry no database constraint:
PostgreSQL checks one with a query per row (about 12 µs), which made up more than half of an import.
They are only written with people of the same transaction or people just read, and nothing takes
people, tags or channels away; whoever deletes a contact through Django deletes these with it.
"""

from typing import Any

from django.db import models
from django.db.models import Q

from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts.states import AddressState
from clarion.kit import clock
from clarion.kit.fields import InstantField


class Contact(models.Model):
    """A person."""

    name = models.CharField(max_length=200, default="", blank=True)
    attributes = models.JSONField(default=dict)
    language = models.CharField(max_length=35, default="", blank=True)
    time_zone = models.CharField(max_length=64, default="", blank=True)
    created_at = InstantField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["name"], name="contact_name")]

    def __str__(self) -> str:
        return self.name or f"contact {self.pk}"


class Address(models.Model):
    """Where one contact is reached on one channel.

    Its id is also the *chat number*: the number of the conversation with this person on this
    channel, whether or not a word has been exchanged yet.

    A row with ``alias_of`` is only another id of that address: it is found by it and never sent to.
    Its contact is always that of the address.
    """

    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="addresses", db_constraint=False
    )
    channel = models.ForeignKey(  # the indexes below begin with it
        Channel, on_delete=models.PROTECT, related_name="addresses", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    value = models.CharField(max_length=320)  # the provider's user id, in the form that is compared
    # How it is written when something is sent, where that differs from the value.
    written = models.CharField(max_length=1000, default="", db_default="", blank=True)
    alias_of = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="aliases", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    state = models.CharField(max_length=12, choices=AddressState, default=AddressState.ACTIVE)
    state_at = InstantField(null=True)
    # The entry of the suppression list that it fits; written by contacts.suppressions alone.
    suppression = models.ForeignKey(
        "Suppression", null=True, on_delete=models.SET_NULL, related_name="addresses",
        db_index=False, db_constraint=False,
    )  # fmt: skip
    has_written = models.BooleanField(default=False, db_default=False)  # to this channel, ever
    wrote_at = InstantField(null=True)  # the last time, where it is known
    created_at = InstantField(default=clock.now)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(fields=["channel", "value"], name="address_channel_value"),
            models.CheckConstraint(
                name="address_alias_is_not_sent_to",
                condition=Q(alias_of=None) & ~Q(state="alias")
                | ~Q(alias_of=None) & Q(state="alias"),
            ),
        ]
        indexes = [
            models.Index(  # who is on a channel, without passing over aliases
                fields=["channel", "id"], name="address_channel_id", condition=Q(alias_of=None)
            ),
            models.Index(
                fields=["alias_of"], name="address_aliases", condition=Q(alias_of__isnull=False)
            ),
            models.Index(fields=["state"], name="address_stopped", condition=~Q(state="active")),
            models.Index(
                fields=["suppression"],
                name="address_suppressed",
                condition=Q(suppression__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.user_id

    @property
    def user_id(self) -> str:
        """The provider's user id as it is written."""
        return self.written or self.value

    @property
    def effective_state(self) -> AddressState:
        """What decides whether it is sent to: the suppression list first, then its own state."""
        suppressed = self.suppression_id is not None
        return AddressState.SUPPRESSED if suppressed else AddressState(self.state)


class AddressChange(models.Model):
    """The state of an address changed. Rows are only ever added, and deleted with the address."""

    address = models.ForeignKey(
        Address, on_delete=models.CASCADE, related_name="changes", db_constraint=False
    )
    state = models.CharField(max_length=12, choices=AddressState)
    at = InstantField()  # as told by whoever changed it

    def __str__(self) -> str:
        return f"address {self.address_id}: {self.state}"


class Suppression(models.Model):
    """An entry of the suppression list: nothing is sent to the addresses that it fits.

    It is about all channels of one kind. What is said about one address on one channel is the state
    of that address; the list shows both.
    """

    class Reason(models.TextChoices):
        """Why nothing is sent."""

        BLOCKED = "blocked", "Blocked"
        GONE = "gone", "Gone"
        BOUNCED = "bounced", "Hard bounce"
        COMPLAINED = "complained", "Complained"
        OPTED_OUT = "opted_out", "Opted out"

    class Match(models.TextChoices):
        """Which user ids it fits: this one, or all that begin or end like this."""

        ADDRESS = "address", "Address"
        BEGINS = "begins", "Begins with"
        ENDS = "ends", "Ends with"

    class Source(models.TextChoices):
        """How it came to the list."""

        AGENT = "agent", "Added by hand"
        IMPORT = "import", "Import"
        PROVIDER = "provider", "The provider"

    kind = models.CharField(max_length=20)  # of channels
    match = models.CharField(max_length=10, choices=Match)
    value = models.CharField(max_length=320)  # in the form that is compared, without the “*”
    reason = models.CharField(max_length=10, choices=Reason)
    source = models.CharField(max_length=10, choices=Source)
    note = models.CharField(max_length=500, default="", blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField(default=clock.now)
    applied_at = InstantField(null=True)  # since when the addresses that it fits refer to it
    removed_at = InstantField(null=True)  # it fits nothing any more, and is about to be deleted

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["value", "kind", "match"], name="suppression_once")
        ]
        indexes = [
            models.Index(fields=["id"], name="suppression_open", condition=Q(applied_at=None)),
            models.Index(
                fields=["kind", "match", "value"],
                name="suppression_patterns",
                condition=~Q(match="address"),
            ),
        ]

    def __str__(self) -> str:
        return self.pattern

    @property
    def pattern(self) -> str:
        """The address, or the pattern with its “*”."""
        before = "*" if self.match == self.Match.ENDS else ""
        return f"{before}{self.value}{'*' if self.match == self.Match.BEGINS else ''}"


class AddressReport(models.Model):
    """A provider reported a hard bounce or a complaint: the proof.

    Kept when its entry of the suppression list is removed: the report repeated does not add it.
    """

    class Cause(models.TextChoices):
        """What was reported."""

        HARD_BOUNCE = "hard_bounce", "Hard bounce"
        COMPLAINT = "complaint", "Spam complaint"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False)
    value = models.CharField(max_length=320)  # the address, in the form that is compared
    cause = models.CharField(max_length=12, choices=Cause)
    at = InstantField()  # by the provider's clock
    detail = models.CharField(max_length=300, default="", blank=True)
    message_id = models.CharField(max_length=200, default="", blank=True)
    is_listed = models.BooleanField(default=False)  # its entries are on the suppression list

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "value", "cause", "at"], name="report_once")
        ]
        indexes = [models.Index(fields=["id"], name="report_open", condition=Q(is_listed=False))]

    def __str__(self) -> str:
        return f"{self.cause} of {self.value}"


class Tag(models.Model):
    """A label on contacts."""

    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Tagging(models.Model):
    """One contact has one tag."""

    tag = models.ForeignKey(  # the constraint below begins with it
        Tag, on_delete=models.CASCADE, related_name="taggings", db_index=False, db_constraint=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="taggings", db_constraint=False
    )
    created_at = InstantField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "contact"], name="tagging_once")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.contact_id}"


class Attribute(models.Model):
    """An attribute that some contact has or had, or that was declared: what texts may use."""

    class Type(models.TextChoices):
        """What its values are; an attribute that is not declared has the empty type."""

        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        YES_NO = "yes_no", "Yes or no"
        LIST = "list", "List"

    name = models.CharField(max_length=100, unique=True)
    type = models.CharField(max_length=10, choices=Type, default="", db_default="", blank=True)
    # Its former name, until all contacts have their values under the new one.
    renamed_from = models.CharField(max_length=100, default="", db_default="", blank=True)

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """One CSV import: what to import and how, its progress, its result.

    Every line is accounted for: created + updated + unchanged + skipped + repeated + rejected =
    lines.

    An import with an ``upload`` was asked for on a page: a worker claims it and does it, and where
    that worker ends, the next one continues. One without is done by the process that made its row.
    """

    class State(models.TextChoices):
        """An import goes from waiting to running and to one of the others; back where it stops."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OPEN = (State.WAITING, State.RUNNING)

    class Undo(models.TextChoices):
        """How far undoing it is; empty while nobody has asked for that."""

        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"

    class Mode(models.TextChoices):
        """What is done with contacts that are known, and with those that are not."""

        BOTH = "both", "Add and update"
        ADD = "add", "Add only"
        UPDATE = "update", "Update only"

    class Wins(models.TextChoices):
        """Which value counts where a contact has one and the file has another."""

        FILE = "file", "The file"
        STORED = "stored", "What is stored"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)  # of the first addresses
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True)  # who asked for it
    agent_name = models.CharField(max_length=200, default="", blank=True)  # or which program
    filename = models.CharField(max_length=255)
    upload = models.CharField(max_length=20, default="", blank=True)  # a token of uploads.py
    id_column = models.CharField(max_length=200)
    mapping = models.JSONField(default=list)  # see import_mapping; empty: by the titles
    shape = models.CharField(max_length=64, default="", blank=True, db_index=True)
    mode = models.CharField(max_length=6, choices=Mode, default=Mode.BOTH)
    wins = models.CharField(max_length=6, choices=Wins, default=Wins.FILE)
    tags = models.JSONField(default=list)
    have_written = models.BooleanField(default=False)  # all of them have written to the channel
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    worker_id = models.BigIntegerField(null=True)  # the worker that is doing it
    interruptions = models.PositiveSmallIntegerField(default=0)  # workers that ended during it
    error = models.TextField(default="", blank=True)
    bytes_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    lines = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)  # known, and nothing new in the file
    skipped = models.BigIntegerField(default=0)  # known or not, and that is not wanted
    repeated = models.BigIntegerField(default=0)  # lines whose id stood in an earlier one
    rejected = models.BigIntegerField(default=0)
    # A file name in the data folder's ``imports``, or the absolute path of a file elsewhere.
    rejects_path = models.CharField(max_length=500, default="", blank=True)
    started_at = InstantField(default=clock.now)
    beat_at = InstantField(default=clock.now)  # the last sign of life, by the database's clock
    finished_at = InstantField(null=True)
    undo_state = models.CharField(max_length=10, choices=Undo, default="", blank=True)
    undo_agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="+")
    undo_at = InstantField(null=True)  # asked for, and since it has ended when that was
    undo_removed = models.BigIntegerField(default=0)  # contacts
    undo_restored = models.BigIntegerField(default=0)
    undo_kept = models.BigIntegerField(default=0)  # could not be undone, or not all of it
    undo_path = models.CharField(max_length=500, default="", blank=True)  # a file that says which

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upload"],
                name="import_upload_once",
                condition=Q(dry_run=False) & ~Q(upload=""),
            )
        ]
        indexes = [
            models.Index(
                fields=["id"], name="import_open", condition=Q(state__in=["waiting", "running"])
            )
        ]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.filename}"


class ImportPart(models.Model):
    """What one chunk of an import has done, for as long as the import can be undone."""

    row = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="parts")
    created: Any = models.JSONField(default=list)  # the first and the last id of each range
    # [contact, {field: [before, after]}, {attribute: [before, after]}, [tags]] of each that changed
    changes: Any = models.JSONField(default=list)
    is_undone = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"part {self.pk} of import {self.row_id}"


class ImportErasure(models.Model):
    """A contact was deleted: what imports noted of their values is erased within minutes."""

    contact_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"erasure of contact {self.contact_id}"


class Merge(models.Model):
    """Two contacts were merged by hand: what it takes to undo that, while it can be undone.

    The second one does not exist until then, so both are plain numbers.
    """

    kept_id = models.BigIntegerField(db_index=True)
    gone_id = models.BigIntegerField()
    gone_name = models.CharField(max_length=200, default="", blank=True)
    before = models.JSONField(default=dict)  # see contacts.merges
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField(default=clock.now, db_index=True)
    undone_at = InstantField(null=True)

    def __str__(self) -> str:
        return f"merge of contact {self.gone_id} into {self.kept_id}"
