"""Channels: configured sending accounts."""

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models

from clarion.channels.limits import ATTEMPTS, BACKOFF, LONGEST_NAME, LONGEST_WORD
from clarion.kit import clock
from clarion.kit.fields import InstantField, SecretJSONField


class Channel(models.Model):
    """One configured sending account of some kind.

    ``next_slot_at`` is the whole rate limiter: a claim advances it by n / rate and so owns n
    moments to send at, in whatever process it runs.
    """

    class State(models.TextChoices):
        """A paused channel keeps its deliveries queued."""

        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    name = models.CharField(max_length=LONGEST_NAME, unique=True)
    kind = models.CharField(max_length=30)
    config: Any = SecretJSONField(default=dict)
    rate = models.FloatField(null=True, blank=True)  # see kit.rates; null: as the provider answers
    attempts = models.PositiveSmallIntegerField(default=ATTEMPTS)  # of one message
    backoff = models.FloatField(default=BACKOFF, validators=[MinValueValidator(0.0)])  # seconds
    # Whether these were set on this channel; else they follow the default, see defaults.py.
    own_rate = models.BooleanField(default=False)
    own_attempts = models.BooleanField(default=False)
    own_backoff = models.BooleanField(default=False)
    # Whether only contacts who have written get messages; null: see recipients.py.
    only_written = models.BooleanField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    paused_reason = models.TextField(default="", blank=True)
    paused_at = InstantField(null=True)
    # Nothing leaves before waits_until: the provider asked for it, or it can't be reached.
    waits_until = InstantField(null=True)
    waits_since = InstantField(null=True)
    waits_reason = models.TextField(default="", blank=True)
    # The last check with the present settings; null: there was none.
    checked_at = InstantField(null=True)
    check_failed = models.BooleanField(default=False)
    check_result = models.TextField(default="", blank=True)  # what was found, a sentence
    # What callbacks call the account, as the last good check with the present settings found out.
    account_name = models.CharField(max_length=100, default="", blank=True)
    # The list of templates: when it was last fetched, what prevented it then, and the order to
    # fetch it, which a worker has taken.
    templates_at = InstantField(null=True)
    templates_problem = models.TextField(default="", blank=True)
    templates_asked_at = InstantField(null=True)
    templates_taken_at = InstantField(null=True)
    # How many people it may begin a conversation with in 24 hours, as its provider reported; and,
    # where the limit is used up, until when. See day_limits.
    reported_people = models.PositiveIntegerField(null=True)
    people_full_until = InstantField(null=True)
    next_slot_at = models.BigIntegerField(default=0)  # microseconds
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class Begun(models.Model):
    """A conversation that a channel began with a person, for a day: see day_limits."""

    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    address_id = models.BigIntegerField()
    at = InstantField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "address_id"], name="begun_once")]
        indexes = [models.Index(fields=["channel", "at"], name="begun_at")]

    def __str__(self) -> str:
        return f"channel {self.channel_id}, address {self.address_id}"


class MessageTemplate(models.Model):
    """A template that the provider of a channel lists, as it was when it was last heard of.

    The words of the provider are in lower case. See templates.library.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="templates")
    name = models.CharField(max_length=512)
    language = models.CharField(max_length=20)
    status = models.CharField(max_length=30)
    category = models.CharField(max_length=30, default="", blank=True)
    quality = models.CharField(max_length=30, default="", blank=True)
    components = models.JSONField(default=list)  # header, body, footer and buttons, as listed
    external_id = models.CharField(max_length=64, default="", blank=True)
    changed_at = InstantField(default=clock.now)  # when one of these last became another

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "name", "language"], name="message_template_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.language})"


class KeptFile(models.Model):
    """The id under which the provider of a channel keeps a file that was sent. See kept_files."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="kept_files")
    key = models.CharField(max_length=64)  # of the file, its name and its type
    kept_id = models.CharField(max_length=1_000)
    noted_at = InstantField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="kept_file_once")]

    def __str__(self) -> str:
        return self.key


class Keyword(models.Model):
    """A word of the operator's own with which people opt out or in, beside the built-in ones."""

    folded = models.CharField(max_length=LONGEST_WORD, unique=True)  # as it is compared
    written = models.CharField(max_length=LONGEST_WORD)  # as the operator wrote it
    state = models.CharField(
        max_length=10, choices=[("opted_out", "Opt out"), ("active", "Opt in")]
    )

    def __str__(self) -> str:
        return self.written


class SendingDefaults(models.Model):
    """The one row of what the workspace sets for channels; null: the usual value of each kind."""

    rate = models.FloatField(null=True, blank=True)  # see kit.rates
    attempts = models.PositiveSmallIntegerField(null=True, blank=True)
    backoff = models.FloatField(null=True, blank=True)  # seconds

    def __str__(self) -> str:
        return "the defaults of the workspace"
