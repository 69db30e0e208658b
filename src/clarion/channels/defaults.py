"""How fast and how often channels send: the default of the workspace, which a channel overrides.

A channel's own value counts first, then the workspace's, then the usual one of its kind. Channels
store the value in effect, so that nothing has to be looked up while sending.
"""

import math
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels import limits
from clarion.channels.errors import ChannelError
from clarion.channels.models import Channel, SendingDefaults
from clarion.channels.registry import KINDS, kind_class
from clarion.kit import rates

FIELDS = ("rate", "attempts", "backoff")


@dataclass(frozen=True, slots=True)
class Sending:
    """Messages a second (None: no limit), attempts of one message, and seconds before the second
    attempt."""

    rate: float | None
    attempts: int
    backoff: float


def workspace_defaults() -> SendingDefaults:
    """What is set for the whole workspace; None where each kind's usual value applies."""
    return SendingDefaults.objects.first() or SendingDefaults()


def usual(kind: str) -> Sending:
    """The usual values of a kind, whatever the workspace sets. Raises UnknownKind."""
    of = kind_class(kind).limits
    return Sending(of.rate, of.attempts, of.backoff)


def default(kind: str) -> Sending:
    """What a channel of this kind gets that sets nothing itself. Raises UnknownKind."""
    workspace, own = workspace_defaults(), usual(kind)
    return Sending(
        own.rate if workspace.rate is None else workspace.rate,
        own.attempts if workspace.attempts is None else workspace.attempts,
        own.backoff if workspace.backoff is None else workspace.backoff,
    )


def set_defaults(
    *, rate: float | None, attempts: int | None, backoff: float | None, by: Agent | str
) -> SendingDefaults:
    """Set the defaults of the workspace; None is each kind's usual value.

    Every channel without a value of its own follows. Raises ChannelError, and changes nothing then.
    """
    values = {
        "rate": checked_rate(rate),
        "attempts": None if attempts is None else checked_attempts(attempts),
        "backoff": None if backoff is None else checked_backoff(backoff),
    }
    with transaction.atomic():
        before = workspace_defaults()
        changes = {name: value for name, value in values.items() if getattr(before, name) != value}
        if changes:
            SendingDefaults.objects.update_or_create(pk=before.pk or 1, defaults=values)
            _apply()
            audit.note("channel.defaults", "channels", by, **changes)
    return workspace_defaults()


def _apply() -> None:
    for kind in KINDS:
        values = default(kind)
        for name in FIELDS:
            following: dict[str, Any] = {"kind": kind, f"own_{name}": False}
            Channel.objects.filter(**following).update(**{name: getattr(values, name)})


def checked_rate(rate: float | None) -> float | None:
    """The rate, if it is one. Raises ChannelError."""
    try:
        return rates.checked(rate)
    except rates.RateError as error:
        raise ChannelError(str(error), field="rate") from None


def checked_attempts(attempts: int) -> int:
    """The number of attempts, if it is within the bounds. Raises ChannelError."""
    if not 1 <= attempts <= limits.MOST_ATTEMPTS:
        sentence = f"The number of attempts must be from 1 to {limits.MOST_ATTEMPTS}."
        raise ChannelError(sentence, field="attempts")
    return attempts


def checked_backoff(backoff: float) -> float:
    """The retry delay, if it is within the bounds. Raises ChannelError."""
    if not (math.isfinite(backoff) and 0 <= backoff <= limits.LONGEST_BACKOFF):
        raise ChannelError(
            f"The retry delay must be from 0 to {limits.LONGEST_BACKOFF:,g} seconds.",
            field="backoff",
        )
    return backoff
