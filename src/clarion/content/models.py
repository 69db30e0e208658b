"""Stories, their versions, and uploaded media."""

from django.db import models

from clarion.accounts.models import Agent
from clarion.kit import clock, ids
from clarion.kit.fields import InstantField


class Story(models.Model):
    """A named sequence of messages. Its newest version is what a new broadcast takes."""

    name = models.CharField(max_length=100, unique=True)
    created_at = InstantField(default=clock.now)
    archived_at = InstantField(null=True)  # deleted by an agent; broadcasts still show its name

    class Meta:
        verbose_name_plural = "stories"

    def __str__(self) -> str:
        return self.name


class StoryVersion(models.Model):
    """A story as it was saved once; never changed afterwards."""

    story = models.ForeignKey(Story, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()  # 1 for the first
    blocks = models.JSONField(default=list)  # see content.blocks
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = InstantField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["story", "number"], name="version_once")]

    def __str__(self) -> str:
        return f"{self.story}, version {self.number}"


class Layout(models.Model):
    """What stands around the content of e-mails, by name."""

    name = models.CharField(max_length=100, unique=True)
    html = models.TextField()  # with {{ content }}, see content.mail.layouts
    address = models.TextField(default="", blank=True)  # the postal address
    is_default = models.BooleanField(default=False)  # of drafts that choose none; one at most

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="one_default_layout",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    """An uploaded image or file; the bytes lie in the data folder under ``media/``."""

    token = models.CharField(max_length=16, unique=True, default=ids.token)  # in its public URL
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    created_at = InstantField(default=clock.now)

    def __str__(self) -> str:
        return self.name
