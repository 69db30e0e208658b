"""What is kept of a broadcast because reading it anew takes long."""

from django.db import models

from clarion.kit.fields import InstantField


class KeptLatency(models.Model):
    """The latency of a large broadcast, as it was read: see records.kept_latency."""

    broadcast = models.ForeignKey(
        "broadcasts.Broadcast", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip
    spans = models.TextField()  # JSON: by span how many messages, then the percentiles
    sent = models.BigIntegerField()  # how many messages were sent when it was read
    arrived = models.BigIntegerField()
    read_at = InstantField()
    took = models.BigIntegerField()  # microseconds

    class Meta:
        constraints = [models.UniqueConstraint(fields=["broadcast"], name="kept_latency_once")]

    def __str__(self) -> str:
        return f"latency of broadcast {self.broadcast_id}"
