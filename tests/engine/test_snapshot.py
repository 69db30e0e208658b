"""What a worker keeps of broadcasts."""

import pytest

from clarion.channels.models import Channel
from clarion.engine import snapshot
from clarion.kit.weighed_cache import WeighedCache
from support import factory


def test_kept_jobs_are_bounded_in_bytes(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = [factory.draft([channel], text=f"{n} {'x' * 20_000}") for n in range(3)]
    weight = snapshot._weight(snapshot.job(drafts[0].pk))
    assert weight > 20_000
    jobs = WeighedCache[snapshot.Job](2 * weight, snapshot._weight)
    monkeypatch.setattr(snapshot, "_jobs", jobs)
    first, second, _ = (snapshot.job(draft.pk) for draft in drafts)
    assert jobs._weight <= 2 * weight
    assert snapshot.job(drafts[1].pk) is second
    assert snapshot.job(drafts[0].pk) is not first
