"""What happened to every person.

These tables hold millions of rows. Foreign keys carry no database constraint here: PostgreSQL
checks one with a query per row (about 10 µs), which would double the price of a settle, and rows
are only ever written by the engine from ids it has just read.
"""

from typing import Any

from django.db import models
from django.db.models import Case, F, GeneratedField, Q, Value, When

from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.kit.fields import InstantField
from clarion.records.states import DeliveryState


def _lean(to: Any) -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        to, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


_NAMED = ["channel", "external_id"]  # a message by the provider's id


class Reason(models.Model):
    """Why a delivery went wrong, in plain words; one row per distinct wording.

    Millions of records share a few hundred reasons, so a search for an error message looks
    through this small table first.
    """

    code = models.CharField(max_length=60)  # the provider's own code, or our class of it
    text = models.CharField(max_length=400)
    # How the engine classed it, see channels.contract.Refusal; empty for what no attempt met.
    refusal = models.CharField(max_length=13, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "text"], name="reason_once")]

    def __str__(self) -> str:
        return self.text


class Delivery(models.Model):
    """One address's place in one broadcast, written before anything is sent. The queue itself."""

    broadcast = _lean("broadcasts.Broadcast")
    channel = _lean(Channel)
    address = _lean(Address)
    # 0, but for a trigger that fires again each time: how often it had fired before.
    occurrence = models.PositiveIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=10, choices=DeliveryState)
    # The state, but queued while it is being sent too. Indexes are by it and never by the state, so
    # that a claim changes none of them: to PostgreSQL that is a third of the work.
    stage = GeneratedField(
        expression=Case(When(state="sending", then=Value("queued")), default=F("state")),
        output_field=models.CharField(max_length=10),
        db_persist=True,
    )
    has_progress = models.BooleanField(default=False, db_default=False)  # it has a DeliveryProgress
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)  # tries used up
    due_at = InstantField(default=0, db_default=0)  # not before this moment
    worker_id = models.BigIntegerField(null=True)  # who claimed it, while sending
    external_id = models.CharField(max_length=200, null=True)  # the provider's message id
    reason = models.ForeignKey(
        Reason, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    # An earlier try may have got through (the receiver drops repeats): never call this one failed.
    maybe_sent = models.BooleanField(default=False, db_default=False)
    recovered = models.BooleanField(default=False, db_default=False)  # got through after failing
    moved_at = InstantField()  # when the state last changed

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["broadcast", "address", "occurrence"], name="delivery_once"
            ),
            models.CheckConstraint(
                name="delivery_claimed_is_sending",
                condition=Q(state="sending", worker_id__isnull=False)
                | (~Q(state="sending") & Q(worker_id__isnull=True)),
            ),
        ]
        indexes = [
            # What a claim reads; also what a dead worker held, and "is anything left?" of a
            # broadcast.
            models.Index(
                fields=["broadcast", "channel", "due_at", "id"],
                name="delivery_queue",
                condition=Q(stage="queued"),
            ),
            models.Index(fields=["address"], name="delivery_held", condition=Q(stage="held")),
            # Who did not get it: shown, exported, restarted and counted by cause. (Or and not in:
            # SQLite uses the index for one state only when it can see that state in the condition.)
            models.Index(
                fields=["broadcast", "stage", "address"],
                name="delivery_trouble",
                condition=Q(stage="failed")
                | Q(stage="in_doubt")
                | Q(stage="unsent")
                | Q(stage="skipped"),
            ),
            models.Index(
                fields=_NAMED,
                name="delivery_external",
                condition=Q(external_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryProgress(models.Model):
    """What a delivery knows beyond its broadcast, for as long as it is not completed.

    Only those have one that were triggered with data, or that are between two messages of a story.
    """

    delivery = models.OneToOneField(
        Delivery, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False,
        related_name="+",
    )  # fmt: skip
    data = models.JSONField(default=dict)  # {{ data.x }}
    # Messages of its story that have left, those that an earlier broadcast had sent included; and
    # how many of them an earlier attempt has recorded.
    sent = models.PositiveSmallIntegerField(default=0)
    recorded = models.PositiveSmallIntegerField(default=0)
    answers = models.JSONField(default=dict)  # step of the story -> what its webhook answered
    memory = models.JSONField(default=dict)  # {{ memory.x }}: what the webhooks want kept

    class Meta:
        verbose_name_plural = "delivery progress"

    def __str__(self) -> str:
        return f"progress of delivery {self.delivery_id}"


class SharedText(models.Model):
    """What messages of a broadcast have in common, as a list of parts; kept with them.

    A broadcast has none while its messages are short, and several when it is edited.
    """

    broadcast = _lean("broadcasts.Broadcast")
    parts = models.TextField()  # a JSON list

    class Meta:
        indexes = [models.Index(fields=["broadcast"], name="shared_text_broadcast")]

    def __str__(self) -> str:
        return f"shared text {self.pk}"


def _shared_text() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        SharedText, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip


class Part(models.Model):
    """A message of a story that was sent, and that another one was to follow.

    The message that an attempt ends with is in its record.
    """

    delivery = _lean(Delivery)
    broadcast = _lean("broadcasts.Broadcast")
    channel = _lean(Channel)
    address = _lean(Address)
    number = models.PositiveSmallIntegerField()  # messages of the story before it
    attempt = models.PositiveSmallIntegerField()  # of the record that it belongs to
    sent_at = InstantField()
    external_id = models.CharField(max_length=200, null=True)  # the provider's, for its receipts
    content = models.TextField()  # what exactly was sent; with a shared text what differs from it
    shared = _shared_text()
    # The story ended with it after all: its webhook answered with no further message.
    is_last = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="part_once"),
        ]
        indexes = [
            models.Index(
                fields=_NAMED,
                name="part_external",
                condition=Q(external_id__isnull=False),
            ),
            models.Index(fields=["address"], name="part_address"),
        ]

    def __str__(self) -> str:
        return f"message {self.number} of delivery {self.delivery_id}"


class Segment(models.Model):
    """A part of a message that the provider took in several, each with an id of its own."""

    channel = _lean(Channel)
    external_id = models.CharField(max_length=200)  # of the part
    message = models.CharField(max_length=200)  # of its first part: the delivery has this one
    total = models.PositiveSmallIntegerField()  # parts of the message
    status = models.CharField(max_length=10, default="", db_default="", blank=True)  # as reported
    at = InstantField()  # when it was sent

    class Meta:
        constraints = [models.UniqueConstraint(fields=_NAMED, name="segment_once")]
        indexes = [
            models.Index(fields=["channel", "message"], name="segment_message"),
            models.Index(fields=["at"], name="segment_age"),
        ]

    def __str__(self) -> str:
        return f"part {self.external_id} of message {self.message}"


class Record(models.Model):
    """One attempt at a delivery."""

    class Status(models.TextChoices):
        """How the attempt ended."""

        COMPLETED = "completed", "Completed"
        ERROR = "error", "Error"

    delivery = _lean(Delivery)
    broadcast = _lean("broadcasts.Broadcast")
    channel = _lean(Channel)
    address = _lean(Address)
    attempt = models.PositiveSmallIntegerField()  # 1 for the first
    status = models.CharField(max_length=10, choices=Status)
    reason = models.ForeignKey(
        Reason, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    responses = models.PositiveSmallIntegerField()  # messages that it sent, its parts included
    latency = models.BigIntegerField()  # microseconds: recorded_at - the broadcast's scheduled_at
    # Microseconds of the latency, at its end, in which its last request was on its way: the network
    # and the provider's answer. 0 where none was, or where that is not known.
    request_time = models.BigIntegerField(default=0, db_default=0)
    recorded_at = InstantField()
    # The message that it ended with, sent or not. Those before it are its parts: records.messages.
    # With a shared text it is only what differs from that: records.sharing.
    content = models.TextField()
    shared = _shared_text()

    class Meta:
        # Each index costs every settle, so they are split by status: a record stands in three of
        # the five, and every query for records names the status it wants, or asks for both in
        # two halves (see records.search). Sizes: docs/benchmarks-records.md.
        indexes = [
            # Newest first, of all and between two moments. (The id, which decides between equals,
            # is left out here: SQLite has it in every index, PostgreSQL sorts the few equals.)
            models.Index(
                fields=["recorded_at"],
                name="record_completed_at",
                condition=Q(status="completed"),
            ),
            # By broadcast, channel and number of responses. Few different triples lead millions
            # of records, so a search jumps from one to the next and reads only those that fit.
            models.Index(
                fields=["broadcast", "channel", "responses", "recorded_at"],
                name="record_completed",
                condition=Q(status="completed"),
            ),
            # Errors are few: what else one filters by stands in the index, so that a rare cause
            # is found without touching the records.
            models.Index(
                fields=["recorded_at", "id", "broadcast", "channel", "reason", "responses"],
                name="record_error_at",
                condition=Q(status="error"),
            ),
            models.Index(
                fields=["broadcast", "recorded_at", "id", "channel", "reason", "responses"],
                name="record_error",
                condition=Q(status="error"),
            ),
            # A person has a few records: by user id, by a name that few have, on their own page.
            models.Index(fields=["address"], name="record_address"),
        ]

    def __str__(self) -> str:
        return f"record {self.pk}"


class Receipt(models.Model):
    """What a provider told us later about a message: delivered, read, failed. Kept once each."""

    channel = _lean(Channel)
    delivery = _lean(Delivery)
    external_id = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=DeliveryState)
    at = InstantField()  # by the provider's clock where it says so
    received_at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=[*_NAMED, "status"], name="receipt_once")]
        indexes = [models.Index(fields=["delivery"], name="receipt_delivery")]

    def __str__(self) -> str:
        return f"{self.status} {self.external_id}"


class Tally(models.Model):
    """A change of the number of deliveries in a state. The sum is the number; squashed later."""

    broadcast = _lean("broadcasts.Broadcast")
    channel = _lean(Channel)
    state = models.CharField(max_length=10, choices=DeliveryState)
    delta = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [models.Index(fields=["broadcast", "channel", "state"], name="tally_sum")]

    def __str__(self) -> str:
        return f"{self.state} {self.delta:+}"


class Failure(models.Model):
    """Deliveries of a broadcast that failed together, for one reason: see records.failures."""

    broadcast = _lean("broadcasts.Broadcast")
    unreachable = models.BooleanField()  # the recipients can't be reached; else: rejected
    late = models.BooleanField()  # reported after the provider had accepted the message
    reason = models.ForeignKey(
        Reason, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    people = models.PositiveIntegerField()
    among = models.PositiveIntegerField()  # deliveries that ended, or were reported on, with them
    since = InstantField()  # when the first of them was attempted
    # How many deliveries of the broadcast had ended by then, and how many were reported on.
    attempted = models.BigIntegerField()
    reported = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["broadcast", "attempted"], name="failure_newest")]

    def __str__(self) -> str:
        return f"{self.people} failed in broadcast {self.broadcast_id}"


class Count(models.Model):
    """What was added to a number that only grows. The sum is the number: see records.counters."""

    channel = _lean(Channel)
    name = models.CharField(max_length=30)
    delta = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name} +{self.delta}"


class _Measured(models.Model):
    """Numbers of deliveries that were sent, and how they ended: records.measures says when what
    is counted.
    """

    broadcast = _lean("broadcasts.Broadcast")
    channel = _lean(Channel)
    at = InstantField()  # where the span of time begins
    sent = models.BigIntegerField()
    delivered = models.BigIntegerField()
    read = models.BigIntegerField()
    failed = models.BigIntegerField()
    recovered = models.BigIntegerField()
    clicked = models.BigIntegerField()
    opened = models.BigIntegerField()

    class Meta:
        abstract = True


class Measure(_Measured):
    """What became of a broadcast on a channel within a minute or a quarter of an hour."""

    class Meta:
        constraints = [
            # Also what charts of one broadcast read.
            models.UniqueConstraint(fields=["broadcast", "at", "channel"], name="measure_once")
        ]
        indexes = [models.Index(fields=["at"], name="measure_at")]

    def __str__(self) -> str:
        return f"{self.sent} sent of broadcast {self.broadcast_id} since {self.at}"


class MeasureDelta(_Measured):
    """A change of a Measure that has not been added to it yet. There are never many."""

    class Meta:
        indexes = [models.Index(fields=["broadcast"], name="measuredelta_broadcast")]

    def __str__(self) -> str:
        return f"{self.sent:+} sent of broadcast {self.broadcast_id} since {self.at}"
