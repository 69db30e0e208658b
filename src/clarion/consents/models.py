"""Consents, and who has given them."""

from django.db import models

from clarion.accounts.models import Agent
from clarion.contacts.models import Contact
from clarion.kit import clock
from clarion.kit.fields import InstantField


class Consent(models.Model):
    """A marketing permission that contacts can give."""

    name = models.CharField(max_length=100, unique=True)
    category = models.CharField(max_length=100, default="", blank=True)
    text = models.TextField(default="", blank=True)  # what people agree to, word for word
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name


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
    """A consent was given or withdrawn; kept for good, as the proof."""

    class How(models.TextChoices):
        """In which way."""

        AGENT = "agent", "An agent"
        IMPORT = "import", "An import"
        API = "api", "The API"
        FORM = "form", "A form"
        KEYWORD = "keyword", "A word in a chat"

    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, related_name="changes")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consent_changes")
    given = models.BooleanField()
    how = models.CharField(max_length=10, choices=How)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.consent_id} by {self.contact_id}: {self.given}"
