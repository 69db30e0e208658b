"""Segments, and who is in those that are watched."""

from typing import Any

from django.db import models

from clarion.contacts.models import Contact
from clarion.kit import clock
from clarion.kit.fields import InstantField


class Segment(models.Model):
    """Saved conditions on contacts. Who is in it is found out whenever it is used.

    One that is *watched*, because something happens when a contact joins it, has memberships: who
    was in it when that was last looked at. See ``watch``.
    """

    class Match(models.TextChoices):
        """How many of the conditions must hold."""

        ALL = "all", "All"
        ANY = "any", "Any"

    name = models.CharField(max_length=100, unique=True)
    match = models.CharField(max_length=3, choices=Match, default=Match.ALL)
    conditions: Any = models.JSONField(default=list)  # see conditions.Condition
    created_at = InstantField(default=clock.now)
    is_watched = models.BooleanField(default=False)
    is_known = models.BooleanField(default=False)  # all memberships were written once
    cursor = models.BigIntegerField(default=0)  # the last contact that was looked at
    next_look_at = InstantField(null=True)  # when the next time through all contacts begins

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="segment_watched", condition=models.Q(is_watched=True))
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A contact was in a watched segment when it was last looked at.

    They come by the million, from contacts just read: no constraint, see contacts.models.
    """

    segment = models.ForeignKey(  # the constraint below begins with it
        Segment, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "contact"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"contact {self.contact_id} in {self.segment_id}"
