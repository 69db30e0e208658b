"""Bulk actions: what is asked for, how far it is, its result."""

from typing import Any

from django.db import models
from django.db.models import Q

from clarion.accounts.models import Agent
from clarion.kit import clock
from clarion.kit.fields import InstantField


class BulkAction(models.Model):
    """One change to many contacts, or the import of a suppression list.

    Each of its steps is one transaction together with the progress, so that what a crash leaves is
    a number of whole steps, and the next worker continues after them. Every contact is accounted
    for: changed + unchanged + refused = done.
    """

    class Kind(models.TextChoices):
        """What is done to each contact."""

        TAG = "tag", "Add tags"
        UNTAG = "untag", "Remove tags"
        GIVE = "give", "Give consent"
        WITHDRAW = "withdraw", "Withdraw consent"
        DELETE = "delete", "Delete contacts"
        MERGE_TAG = "merge_tag", "Merge tags"
        DELETE_TAG = "delete_tag", "Delete tag"
        SUPPRESS = "suppress", "Import a suppression list"

    class State(models.TextChoices):
        """An action goes from waiting to running and to one of the others."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.WAITING, State.RUNNING)

    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    contacts: Any = models.JSONField(default=dict)  # whom it is about, see selection.Selection
    options: Any = models.JSONField(default=dict)  # see acts
    last_id = models.BigIntegerField()  # contacts that are added later are not part of it
    upload = models.CharField(max_length=20, default="", blank=True)  # see contacts.uploads
    total = models.BigIntegerField()  # contacts when it was asked for, or lines
    cursor = models.BigIntegerField(default=0)  # the last contact that was looked at, or line
    done = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    refusals: Any = models.JSONField(default=list)  # [reason, number, the first contacts]
    rejects_size = models.BigIntegerField(default=0)  # bytes of its file of rejected lines
    error = models.TextField(default="", blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.CharField(max_length=200)  # as in the audit log
    created_at = InstantField(default=clock.now)
    started_at = InstantField(null=True)
    finished_at = InstantField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bulk_action_accounts_for_all",
                condition=Q(done=models.F("changed") + models.F("unchanged") + models.F("refused")),
            )
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="bulk_action_open",
                condition=Q(state__in=["waiting", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"bulk action {self.pk}"

    @property
    def by(self) -> Agent | str:
        """Who asked for it, as ``audit.note`` takes it."""
        return self.agent or self.actor
