"""A worker that sends to several recipients with one request, over real HTTP."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from clarion.broadcasts import launch
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from engine.batch_kind import BatchKind, RequestsKind
from support import factory
from support.listener import Heard, Listener

pytestmark = pytest.mark.django_db(transaction=True)
MOST, PEOPLE = 50, 200
REFUSED, BUSY = {"u7", "u8"}, {"u9", "u10"}


def start(channel: Channel, **fields: Any) -> Broadcast:
    draft = factory.draft([channel], **({"text": "Hello everybody"} | fields))
    return launch.start(draft, by=factory.BY, undo_seconds=0)


def people_of(heard: Heard) -> list[str]:
    to = heard.body["to"]
    return to if isinstance(to, list) else [to]


@pytest.mark.parametrize(("kind", "rate"), [(BatchKind, None), (RequestsKind, 200)])
def test_each_of_many_has_a_record_and_those_who_failed_are_sent_to_again(
    monkeypatch: pytest.MonkeyPatch, engine: None, kind: type[BatchKind], rate: float | None
) -> None:
    monkeypatch.setitem(KINDS, "webhook", kind)
    monkeypatch.setattr(kind, "limits", replace(kind.limits, most_recipients=MOST))
    seen: Counter[str] = Counter()

    def answer(heard: Heard) -> tuple[int, Any]:
        people = people_of(heard)
        seen.update(people)
        busy = [person for person in people if person in BUSY and seen[person] == 1]
        if len(people) == 1:
            return (500 if busy else 400 if set(people) & REFUSED else 200), {}
        return 200, {"refused": sorted(REFUSED & set(people)), "busy": busy}

    with Listener(answer) as listener:
        channel = factory.channel(url=f"{listener.url}/hook", rate=rate, backoff=0.01)
        factory.people(channel, PEOPLE)
        broadcast = start(channel)
        wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"sent": PEOPLE - len(REFUSED), "failed": len(REFUSED)}
    assert {person for person, count in seen.items() if count > 1} == BUSY
    assert len(seen) == PEOPLE
    assert max(len(people_of(heard)) for heard in listener.heard) > 1
    assert len(listener.heard) < PEOPLE / 4
    assert Delivery.objects.filter(recovered=True).count() == len(BUSY)
    assert Record.objects.filter(status="completed", content="Hello everybody").count() == (
        PEOPLE - len(REFUSED)
    )
    assert Record.objects.filter(status="error").count() == len(REFUSED | BUSY)
    assert reconcile(broadcast.pk).ok
