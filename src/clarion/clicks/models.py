"""Tracked links and the clicks on them; opened e-mails, which are kept alike.

Clicks come by the million, from deliveries just read: ids without constraints, see records.models.
"""

from django.db import models

from clarion.kit.fields import InstantField

ANY_LINK = 0  # in the place of a link's id: whichever link of the message
OPENED = -1  # in the place of a link's id: no link, the image that tells that an e-mail is opened
_A_LINK, _AN_OPEN = models.Q(link_id__gt=ANY_LINK), models.Q(link_id=OPENED)


class Link(models.Model):
    """Where tracked links lead: a target as it is written in a message, variables included.

    It is kept when its broadcasts are deleted, so that links in old messages still lead there.
    """

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the target, hexadecimal
    target = models.TextField()

    def __str__(self) -> str:
        return self.target


class BroadcastLink(models.Model):
    """A link is in the messages of a broadcast."""

    broadcast_id = models.BigIntegerField()
    link_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["broadcast_id", "link_id"], name="broadcast_link_once")
        ]

    def __str__(self) -> str:
        return f"link {self.link_id} of broadcast {self.broadcast_id}"


class Click(models.Model):
    """A tracked link or an e-mail (OPENED) was opened, by a person or by a program."""

    class By(models.TextChoices):
        """Who opened it, as far as that can be told."""

        PERSON = "person", "Person"
        SCANNER = "scanner", "Scanner"

    delivery_id = models.BigIntegerField()
    broadcast_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    address_id = models.BigIntegerField()
    link_id = models.BigIntegerField()
    clicked_by = models.CharField(max_length=10, choices=By)
    sign = models.CharField(max_length=10, default="", blank=True)  # see clicks.scanners
    recorded_at = InstantField()

    class Meta:
        indexes = [
            # Clicks and opens apart: a list of the few must not walk through the many.
            models.Index(fields=["recorded_at"], name="click_at", condition=_A_LINK),
            models.Index(
                fields=["broadcast_id", "recorded_at"], name="click_broadcast", condition=_A_LINK
            ),
            models.Index(
                fields=["channel_id", "recorded_at"], name="click_channel", condition=_A_LINK
            ),
            models.Index(fields=["recorded_at"], name="open_at", condition=_AN_OPEN),
            models.Index(
                fields=["broadcast_id", "recorded_at"], name="open_broadcast", condition=_AN_OPEN
            ),
            models.Index(
                fields=["channel_id", "recorded_at"], name="open_channel", condition=_AN_OPEN
            ),
            models.Index(fields=["address_id"], name="click_address"),
        ]

    def __str__(self) -> str:
        return f"click {self.pk} on link {self.link_id}"


class Clicker(models.Model):
    """A recipient has clicked a link, or any link, or opened the e-mail: the first time.

    The proof of “once”: the tallies count these rows.
    """

    delivery_id = models.BigIntegerField()
    link_id = models.BigIntegerField()  # ANY_LINK beside a row for each link; OPENED
    broadcast_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    address_id = models.BigIntegerField()
    at = InstantField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery_id", "link_id"], name="clicker_once")
        ]
        indexes = [
            models.Index(fields=["broadcast_id", "link_id", "address_id"], name="clicker_people")
        ]

    def __str__(self) -> str:
        return f"delivery {self.delivery_id} clicked link {self.link_id}"


class ClickTally(models.Model):
    """A change of the numbers of a link's clicks. The sum is the number; squashed later."""

    broadcast_id = models.BigIntegerField()
    channel_id = models.BigIntegerField()
    link_id = models.BigIntegerField()  # ANY_LINK beside a row for each link; OPENED
    people = models.BigIntegerField()  # recipients who clicked or opened: rows of Clicker
    clicks = models.BigIntegerField()  # by people
    scans = models.BigIntegerField()  # by scanners

    class Meta:
        verbose_name_plural = "click tallies"
        indexes = [
            models.Index(fields=["broadcast_id", "link_id", "channel_id"], name="click_tally_sum")
        ]

    def __str__(self) -> str:
        return f"{self.people:+} people clicked link {self.link_id}"
