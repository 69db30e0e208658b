"""What a channel is shown with: the worst of what is known about it."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.channels.condition import condition, conditions, words
from clarion.channels.manage import check_channel, end_wait, resume_channel, update_channel
from clarion.channels.models import Channel
from clarion.kit import clock
from support import factory

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CHECKED = {"check_result": "The token is valid.", "check_failed": False}


def channel(**fields: Any) -> Channel:
    checked: dict[str, Any] = {"checked_at": clock.now()} | CHECKED
    return Channel(pk=1, name="news", kind="webhook", **(checked | fields))


def waiting(since: timedelta, until: timedelta) -> dict[str, Any]:
    now = clock.now()
    return {"waits_since": now + since, "waits_until": now + until, "waits_reason": "Too many."}


@pytest.mark.parametrize(
    ("fields", "state", "reason", "blocked"),
    [
        ({}, "active", "", False),
        ({"checked_at": None}, "unchecked", "Its settings are new or have changed.", False),
        ({"check_failed": True}, "check_failed", "The token is valid.", False),
        (waiting(-MINUTE, HOUR) | {"check_failed": True}, "waiting", "Too many.", True),
        (
            waiting(-MINUTE, HOUR) | {"state": "paused", "paused_reason": "No login."},
            "paused",
            "No login.",
            True,
        ),
    ],
)
def test_the_worst_is_shown(fields: dict[str, Any], state: str, reason: str, blocked: bool) -> None:
    found = condition(channel(**fields))
    assert (found.state, found.reason, found.is_blocked) == (state, reason, blocked)
    assert bool(conditions([channel(**fields)])) == (state != "active")
    assert "news" in words(channel(), found)
    if state != "unchecked":
        assert reason in words(channel(), found)


@pytest.mark.parametrize(
    ("since", "until", "waits"),
    [
        (-MINUTE, MINUTE, True),
        (-HOUR, -30 * SECOND, True),  # the attempt after the wait is not answered yet
        (-HOUR, -2 * MINUTE, False),  # it has nothing to send, so nobody asks any more
        (-31 * SECOND, -30 * SECOND, False),  # it was a short one
    ],
)
def test_a_wait_lasts_until_the_next_attempt_is_answered(
    since: timedelta, until: timedelta, waits: bool
) -> None:
    assert (condition(channel(**waiting(since, until))).state == "waiting") == waits


@pytest.mark.parametrize(
    ("since", "until", "long"),
    [(-SECOND, MINUTE / 2, False), (-SECOND, HOUR, True), (-HOUR, MINUTE / 2, True)],
)
def test_a_wait_of_a_moment_is_not_told_everywhere(
    since: timedelta, until: timedelta, long: bool
) -> None:
    assert condition(channel(**waiting(since, until))).is_long == long


def test_a_pause_is_told_everywhere_and_a_missing_check_is_not() -> None:
    assert condition(channel(state="paused")).is_long
    assert not condition(channel(checked_at=None)).is_long


@pytest.mark.django_db
def test_a_check_is_kept_until_the_settings_are_others(free_port: int) -> None:
    made = factory.channel(url=f"http://127.0.0.1:{free_port}/in")
    assert condition(made).state == "unchecked"
    with pytest.raises(ValueError, match="nothing accepts connections there"):
        check_channel(made)
    made.refresh_from_db()
    found = condition(made)
    assert (found.state, found.since) == ("check_failed", made.checked_at)
    assert "nothing accepts connections there" in found.reason

    update_channel(made, rate=5.0, by=factory.BY)
    assert condition(made).state == "check_failed"
    changed = {"url": f"http://127.0.0.1:{free_port}/other", "allow_private": "true"}
    update_channel(made, settings=changed, by=factory.BY)
    made.refresh_from_db()
    assert condition(made).state == "unchecked"


@pytest.mark.django_db
def test_a_wait_is_ended_by_hand_and_by_other_settings() -> None:
    made = factory.channel()

    def wait() -> None:
        Channel.objects.update(**waiting(-MINUTE, HOUR))
        made.refresh_from_db()
        assert condition(made).state == "waiting"

    wait()
    assert end_wait(made, by=factory.BY)
    assert (condition(made).state, made.waits_reason) == ("unchecked", "")
    assert not end_wait(made, by=factory.BY)

    wait()
    resume_channel(made, by=factory.BY)
    assert condition(made).state == "unchecked"

    wait()
    changed = {"url": "http://127.0.0.1:9/other", "allow_private": "true"}
    update_channel(made, settings=changed, by=factory.BY)
    made.refresh_from_db()
    assert made.waits_until is None
