"""What happens to broadcasts, channels and workers is a line each, with ids and nobody's data."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from clarion.broadcasts import control, launch
from clarion.broadcasts.models import Broadcast
from clarion.channels import manage, slots
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.kit import clock, db
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)
SECRETS = ("Ann", "ann@example.org", "Hello", "refused: token", "Summer")


@pytest.fixture(autouse=True)
def everything_is_logged() -> Iterator[None]:
    """Commands that other tests ran may have left that only warnings are logged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("info"))
    yield
    structlog.configure(**before)


def lines(*acts: Callable[[], Any]) -> list[dict[str, Any]]:
    """The lines that acts cause, without what tells of nothing here."""
    with capture_logs() as captured:
        for act in acts:
            act()
    for line in captured:
        assert not any(secret in str(line.values()) for secret in SECRETS), line
    return list(captured)


def test_the_life_of_a_broadcast() -> None:
    channel = factory.channel("Summer shop")
    factory.address(channel, "ann@example.org", "Ann")
    draft = factory.draft([channel], title="Summer", text="Hello {{ contact.name }}")
    late = factory.draft([channel], title="Summer", text="Hello")
    by = factory.BY

    def missed() -> None:
        launch.start(late, by=by, undo_seconds=0)
        Broadcast.objects.filter(pk=late.pk).update(scheduled_at=clock.now() - timedelta(days=1))
        lifecycle.start_due()

    written = lines(
        lambda: launch.start(draft, by=by, undo_seconds=0),
        lifecycle.start_due,
        lambda: factory.expand(draft),
        lambda: control.pause(draft, by=by, reason="Ann refused: token"),
        lambda: control.resume(draft, by=by),
        lambda: factory.settle_all(channel),
        lifecycle.finish,
        missed,
    )
    assert [(line["event"], line["broadcast"]) for line in written if "broadcast" in line] == [
        ("broadcast_scheduled", draft.pk),
        ("broadcast_started", draft.pk),
        ("broadcast_paused", draft.pk),
        ("broadcast_resumed", draft.pk),
        ("broadcast_finished", draft.pk),
        ("broadcast_scheduled", late.pk),
        ("broadcast_missed", late.pk),
    ]


def test_one_that_is_stopped() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    written = lines(lambda: control.stop(broadcast, by=factory.BY))
    assert ("broadcast_stopped", broadcast.pk) in [
        (line["event"], line.get("broadcast")) for line in written
    ]


def test_the_trouble_of_a_channel() -> None:
    channel = factory.channel("Summer shop")
    now = db.now_us()
    written = lines(
        lambda: manage.pause_channel(channel, reason="refused: token", by="worker"),
        lambda: manage.resume_channel(channel, by="worker"),
        lambda: slots.wait(channel.pk, now, now + 30 * clock.SECOND, "refused: token"),
        lambda: slots.wait(channel.pk, now + 1, now + 60 * clock.SECOND, "refused: token"),
        lambda: slots.waited(channel.pk, now + 61 * clock.SECOND),
        lambda: slots.waited(channel.pk, now + 62 * clock.SECOND),
    )
    assert [(line["event"], line["channel"]) for line in written] == [
        ("channel_paused", channel.pk),
        ("channel_resumed", channel.pk),
        ("channel_waiting", channel.pk),
        ("channel_active_again", channel.pk),
    ]


def test_a_worker_that_has_ended() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    factory.sending([channel])
    worker = reap.register()
    claim(channel.pk, worker, 2)
    written = lines(reap.declare_all_dead, reap.reap)
    assert [line for line in written if line["event"] == "worker_reaped"] == [
        {"event": "worker_reaped", "log_level": "info", "worker": worker, "deliveries": 2}
    ]
