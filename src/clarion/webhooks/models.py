"""Outgoing webhooks: where events are posted, how far each source is read, and each request.

What happened is not copied: a request names a range of ids of one source, and its body is made of
these rows whenever it is sent. So what is deleted with a contact is in no later repetition either.
"""

from django.db import models

from clarion.accounts.models import Agent
from clarion.kit import clock
from clarion.kit.fields import InstantField, SecretJSONField


class Endpoint(models.Model):
    """A URL of another program to which events are posted."""

    class State(models.TextChoices):
        """Whether events are posted."""

        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"  # by hand
        DISABLED = "disabled", "Disabled"  # by itself, after a long failure

    name = models.CharField(max_length=80, unique=True)
    url = models.CharField(max_length=2_000)
    event_types = models.JSONField(default=list)  # keys of events.EVENT_TYPES
    allow_private = models.BooleanField(default=False)
    secret = SecretJSONField()  # see endpoints.Secret
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    state_reason = models.CharField(max_length=300, default="", blank=True)
    failing_since = InstantField(null=True)  # nothing has been accepted since then
    lease_until = InstantField(default=0, db_default=0)  # a worker has it
    created_by = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name

    @property
    def condition(self) -> str:
        """The state as pages show it: “failing” while an active one accepts nothing."""
        is_failing = self.state == self.State.ACTIVE and self.failing_since is not None
        return "failing" if is_failing else self.state


class Cursor(models.Model):
    """How far a source has been read for an endpoint."""

    endpoint = models.ForeignKey(  # the constraint below begins with it
        Endpoint, on_delete=models.CASCADE, related_name="cursors", db_index=False
    )
    source = models.CharField(max_length=20)  # a key of sources.SOURCES
    position = models.BigIntegerField()  # the last id that was read

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "source"], name="webhook_cursor_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} of {self.endpoint_id}: {self.position}"


class EndpointRequest(models.Model):
    """Events that are posted together, and how that ended: a line of the endpoint's log."""

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        FAILED = "failed", "Failed"

    endpoint = models.ForeignKey(  # the indexes below begin with it
        Endpoint, on_delete=models.CASCADE, related_name="requests", db_index=False
    )
    token = models.CharField(max_length=40, unique=True)  # webhook-id, the same in each attempt
    source = models.CharField(max_length=20)  # "" for a test
    after_id = models.BigIntegerField(default=0)
    last_id = models.BigIntegerField(default=0)  # rows with after_id < id <= last_id
    events = models.PositiveSmallIntegerField()  # how many it has
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = InstantField(default=clock.now)
    created_at = InstantField(default=clock.now)
    begun_at = InstantField(default=clock.now)  # of these attempts: later where it is repeated
    attempted_at = InstantField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # of the last reply
    outcome = models.CharField(max_length=300, default="", blank=True)  # in words
    duration = models.PositiveIntegerField(null=True)  # milliseconds of the last attempt

    class Meta:
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_request_log"),
            models.Index(
                fields=["endpoint", "due_at"],
                name="webhook_request_due",
                condition=models.Q(state="waiting"),
            ),
            models.Index(fields=["created_at"], name="webhook_request_created"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk} of endpoint {self.endpoint_id}"
