"""How a broadcast went, in one word: its state, or more where the state alone hides something."""

from collections.abc import Mapping
from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.channels.condition import condition, conditions

WAITING = "waiting"
NO_RECIPIENTS = "no_recipients"
WITH_FAILURES = "completed_with_failures"
ALL_FAILED = "all_failed"
SOME_IN_DOUBT = "some_in_doubt"
_ON_ITS_WAY = frozenset({BroadcastState.SCHEDULED, BroadcastState.SENDING, BroadcastState.LIVE})


def outcome(broadcast: Broadcast, counts: Mapping[str, Any]) -> str:
    """The word that a broadcast is shown with: one of its states, or of those above.

    ``counts`` are its facts: ``total``, ``completed``, and the number of people in each state.
    A broadcast that has completed is shown by how it went, and one that is being sent as waiting
    while all its channels are paused or waiting, or its story's webhook does not answer.
    """
    state = broadcast.state
    if state == BroadcastState.SENDING:
        blocked = not counts["sending"] and _is_blocked(broadcast)
        return WAITING if blocked or broadcast.waits_until is not None else state
    if state != BroadcastState.COMPLETED or broadcast.is_live:
        return state
    if not counts["total"]:
        return NO_RECIPIENTS
    if counts["failed"]:
        return WITH_FAILURES if counts["completed"] or counts["in_doubt"] else ALL_FAILED
    return SOME_IN_DOUBT if counts["in_doubt"] else state


def outcome_words(outcome: str) -> str:
    """An outcome in the words of the command line: “completed with failures”."""
    return outcome.replace("_", " ")


def _is_blocked(broadcast: Broadcast) -> bool:
    channels = broadcast.channels.all()
    return bool(channels) and all(condition(channel).is_blocked for channel in channels)


def waits_for(broadcast: Broadcast) -> list[dict[str, Any]]:
    """What keeps a broadcast on its way from being sent at this moment.

    The channels through which nothing is sent, each with ``channel``, ``state`` (paused or
    waiting), ``reason``, ``since``, and ``until``, the next attempt; before them its story's
    webhook if that does not answer, with None as ``channel``.
    """
    if broadcast.state not in _ON_ITS_WAY:
        return []
    webhook = {
        "channel": None,
        "state": WAITING,
        "reason": broadcast.waits_reason,
        "since": broadcast.waits_since,
        "until": broadcast.waits_until,
    }
    return [webhook] * (broadcast.waits_until is not None) + [
        {
            "channel": channel.name,
            "state": state.state.value,
            "reason": state.reason,
            "since": state.since,
            "until": state.until,
        }
        for channel, state in conditions(broadcast.channels.all())
        if state.is_blocked
    ]
