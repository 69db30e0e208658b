"""Broadcasts."""

from typing import Any

from django.db import models

from clarion.accounts.models import Agent
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.kit import clock, ids
from clarion.kit.fields import InstantField


class Broadcast(models.Model):
    """One sending job."""

    class Type(models.TextChoices):
        """What launches it."""

        BROADCAST = "broadcast", "Broadcast"

    key = models.CharField(max_length=16, unique=True, default=ids.token)  # see engine.send
    title = models.CharField(max_length=200, default="", blank=True)
    type = models.CharField(max_length=10, choices=Type, default=Type.BROADCAST)
    state = models.CharField(max_length=10, choices=BroadcastState, default=BroadcastState.DRAFT)
    state_reason = models.TextField(default="", blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL)
    text = models.TextField(default="", blank=True)
    channels: "models.ManyToManyField[Channel, Any]" = models.ManyToManyField(Channel)
    audience = models.JSONField(default=dict)  # see broadcasts.audience
    end_open_chats = models.BooleanField(default=False)
    priority = models.SmallIntegerField(default=0)  # higher goes first on its channel
    weight = models.PositiveSmallIntegerField(default=1)  # share among those of one priority
    restart_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="restarts"
    )
    created_at = InstantField(default=clock.now)
    scheduled_at = InstantField(null=True)
    started_at = InstantField(null=True)
    finished_at = InstantField(null=True)
    total = models.BigIntegerField(default=0)  # deliveries written so far: what is expected
    expand_cursor = models.BigIntegerField(default=0)  # the last address that was looked at
    expanded_at = InstantField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "scheduled_at"], name="broadcast_state_due")]

    def __str__(self) -> str:
        return self.title or f"broadcast {self.pk}"


class Pick(models.Model):
    """One address of an audience given person by person (by hand, CSV or chat number)."""

    broadcast = models.ForeignKey(Broadcast, on_delete=models.CASCADE, related_name="picks")
    address = models.ForeignKey(Address, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broadcast", "address"], name="pick_once")]

    def __str__(self) -> str:
        return f"{self.address_id} in {self.broadcast_id}"
