"""A worker with deliveries in hand, and its journal."""

import os
from typing import Any

from django.conf import settings

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.engine import heartbeat, reap
from clarion.engine.claim import Claimed, claim
from clarion.engine.journal.file import Journal, folder_of
from clarion.kit import clock, db
from clarion.records.deliveries.settle import Settlement
from clarion.records.models import Delivery
from support import factory


class Crew:
    """A worker with four deliveries in hand, and its journal."""

    def __init__(self, *, idempotent: bool = False) -> None:
        self.channel = factory.channel(idempotent=idempotent)
        factory.people(self.channel, 4)
        self.broadcast: Broadcast = factory.sending([self.channel])
        self.journal = Journal(folder_of(settings.CLARION.data), 64 * 1024)
        beat = heartbeat.beat()
        self.journal.rewrite(beat.identity, beat.count, {})
        self.worker = reap.register(self.journal.token)
        self.claimed = self.claim()

    def claim(self) -> list[Claimed]:
        messages = claim(self.channel.pk, self.worker, 4).messages
        self.journal.claimed(claimed.delivery for claimed in messages)
        return messages

    def begin(self, claimed: Claimed) -> None:
        assert self.journal.begin(claimed.delivery)

    def answer(self, claimed: Claimed, state: str = "sent", **more: Any) -> Settlement:
        """Note an answer that is not settled."""
        usual = {"attempts": 1, "at": clock.now_us(), "attempted": True, "content": "Hello"}
        settlement = Settlement(
            claimed.delivery, claimed.broadcast, self.channel.pk, claimed.address, state,
            **{**usual, **more},
        )  # fmt: skip
        self.begin(claimed)
        self.journal.answered(settlement)
        return settlement

    def die(self) -> None:
        assert self.journal._map is not None
        self.journal._map.close()
        os.close(self.journal._descriptor)

    def expire(self) -> None:
        db.execute("UPDATE engine_worker SET lease_until = 1 WHERE id = %s", [self.worker])

    def states(self) -> list[str]:
        """Of the four, in the order in which they were claimed."""
        found = dict(Delivery.objects.values_list("pk", "state"))
        assert reconcile(self.broadcast.pk).ok
        return [found[claimed.delivery] for claimed in self.claimed]
