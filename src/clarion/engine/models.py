"""The engine's own tables: who is working, and callbacks waiting to be applied."""

from django.db import models
from django.db.models import Q

from clarion.channels.models import Channel
from clarion.kit.fields import InstantField


class Worker(models.Model):
    """A running worker. It may send only while its lease, renewed every few seconds, lasts."""

    host = models.CharField(max_length=200)
    pid = models.IntegerField()
    started_at = InstantField()
    lease_until = InstantField()
    dead = models.BooleanField(default=False)  # its lease ran out: it may never claim again

    def __str__(self) -> str:
        return f"worker {self.pk} ({self.host}, process {self.pid})"


class Callback(models.Model):
    """A provider's callback as it came, kept until all it says has been applied."""

    class State(models.TextChoices):
        """Applied rows are deleted after a day."""

        WAITING = "waiting", "Waiting"
        APPLIED = "applied", "Applied"
        FAILED = "failed", "Failed"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    received_at = InstantField()
    headers = models.JSONField(default=dict)
    query = models.TextField(default="", blank=True)
    body = models.BinaryField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    next_try_at = InstantField()
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(default="", blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at"], name="callback_waiting", condition=Q(state="waiting")
            ),
            models.Index(fields=["state", "received_at"], name="callback_age"),
        ]

    def __str__(self) -> str:
        return f"callback {self.pk}"
