"""Receipts: what providers tell later about messages. They only move deliveries forward.

Callbacks come twice, late and out of order, so every receipt is kept once per (channel, id,
status), and what is applied depends on the set of receipts and not on their order.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clarion.kit import db, text
from clarion.records import tallies
from clarion.records.reasons import Wording, reason_ids
from clarion.records.states import DeliveryState as D
from clarion.records.states import may_move

RANK = {D.FAILED.value: 0, D.DELIVERED.value: 1, D.READ.value: 2}
_MESSAGE_ID = re.compile(r"([a-z0-9]{12})-([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One receipt as a channel kind read it; moments in microseconds."""

    channel_id: int
    status: str  # delivered, read or failed
    at: int
    received_at: int
    external_id: str | None = None  # the provider's id of the message
    message_id: str | None = None  # ours, where the provider echoes it
    code: str = ""
    reason: str = ""

    @property
    def reference(self) -> str:
        """The id that the receipt is kept under."""
        return text.clean(self.external_id or self.message_id or "", 200)

    @property
    def wording(self) -> Wording:
        """Why it failed."""
        said = self.reason or "The provider reported later that it could not deliver the message."
        return self.code[:60], text.clean(said, 400)


def apply_receipts(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Keep receipts and move their deliveries; return those that found no delivery (yet).

    Part of the caller's transaction, or one of its own. Repeating it changes nothing.
    """
    reasons = reason_ids({s.wording for s in sightings if s.status == D.FAILED})
    with db.write():
        found = _find(sightings)
        known = [(s, found[s]) for s in sightings if s in found]
        _keep(known)
        _move(known, reasons)
    return [s for s in sightings if s not in found]


def _find(sightings: Sequence[Sighting]) -> dict[Sighting, int]:
    """The delivery that each receipt is about: by our own id, else by the provider's."""
    ours: dict[tuple[str, int], list[Sighting]] = {}
    theirs: dict[tuple[int, str], list[Sighting]] = {}
    for s in sightings:
        match = _MESSAGE_ID.fullmatch(s.message_id or "")
        if match:
            ours.setdefault((match[1], int(match[2])), []).append(s)
        elif s.external_id:
            theirs.setdefault((s.channel_id, s.external_id), []).append(s)
    found: dict[Sighting, int] = {}
    if ours:
        for key, delivery, channel in db.fetch(
            "SELECT v.key, d.id, d.channel_id "
            f"FROM {db.rows([('key', 'text'), ('id', 'int')])} "
            "JOIN records_delivery d ON d.id = v.id "
            "JOIN broadcasts_broadcast b ON b.id = d.broadcast_id AND b.key = v.key",
            [db.pack(ours)],
        ):
            found |= {s: delivery for s in ours[key, delivery] if s.channel_id == channel}
    if theirs:
        for channel, external_id, delivery in db.fetch(
            "SELECT v.channel, v.external_id, d.id "
            f"FROM {db.rows([('channel', 'int'), ('external_id', 'text')])} "
            "JOIN records_delivery d ON d.channel_id = v.channel "
            "AND d.external_id = v.external_id",
            [db.pack(theirs)],
        ):
            found |= dict.fromkeys(theirs[channel, external_id], delivery)
    return found


def _keep(known: Sequence[tuple[Sighting, int]]) -> None:
    columns = [
        ("channel", "int"), ("delivery", "int"), ("reference", "text"), ("status", "text"),
        ("at", "int"), ("received_at", "int"),
    ]  # fmt: skip
    db.execute(
        "INSERT INTO records_receipt "
        "(channel_id, delivery_id, external_id, status, at, received_at) "
        "SELECT channel, delivery, reference, status, at, received_at "
        f"FROM {db.rows(columns)} WHERE 1 = 1 ON CONFLICT DO NOTHING",
        [
            db.pack(
                (s.channel_id, delivery, s.reference, s.status, s.at, s.received_at)
                for s, delivery in known
            )
        ],
    )


def _move(known: Sequence[tuple[Sighting, int]], reasons: dict[Wording, int]) -> None:
    about: dict[int, list[Sighting]] = {}
    for s, delivery in known:
        about.setdefault(delivery, []).append(s)
    rows = db.fetch(
        "SELECT id, broadcast_id, channel_id, state, recovered, reason_id FROM records_delivery "
        f"WHERE id IN (SELECT v.id FROM {db.rows([('id', 'int')])}) ORDER BY id{db.for_update()}",
        [db.pack([key] for key in sorted(about))],
    )
    moved: list[tuple[int, str, bool, int | None, int]] = []
    deltas: dict[tuple[int, int, str], int] = {}
    for delivery, broadcast, channel, before, recovered, reason in rows:
        state, latest = before, 0
        for s in sorted(about[delivery], key=lambda s: RANK[s.status]):
            if may_move(state, s.status):
                recovered = recovered or state == D.FAILED
                reason = reasons[s.wording] if s.status == D.FAILED else None
                state, latest = s.status, s.received_at
        if state != before:
            moved.append((delivery, state, bool(recovered), reason, latest))
            for where, delta in ((before, -1), (state, 1)):
                key = (broadcast, channel, where)
                deltas[key] = deltas.get(key, 0) + delta
    if not moved:
        return
    columns = [
        ("id", "int"), ("state", "text"), ("recovered", "bool"), ("reason", "int"), ("at", "int"),
    ]  # fmt: skip
    db.execute(
        "UPDATE records_delivery AS d SET state = v.state, recovered = v.recovered, "
        "reason_id = v.reason, moved_at = v.at, worker_id = NULL "
        f"FROM {db.rows(columns)} WHERE d.id = v.id",
        [db.pack(moved)],
    )
    tallies.add(deltas)
