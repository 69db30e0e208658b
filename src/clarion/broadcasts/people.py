"""What broadcasts on their way do when something happens to one person."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from clarion.accounts import audit
from clarion.broadcasts import confirmations, events, singles
from clarion.broadcasts.errors import SingleError
from clarion.broadcasts.models import Broadcast, Firing, Pick
from clarion.broadcasts.reasons import SKIPPED
from clarion.broadcasts.states import ACTIVE, FINISHED, BroadcastState
from clarion.chats import control
from clarion.chats import signals as chats
from clarion.chats.models import Chat
from clarion.codes import signals as codes
from clarion.codes.models import CodePool
from clarion.consents import grants
from clarion.consents import signals as consents
from clarion.consents.models import Consent
from clarion.contacts import signals as contacts
from clarion.contacts.models import Address
from clarion.contacts.states import AddressState
from clarion.content.models import Story
from clarion.kit import clock, db
from clarion.records.deliveries import cancel, hold, reassign
from clarion.segments import signals as segments
from clarion.segments.models import Segment

HELP_TITLE = "Help"  # of the answer to who asks for it
HELP_AGAIN = timedelta(days=1)  # until somebody is answered again
_STORY = re.compile(r"story:([0-9]{1,18})")


def _on_their_way(**filters: Any) -> list[int]:
    running = Broadcast.objects.filter(state__in=ACTIVE, **filters)
    return list(running.values_list("pk", flat=True))


@receiver(chats.opened)
def hold_for_open_chat(address_id: int, **_: Any) -> None:
    """An agent took the chat over: what is queued for this person waits, unless chats are ended."""
    held = hold.hold(address_id, _on_their_way(end_open_chats=False))
    events.observe_each(held, "held", chat=address_id)


@receiver(chats.closed)
def release_after_chats(address_ids: Sequence[int], **_: Any) -> None:
    """Chats were closed: what was held for these people leaves now."""
    released = hold.release(address_ids)
    alone = {"chat": address_ids[0]} if len(address_ids) == 1 else {}
    events.observe_each(released, "released", audit.WORKER, **alone)


def catch_up() -> None:
    """Queue what is held for people whose chat is not open any more, and what asks people to
    confirm a consent."""
    events.observe_each(hold.release_leftover(), "released")
    while confirmations.send_due():
        pass


@receiver(chats.button_pressed)
def send_pressed_story(address_id: int, value: str, **_: Any) -> None:
    """They pressed a button that asks for a story: it is sent to them. Other buttons only speak."""
    match = _STORY.fullmatch(value)
    story = Story.objects.filter(pk=int(match[1])).first() if match else None
    if story is None:
        return
    try:
        if story.archived_at is not None:
            raise SingleError(f"The story “{story.name}” has been deleted.")
        singles.send_pressed(Address.objects.get(pk=address_id), story)
    except SingleError as error:
        control.leave_note(address_id, f"A story was asked for by button. {error}")


@receiver(chats.help_asked)
def answer_help(address_id: int, **_: Any) -> None:
    """They asked for help: they get the operator's answer, once a day at most."""
    address = Address.objects.select_related("contact").filter(pk=address_id).first()
    text = help_text_for(address.contact.language) if address else ""
    if address is None or not text:
        return
    answered = singles.of_address(address_id).filter(
        agent=None, title=HELP_TITLE, created_at__gt=clock.now() - HELP_AGAIN
    )
    if answered.exists():
        return
    try:
        singles.send_single(address, by=audit.WORKER, text=singles.literal(text), title=HELP_TITLE)
    except SingleError as error:
        control.leave_note(address_id, f"Help was asked for by a word. {error}")


def help_text_for(language: str) -> str:
    """The operator's answer in a language such as de-AT, or else de; else the general one."""
    texts, code = settings.CLARION.help_texts, language.lower().replace("_", "-")
    while code:
        if text := texts.get(code):
            return text.strip()
        code = code.rpartition("-")[0]
    return settings.CLARION.help_text.strip()


@receiver(contacts.address_stopped)
def skip_stopped_address(address_id: int, state: str, at: datetime, **_: Any) -> None:
    """They opted out or can't be reached: what is queued for them is skipped at once (M2).

    Whoever opted out still gets answers, such as an agent's.
    """
    skipped = {"is_answer": False} if state == AddressState.OPTED_OUT else {}
    cancel.skip_address(address_id, _on_their_way(**skipped), (state, SKIPPED[state]))


@receiver(contacts.addresses_suppressed)
def skip_suppressed_addresses(address_ids: Sequence[int], **_: Any) -> None:
    """They are on the suppression list: what is queued for them is skipped, also an answer."""
    suppressed = AddressState.SUPPRESSED.value
    cancel.skip_addresses(address_ids, _on_their_way(), (suppressed, SKIPPED[suppressed]))


@receiver(contacts.addresses_merged)
def follow_merged_address(kept_id: int, gone_id: int, **_: Any) -> None:
    """Two addresses are one contact's: what was chosen for or waits for either goes to one."""
    both = [kept_id, gone_id]
    twice = Pick.objects.filter(address=kept_id).values("broadcast")
    Pick.objects.filter(address=gone_id, broadcast__in=twice).delete()
    Pick.objects.filter(address=gone_id).update(address=kept_id)
    on_their_way = _on_their_way()
    alias = AddressState.ALIAS.value
    reassign.reassign(kept_id, gone_id, on_their_way, (alias, SKIPPED[alias]))
    if Chat.objects.filter(pk__in=both, state=Chat.State.OPEN).exists():
        hold.hold(kept_id, _on_their_way(end_open_chats=False))


@receiver(contacts.contacts_merged)
def follow_merged_contact(kept_id: int, gone_id: int, **_: Any) -> None:
    """Two contacts are one: a trigger that fired for either has fired for them."""
    for firing in Firing.objects.filter(contact=gone_id):
        same = Firing.objects.filter(
            broadcast=firing.broadcast_id, contact=kept_id, occurrence=firing.occurrence
        )
        if not same.exists():
            Firing.objects.filter(pk=firing.pk).update(contact=kept_id)


@receiver(consents.withdrawn)
def skip_without_consent(consent_id: int, contact_ids: Sequence[int], **_: Any) -> None:
    """They withdrew a consent: what is queued for them and requires it is skipped at once (M2)."""
    name = Consent.objects.values_list("name", flat=True).get(pk=consent_id)
    requiring = [broadcast.pk for broadcast in _requiring(name) if broadcast.state in ACTIVE]
    if requiring:
        addresses = Address.objects.filter(contact__in=contact_ids).values_list("pk", flat=True)
        cancel.skip_addresses(addresses, requiring, ("no_consent", SKIPPED["no_consent"]))


@receiver(consents.renamed)
def follow_new_name(before: str, after: str, **_: Any) -> None:
    """A consent has a new name: whatever requires it and is not over goes on requiring it."""
    for broadcast in _requiring(before):
        names = [after if name == before else name for name in broadcast.audience["consents"]]
        broadcast.audience["consents"] = names
        broadcast.save(update_fields=["audience"])


@receiver(consents.needed)
def need_consent(consent: Consent, **_: Any) -> list[str]:
    """The broadcasts for which a consent can't be removed; drafts can be edited."""
    needing = [
        broadcast
        for broadcast in _requiring(consent.name)
        if broadcast.state != BroadcastState.DRAFT
    ]
    return [f"broadcast {broadcast.pk}" for broadcast in needing]


@receiver(segments.needed)
def need_segment(segment: Segment, **_: Any) -> list[str]:
    """The broadcasts for which a segment can't be deleted; drafts can be edited."""
    going = Broadcast.objects.exclude(state__in=[*FINISHED, BroadcastState.DRAFT]).order_by("pk")
    return [
        f"broadcast {broadcast.pk}"
        for broadcast in going.only("audience", "trigger")
        if segment.pk
        in {
            *broadcast.audience.get("segments", ()),
            *broadcast.audience.get("without_segments", ()),
            broadcast.trigger.get("segment"),
        }
    ]


def without_consent(claimed: Mapping[int, Sequence[int]]) -> set[tuple[int, int]]:
    """Of addresses by broadcast those that lack a consent which the broadcast requires.

    For what is about to be sent: a try that was on its way when the consent was withdrawn is queued
    again without it.
    """
    marks = ", ".join(["%s"] * len(claimed))
    lacking: set[tuple[int, int]] = set()
    for broadcast, stored in db.fetch(  # with every claim, so without the ORM
        f"SELECT id, audience FROM broadcasts_broadcast WHERE id IN ({marks or 'NULL'})",
        list(claimed),
    ):
        audience = json.loads(stored) if isinstance(stored, str) else stored
        if required := audience.get("consents"):
            lacking |= {
                (broadcast, address_id)
                for address_id in grants.lacking(required, claimed[broadcast])
            }
    return lacking


def _requiring(consent: str) -> list[Broadcast]:
    """The broadcasts that require a consent and are not over. (Those that are not over are few.)"""
    going = Broadcast.objects.exclude(state__in=FINISHED).order_by("pk")
    going = going.only("state", "audience")
    return [broadcast for broadcast in going if consent in broadcast.audience.get("consents", ())]


@receiver(codes.needed)
def broadcasts_that_need_codes(pool: CodePool, **_: Any) -> list[str]:
    """Broadcasts that give codes of this pool and are not over, in words."""
    over = [*FINISHED, BroadcastState.DRAFT]
    unfinished = Broadcast.objects.filter(code_pool=pool).exclude(state__in=over)
    numbers = unfinished.exclude(type=Broadcast.Type.SINGLE).order_by("pk")
    return [f"broadcast {pk}" for pk in numbers.values_list("pk", flat=True)]
