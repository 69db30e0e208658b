"""Pools of codes, the codes, and their redemptions.

Codes come by the million, so their foreign keys carry no database constraint and no index that
nobody reads: see contacts.models.
"""

from django.db import models
from django.db.models import Q

from clarion.accounts.models import Agent
from clarion.contacts.models import Contact
from clarion.kit import clock
from clarion.kit.fields import InstantField

LONGEST_CODE = 64  # characters


class CodePool(models.Model):
    """A stock of unique codes with the same rules, such as those of one campaign."""

    name = models.CharField(max_length=100, unique=True)
    pattern = models.CharField(max_length=LONGEST_CODE, default="", blank=True)  # see patterns
    look_alikes = models.BooleanField(default=False)  # whether 0 and O, 1 and I … may occur
    valid_from = InstantField(null=True)
    valid_until = InstantField(null=True)
    uses = models.PositiveIntegerField(null=True, default=1)  # of each code; None: any number
    holder_only = models.BooleanField(default=False)  # whether only who got a code may redeem it
    low_at = models.PositiveIntegerField(default=0)  # free codes below which the stock is low
    top_up = models.PositiveIntegerField(default=0)  # codes to generate then; 0: none
    total = models.BigIntegerField(default=0)  # codes that it has, issued or not
    archived_at = InstantField(null=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class CodeBatch(models.Model):
    """Codes to be generated for a pool, or to be imported from a file: the order and its progress.

    Every line of a file is accounted for: created + repeated + rejected = lines.
    """

    class State(models.TextChoices):
        """It goes from waiting to running and to one of the others."""

        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    OPEN = (State.WAITING, State.RUNNING)

    pool = models.ForeignKey(CodePool, on_delete=models.CASCADE, related_name="batches")
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    wanted = models.BigIntegerField(default=0)  # codes to generate; 0: it is an import
    filename = models.CharField(max_length=255, default="", blank=True)
    upload = models.CharField(max_length=20, default="", blank=True)  # see contacts.uploads
    column = models.CharField(max_length=200, default="", blank=True)
    lines = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)  # lines with a code that some pool has already
    rejected = models.BigIntegerField(default=0)
    rejects_size = models.BigIntegerField(default=0)  # bytes of its file of rejected lines
    error = models.TextField(default="", blank=True)
    created_at = InstantField(default=clock.now)
    finished_at = InstantField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], name="code_batch_open", condition=Q(state__in=["waiting", "running"])
            )
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} of {self.pool_id}"


class Code(models.Model):
    """One code. It is free until ``issued_at`` says that it is a contact's.

    ``chain`` (the id of the broadcast that was restarted first), ``occurrence`` (of a trigger that
    fires again for a contact) and ``contact`` say whose it is. A code that was given back keeps
    them, so that the same contact gets the same one again while nobody else has it.
    """

    pool = models.ForeignKey(
        CodePool,
        on_delete=models.CASCADE,
        related_name="codes",
        db_index=False,
        db_constraint=False,
    )
    code = models.CharField(max_length=LONGEST_CODE, unique=True)
    chain = models.BigIntegerField(null=True)
    occurrence = models.PositiveIntegerField(default=0, db_default=0)
    contact = models.ForeignKey(
        Contact,
        null=True,
        on_delete=models.SET_NULL,
        related_name="codes",
        db_index=False,
        db_constraint=False,
    )
    issued_at = InstantField(null=True)
    redeemed = models.PositiveIntegerField(default=0, db_default=0)  # times, without those undone

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["chain", "contact", "occurrence"], name="code_once")
        ]
        indexes = [
            models.Index(
                fields=["pool", "id"], name="code_free", condition=Q(issued_at__isnull=True)
            ),
            models.Index(
                fields=["contact"], name="code_of_contact", condition=Q(contact__isnull=False)
            ),
            models.Index(
                fields=["pool", "chain"], name="code_redeemed", condition=Q(redeemed__gt=0)
            ),
            models.Index(  # counts those of a broadcast without a look at the rows
                fields=["chain", "redeemed"],
                name="code_issued",
                condition=Q(issued_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Redemption(models.Model):
    """One use of a code; kept for good, also when it was undone."""

    code = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="redemptions")
    contact = models.ForeignKey(  # who used it, where that was said
        Contact, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    key = models.CharField(max_length=100, null=True, unique=True)  # the same request, once
    note = models.CharField(max_length=200, default="", blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    by = models.CharField(max_length=200, default="", blank=True)
    at = InstantField(default=clock.now)
    undone_at = InstantField(null=True)
    undone_by = models.CharField(max_length=200, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.code_id} at {self.at}"
