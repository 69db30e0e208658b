"""kill -9 between the messages of a story: each message once, in order, or in doubt."""

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest

from clarion.accounts import audit
from clarion.broadcasts.models import Broadcast
from clarion.content.stories import create_story, newest
from crash import rehearsal
from support.processes import Processes

pytestmark = pytest.mark.crash
TEXTS = ["One for {{ contact.name }}", "Two", "Three"]


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "plain"])
def test_b3_killed_between_messages_nobody_misses_one_or_gets_one_twice(
    own_database: object,
    processes: Processes,
    tmp_path: Path,
    torture_size: tuple[int, int],
    idempotent: bool,
) -> None:
    people, kills = torture_size[0] // 4, torture_size[1]
    provider = rehearsal.Provider(processes, latency="2ms..20ms", **rehearsal.FAULTS)
    blocks = [{"kind": "text", "text": text} for text in TEXTS]
    story = create_story(name="Three", blocks=blocks, by=audit.COMMAND_LINE)
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=idempotent)
    Broadcast.objects.filter(pk=broadcast.pk).update(
        data_type="story", story=story, story_version=newest(story)
    )
    chance = random.Random(f"{people} {kills}")

    rehearsal.kill_workers(processes, broadcast, people, kills, chance)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    got = _messages(provider)
    # Message 0 has the delivery's own key, the others add their number to it.
    assert all(numbers == sorted(set(numbers)) for numbers in got.values())
    complete = [recipient for recipient, numbers in got.items() if numbers == [0, 1, 2]]
    assert sum(truth.states.values()) == people
    assert truth.reasonless == 0
    if idempotent:
        assert truth.states == {"sent": people}
        assert len(complete) == people
    else:
        assert truth.states["sent"] + truth.states["in_doubt"] == people
        sent = {recipient for recipient, state in truth.state_of.items() if state == "sent"}
        assert sent <= set(complete)


def _messages(provider: rehearsal.Provider) -> dict[str, list[int]]:
    """The numbers of the messages that each recipient's phone has, in the order they came."""
    seen: dict[str, list[int]] = defaultdict(list)
    after: int | None = 0
    while after is not None:
        page = json.loads(provider.get(f"/_/log?outcome=accepted&limit=10000&after={after}"))
        for entry in page["entries"]:
            _, _, number = (entry["key"] + "-0").split("-")[:3]
            seen[entry["recipient"]].append(int(number))
        after = page["next"]
    return seen
