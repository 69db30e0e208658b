"""Calls of a live broadcast's own URL (C5): the secret, how often, and no call twice."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from clarion.accounts.models import Agent
from clarion.broadcasts import events
from clarion.broadcasts.call_data import DEEPEST, too_deep
from clarion.broadcasts.errors import CallError, KeyReused, NotLive, TooOften
from clarion.broadcasts.models import Broadcast, ExternalCall
from clarion.broadcasts.states import BroadcastState
from clarion.kit import clock, ids

LONGEST_KEY = 255  # characters of an Idempotency-Key
SECRET_LENGTH = 32  # characters: more than 150 bits
REMEMBERED = timedelta(days=30)  # for so long a key is known again
_MINUTE = timedelta(minutes=1)
Act = Callable[[Broadcast], tuple[dict[str, Any], Broadcast | None]]


def find(kind: str, number: int, token: str) -> Broadcast | None:
    """The broadcast of that type and number, if the token is its secret.

    None for a wrong secret as for a broadcast that does not exist; compared in constant time.
    """
    broadcast = Broadcast.objects.filter(pk=number, type=kind, parent=None, deleted_at=None).first()
    secret = broadcast.secret.get("token", "") if broadcast else ""
    right = hmac.compare_digest(token.encode(), (secret or ids.token(SECRET_LENGTH)).encode())
    return broadcast if right and secret else None


def path(broadcast: Broadcast) -> str:
    """The path of its URL, which ends with its secret; empty for one that has none yet."""
    token = broadcast.secret.get("token")
    path = "external" if broadcast.type == Broadcast.Type.EXTERNAL else "events"
    return f"/hooks/{path}/{broadcast.pk}/{token}" if token else ""


def url(broadcast: Broadcast) -> str:
    """Its whole URL where CLARION_PUBLIC_URL is set, else its path."""
    return f"{settings.CLARION.public_url.rstrip('/')}{path(broadcast)}" if path(broadcast) else ""


def rotate(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Give it a new secret: the old URL is answered no more. Raises CallError if it has none."""
    if not broadcast.secret.get("token"):
        raise CallError("This broadcast has no URL. Start it first.")
    broadcast.secret = {"token": ids.token(SECRET_LENGTH)}
    with transaction.atomic():
        broadcast.save(update_fields=["secret"])
        events.note(broadcast, "rotate", by)
    return broadcast


def once(
    broadcast: Broadcast, body: Mapping[str, Any], key: str | None, act: Act
) -> dict[str, Any]:
    """Do what a call asks for, and keep the answer; repeated with its key it is only answered.

    ``act`` gets the broadcast, locked against other calls, and returns the answer and the run that
    it made. Everything is one transaction. Raises CallError, and what ``act`` raises.
    """
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise CallError(f"An Idempotency-Key has 1 to {LONGEST_KEY} characters.")
    if too_deep(body):
        raise CallError(f"The body is nested more than {DEEPEST} levels deep. Make it flatter.")
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        # Calls of one broadcast come one after the other, so that neither its key nor its place
        # in the minute can be used twice. Other writers may still refer to the row (no_key).
        locked = Broadcast.objects.select_for_update(no_key=True).get(pk=broadcast.pk)
        calls = ExternalCall.objects.filter(broadcast=locked)
        before = calls.filter(key=key).first() if key is not None else None
        if before is not None:
            if before.digest != digest:
                raise KeyReused("This Idempotency-Key came with another body. Use a new one.")
            answer: dict[str, Any] = before.answer
            return answer
        _refuse_unless_live(locked)
        now = clock.now()
        recent = calls.filter(at__gt=now - _MINUTE)
        most = settings.CLARION.external_per_minute
        if recent.count() >= most:
            oldest = recent.order_by("-at")[most - 1]
            raise TooOften(max(1, -((now - oldest.at - _MINUTE) // timedelta(seconds=1))))
        answer, run = act(locked)
        ExternalCall.objects.create(
            broadcast=locked, run=run, key=key, digest=digest, at=now, answer=answer
        )
        calls.filter(at__lt=now - REMEMBERED).delete()
    return answer


def _refuse_unless_live(broadcast: Broadcast) -> None:
    """A trigger takes events while it is paused: its firings wait."""
    takes: set[str] = {BroadcastState.LIVE}
    if broadcast.type == Broadcast.Type.TRIGGER:
        takes.add(BroadcastState.PAUSED)
    if broadcast.state not in takes:
        state = broadcast.get_state_display().lower()
        advice = (
            "Resume it first."
            if broadcast.state == BroadcastState.PAUSED
            else ("Use the URL of a live one.")
        )
        raise NotLive(f"This broadcast is {state}. {advice}")
