"""kill -9 during a broadcast that gives codes, with too few of them: none twice, none lost."""

import random
import re
import time
from pathlib import Path

import pytest

from clarion.accounts import audit
from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.codes import batches, pools
from clarion.codes.models import Code, CodePool
from clarion.contacts.models import Address
from clarion.kit.batches import batches as in_batches
from clarion.records import rows
from clarion.records.models import Delivery, Record
from crash import rehearsal
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
BY = audit.COMMAND_LINE


def test_l2_codes_survive_kills_and_an_empty_pool(
    own_database: object, processes: Processes, tmp_path: Path, torture_size: tuple[int, int]
) -> None:
    people, kills = torture_size[0] // 4, torture_size[1]
    provider = rehearsal.Provider(processes, latency="2ms..20ms", error_400=2)
    pool = pools.create(pools.Rules(name="Spring", pattern="S-####-????-????"), by=BY)
    batches.carry_out(batches.order_codes(pool, people // 2, by=BY))
    fields = {"text": "Yours: {{ code }}", "code_pool": pool}
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, fields=fields)
    chance = random.Random(f"codes {people}")
    for _ in range(kills):
        worker = rehearsal.start_worker(processes)
        before = rehearsal.settled(broadcast)
        goal = min(before + people // (3 * kills), people // 2 - people // 10)
        eventually(lambda goal=goal: rehearsal.settled(broadcast) >= goal, timeout=300)
        time.sleep(chance.uniform(0, 0.2))
        worker.kill()
    rehearsal.start_worker(processes)

    # Out of stock: it is paused with the reason, nobody has failed for it.
    eventually(lambda: _state(broadcast) == BroadcastState.PAUSED, timeout=300)
    assert "no free codes left" in broadcast.state_reason
    pool = CodePool.objects.get()
    batches.carry_out(batches.order_codes(pool, people, by=BY))
    control.resume(broadcast, by=BY)
    rehearsal.wait_completed(broadcast, timeout=900)

    eventually(lambda: _codes_returned(broadcast), timeout=120)
    holders = dict(Code.objects.filter(issued_at__isnull=False).values_list("contact", "code"))
    contacts = dict(Address.objects.values_list("pk", "contact"))
    deliveries = Delivery.objects.filter(broadcast=broadcast)
    states = dict(deliveries.values_list("address", "state"))
    # Whoever got a message, or may have, has a code; what certainly was not sent is free again.
    served = {contacts[pk] for pk, state in states.items() if state not in {"failed", "skipped"}}
    assert served == set(holders)
    assert Code.objects.filter(issued_at__isnull=False).count() == len(holders)
    shown: dict[int, set[str]] = {}
    ids = list(Record.objects.filter(responses__gt=0).values_list("pk", flat=True))
    for some in in_batches(ids, 500):
        for record in rows.load(some):
            codes = re.findall(r"S-\S+", record.messages.text)
            shown.setdefault(record.contact_id, set()).update(codes)
    assert shown
    assert all(codes == {holders[contact]} for contact, codes in shown.items())
    rehearsal.assert_reconciled(broadcast)


def _state(broadcast: Broadcast) -> str:
    broadcast.refresh_from_db()
    return broadcast.state


def _codes_returned(broadcast: Broadcast) -> bool:
    broadcast.refresh_from_db()
    return broadcast.codes_returned_at is not None
