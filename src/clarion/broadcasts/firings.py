"""Trigger broadcasts (C4): live, they send to one contact when something happens to them.

What has happened is kept as a *firing*, a row that waits for its moment, so that delays of months
survive any restart. When the moment has come and the conditions hold, the engine writes the
deliveries (engine.fire). Conditions are checked only then: “a day after the sign-up, if they have
not bought yet” is about that day.

Once per contact means once sent or waiting: a firing that was dropped does not count.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.dispatch import receiver

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import calls, events
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.live import go_live
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.moves import move
from clarion.broadcasts.recurrence import Recurrence, next_run
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.trigger import Trigger, parse
from clarion.contacts import tags
from clarion.contacts.models import Contact, Tag, Tagging
from clarion.contacts.signals import tagged
from clarion.kit import clock, db, ids
from clarion.segments import signals as segments
from clarion.segments.watch import watch_only

S = BroadcastState
CHUNK = 10_000  # contacts of one statement
STOPPED = "The broadcast was stopped."


def start(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a draft with a trigger live; one on an event gets the secret of its URL.

    It fires for what happens from now on. Raises LaunchError with all that is in the way.
    """
    try:
        trigger = parse(broadcast.trigger)
        clock.zone(broadcast.zone)
    except ValueError as error:
        raise LaunchError(str(error)) from None
    secret = broadcast.secret or {"token": ids.token(calls.SECRET_LENGTH)}
    live = go_live(
        broadcast,
        by=by,
        trigger=trigger.model_dump(by_alias=True),
        secret=secret if trigger.on == "event" else {},
        time_zone=broadcast.zone,
        priority=1,  # one person waits for it; a broadcast to many does not notice
    )
    if trigger.on == "tag":
        tags.ensure_tags([trigger.tag])
    if trigger.on == "segment":
        watch_only(watched_segments())
    return live


@receiver(tagged)
def tag_assigned(tag_id: int, contact_ids: Sequence[int], **_: Any) -> None:
    """People got a tag, one by hand or thousands by an import: the triggers on it fire."""
    waiting = [(broadcast, parse(broadcast.trigger)) for broadcast in _watching()]
    names = {trigger.tag for _, trigger in waiting if trigger.on == "tag"}
    if not names:
        return
    name = Tag.objects.values_list("name", flat=True).get(pk=tag_id)
    for broadcast, trigger in waiting:
        if trigger.tag == name:
            fire(broadcast, contact_ids, clock.now())


@receiver(segments.joined)
def segment_joined(segment_id: int, contact_ids: Sequence[int], **_: Any) -> None:
    """People have joined a segment: the triggers on it fire."""
    for broadcast in _watching():
        if parse(broadcast.trigger).segment == segment_id:
            fire(broadcast, contact_ids, clock.now())


def watched_segments() -> list[int]:
    """The segments that a trigger fires on."""
    triggers = (parse(broadcast.trigger) for broadcast in _watching())
    return sorted({trigger.segment for trigger in triggers if trigger.segment})


def event_arrived(
    name: str, contact_id: int, data: Mapping[str, Any] | None = None, at: datetime | None = None
) -> int:
    """An event has happened to a contact; all triggers on it fire. Returns how many firings.

    ``data`` becomes ``{{ data.x }}`` of what this person gets (see call_data.checked_data).
    """
    moment = at or clock.now()
    with db.write():
        return sum(
            fire(broadcast, [contact_id], moment, data)
            for broadcast in _watching()
            if parse(broadcast.trigger).event == name.strip()
        )


def _watching() -> "QuerySet[Broadcast]":
    """Trigger broadcasts that fire. Paused ones do too: their firings wait."""
    types = Broadcast.objects.filter(type=Broadcast.Type.TRIGGER, state__in=[S.LIVE, S.PAUSED])
    return types.order_by("pk")


def fire(
    broadcast: Broadcast,
    contact_ids: Sequence[int],
    happened_at: datetime,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Note that a trigger has fired for these contacts, all different; returns for how many.

    It has not where it fires once, and has fired for them before.
    """
    trigger = parse(broadcast.trigger)
    ordered = sorted(contact_ids)  # two that fire at once wait for each other, not in a circle
    fired = 0
    for start_at in range(0, len(ordered), CHUNK):
        chunk = ordered[start_at : start_at + CHUNK]
        due = dict(_due(broadcast, trigger, chunk, happened_at))
        while due:
            new = _note(broadcast, trigger, due, happened_at, data or {})
            fired += len(new)
            # Another firing took the same number a moment ago: only once is enough, each time not.
            due = {key: due[key] for key in due.keys() - new} if trigger.again else {}
    return fired


def _due(
    broadcast: Broadcast, trigger: Trigger, contact_ids: Sequence[int], happened_at: datetime
) -> Iterator[tuple[int, datetime]]:
    """Each of the contacts with its moment. A clock time is by where the contact lives."""
    after = happened_at + timedelta(seconds=trigger.delay)
    own_zone = broadcast.zone
    zones = dict.fromkeys(contact_ids, own_zone)
    if trigger.at:
        rows = db.fetch(
            f"SELECT c.id, c.time_zone FROM {db.json_table([('id', 'int')])} "
            f"{db.lateral_join('contacts_contact', 'c', 'c.id = v.id')} WHERE c.time_zone <> ''",
            [db.json_param([key] for key in contact_ids)],
        )
        zones |= dict(rows)
    moments = {zone: _moment(trigger.at, zone, own_zone, after) for zone in set(zones.values())}
    for contact_id, zone in zones.items():
        yield contact_id, moments[zone]


def _moment(at: str | None, zone: str, own_zone: str, after: datetime) -> datetime:
    if at is None:
        return after
    try:
        clock.zone(zone)
    except ValueError:  # an attribute like any other: nobody has checked it
        zone = own_zone
    daily = Recurrence(every="day", at=at)
    return next_run(daily, zone, after - timedelta(microseconds=1)).astimezone(UTC)


def _note(
    broadcast: Broadcast,
    trigger: Trigger,
    due: Mapping[int, datetime],
    happened_at: datetime,
    data: Mapping[str, Any],
) -> set[int]:
    """Insert firings; returns the contacts that got one."""
    earlier = "FROM broadcasts_firing f WHERE f.broadcast_id = %s AND f.contact_id = v.contact_id"
    sent = f"EXISTS (SELECT 1 {earlier} AND f.state <> 'dropped'{db.planner_fence()})"
    allowed = "true" if trigger.again else f"NOT {sent}"
    table = db.json_table([("contact_id", "int"), ("due_at", "int")])
    rows = db.fetch(
        "INSERT INTO broadcasts_firing (broadcast_id, contact_id, occurrence, happened_at, due_at, "
        "data, state, reason) SELECT %s, v.contact_id, "
        f"COALESCE((SELECT max(f.occurrence) + 1 {earlier}), 0), %s, v.due_at, "
        f"{db.json_cast('%s')}, 'waiting', '' FROM {table} WHERE {allowed} "
        "ON CONFLICT (broadcast_id, contact_id, occurrence) DO NOTHING RETURNING contact_id",
        [
            broadcast.pk,
            broadcast.pk,
            clock.to_us(happened_at),
            json.dumps(data),
            db.json_param((key, clock.to_us(moment)) for key, moment in due.items()),
            *([] if trigger.again else [broadcast.pk]),
        ],
    )
    return {row[0] for row in rows}


def take_due(now: datetime, limit: int) -> list[tuple[Broadcast, list[Firing]]]:
    """The firings whose moment has come and whose conditions hold, by broadcast.

    To be called in the transaction that writes their deliveries and calls ``mark_sent``: until it
    ends the firings are locked. At most ``limit`` are looked at; those that do not hold are
    dropped, and those of stopped broadcasts. Of a paused one they wait. A broadcast with firings
    later than the cutoff, because no engine was running, is paused and asks (C6).
    """
    _drop_stopped(limit)
    due = []
    live = Broadcast.objects.filter(type=Broadcast.Type.TRIGGER, state=S.LIVE)
    for broadcast in live.filter(Exists(_waiting().filter(due_at__lte=now))).order_by("pk"):
        if limit <= 0:
            break
        ready = _waiting(broadcast=broadcast, due_at__lte=now).order_by("due_at", "pk")
        firings = list(db.select_unlocked(ready)[:limit])
        limit -= len(firings)
        if firings and _too_late(broadcast, firings[0].due_at, now):
            continue
        holding = _holding(broadcast, firings)
        if holding:
            due.append((broadcast, holding))
    return due


def mark_sent(firings: Sequence[Firing]) -> None:
    """Their deliveries are written, in this transaction."""
    Firing.objects.filter(pk__in=[firing.pk for firing in firings]).update(state=Firing.State.SENT)


def forgive_lateness(broadcast: Broadcast) -> None:
    """After a pause, what has waited for its end is due now. To be called before it resumes."""
    now = clock.now()
    _waiting(broadcast=broadcast, due_at__lt=now).update(due_at=now)


def _waiting(**filters: Any) -> "QuerySet[Firing]":
    if not filters:
        filters = {"broadcast": OuterRef("pk")}
    return Firing.objects.filter(state=Firing.State.WAITING, **filters)


def _drop_stopped(limit: int) -> None:
    stopped = Broadcast.objects.filter(Exists(_waiting()), state=S.STOPPED, drained_at=None)
    for broadcast in stopped.filter(type=Broadcast.Type.TRIGGER):
        some = db.select_unlocked(_waiting(broadcast=broadcast))
        drop([firing.pk for firing in some[:limit]], STOPPED)


def drop_waiting(broadcast: Broadcast) -> None:
    """Nothing is sent for what a stopped trigger has fired for and was waiting."""
    _waiting(broadcast=broadcast).update(state=Firing.State.DROPPED, reason=STOPPED)


def drop(firing_ids: Sequence[int], reason: str) -> None:
    """Nothing is sent for these firings; ``reason`` is one sentence."""
    Firing.objects.filter(pk__in=firing_ids).update(state=Firing.State.DROPPED, reason=reason[:200])


def _too_late(broadcast: Broadcast, due_at: datetime, now: datetime) -> bool:
    minutes = settings.CLARION.late_minutes
    if now - due_at <= timedelta(minutes=minutes):
        return False
    late = _waiting(broadcast=broadcast, due_at__lt=now - timedelta(minutes=minutes)).count()
    contacts = "1 contact" if late == 1 else f"{late:,} contacts"
    reason = (
        f"For {contacts} it fired more than {minutes} minutes too late: no worker was "
        "running. Resume it to send to them now, or stop it."
    )
    if move(broadcast, S.PAUSED, before=S.LIVE, state_reason=reason):
        events.note(broadcast, "pause", audit.WORKER, reason=reason)
    return True


def _holding(broadcast: Broadcast, firings: Sequence[Firing]) -> list[Firing]:
    """Those firings whose conditions hold now; the others are dropped with the reason."""
    conditions = parse(broadcast.trigger).conditions
    if not conditions:
        return list(firings)
    contact_ids = [firing.contact_id for firing in firings]
    people = Contact.objects.in_bulk(contact_ids)
    names = [condition.tag for condition in conditions if condition.tag]
    has: dict[int, set[str]] = {}
    taggings = Tagging.objects.filter(tag__name__in=names, contact__in=contact_ids)
    for contact_id, name in taggings.values_list("contact_id", "tag__name"):
        has.setdefault(contact_id, set()).add(name)
    kept: list[Firing] = []
    dropped: dict[str, list[int]] = {}
    for firing in firings:
        person = people[firing.contact_id]
        facts = {
            **person.attributes, "name": person.name, "language": person.language,
            "time_zone": person.time_zone,
        }  # fmt: skip
        fails = (c for c in conditions if not c.holds(facts, has.get(person.pk, ())))
        failed = next(fails, None)
        if failed is None:
            kept.append(firing)
        else:
            dropped.setdefault(f"It does not hold that {failed.words()}.", []).append(firing.pk)
    for reason, keys in dropped.items():
        drop(keys, reason)
    return kept
