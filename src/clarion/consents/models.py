"""Consents, and who has given them."""

from typing import Any

from django.db import models

from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Contact
from clarion.kit import clock
from clarion.kit.fields import InstantField


class Consent(models.Model):
    """A marketing permission that contacts can give."""

    name = models.CharField(max_length=100, unique=True)
    category = models.CharField(max_length=100, default="", blank=True)
    text = models.TextField(default="", blank=True)  # what people agree to, word for word
    version = models.PositiveIntegerField(default=1)  # of the text; see TextVersion
    # Contacts have to confirm it by a link that this channel sends; None: they need not.
    confirm_channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    confirm_subject = models.CharField(max_length=200, default="", blank=True)
    confirm_text = models.TextField(default="", blank=True)  # with {{ confirm_url }}
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class TextVersion(models.Model):
    """What a consent says, or said: each change of its text makes another version."""

    consent = models.ForeignKey(  # the constraint below begins with it
        Consent, on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()  # 1, 2, 3 …
    text = models.TextField(default="", blank=True)
    created_at = InstantField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consent", "number"], name="text_version_once")
        ]

    def __str__(self) -> str:
        return f"version {self.number} of consent {self.consent_id}"


class Grant(models.Model):
    """Where one contact stands with one consent: the newest of its changes."""

    consent = models.ForeignKey(  # the constraint below begins with it
        Consent, on_delete=models.CASCADE, related_name="grants", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="grants")
    given = models.BooleanField()
    at = InstantField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consent", "contact"], name="grant_once")]
        indexes = [
            # An audience asks this for everybody: answered without a look at the row.
            models.Index(
                fields=["consent", "contact"], name="grant_given", condition=models.Q(given=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.consent_id} by {self.contact_id}"


class Change(models.Model):
    """A consent was given or withdrawn: the proof. Rows are added, and never changed.

    They are deleted with their consent or their contact alone; where two contacts turn out to be
    one, they are the other contact's.
    """

    class How(models.TextChoices):
        """In which way."""

        AGENT = "agent", "An agent"
        IMPORT = "import", "An import"
        API = "api", "The API"
        FORM = "form", "A form"
        KEYWORD = "keyword", "A word in a chat"
        PAGE = "page", "The preference page"
        COMPLAINT = "complaint", "A spam complaint"

    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, related_name="changes")
    # What the contact was shown. None if the consent had no text yet.
    version = models.ForeignKey(TextVersion, null=True, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consent_changes")
    given = models.BooleanField()
    how = models.CharField(max_length=10, choices=How)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    detail = models.CharField(max_length=300, default="", blank=True)  # such as the file's name
    ip = models.CharField(max_length=45, default="", blank=True)  # of a form or a page
    user_agent = models.CharField(max_length=300, default="", blank=True)
    at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.consent_id} by {self.contact_id}: {self.given}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises ValueError for one that is there already: proof is not edited."""
        if not self._state.adding:
            raise ValueError("A change of a consent is proof. It can't be edited.")
        super().save(*args, **kwargs)


class Confirmation(models.Model):
    """A contact is asked to confirm a consent: the newest request for it.

    What proves it is kept here until it is confirmed, and in the change from then on.
    """

    consent = models.ForeignKey(  # the constraint below begins with it
        Consent, on_delete=models.CASCADE, related_name="confirmations", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="confirmations")
    address = models.ForeignKey(
        Address, on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    version = models.ForeignKey(TextVersion, null=True, on_delete=models.CASCADE, related_name="+")
    how = models.CharField(max_length=10, choices=Change.How)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    detail = models.CharField(max_length=300, default="", blank=True)
    ip = models.CharField(max_length=45, default="", blank=True)
    user_agent = models.CharField(max_length=300, default="", blank=True)
    requested_at = InstantField()
    expires_at = InstantField()
    sends = models.PositiveSmallIntegerField(default=0)  # messages within this request
    sent_at = InstantField(null=True)  # the last of them
    due = models.BooleanField(default=True)  # a message is to be sent
    problem = models.CharField(max_length=300, default="", blank=True)  # why it was not sent
    confirmed_at = InstantField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consent", "contact"], name="confirmation_once")
        ]
        indexes = [
            models.Index(fields=["id"], name="confirmation_due", condition=models.Q(due=True))
        ]

    def __str__(self) -> str:
        return f"{self.consent_id} to confirm by {self.contact_id}"
