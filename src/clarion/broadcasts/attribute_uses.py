"""Broadcasts that are not over and show attributes, or have a condition on them."""

from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import FINISHED, BroadcastState
from clarion.contacts.attribute_uses import names_in
from clarion.contacts.signals import (
    attribute_renamed,
    attributes_in_conditions,
    attributes_in_texts,
)


@receiver(attributes_in_texts)
def broadcasts_by_shown_attribute(**_: Any) -> dict[str, list[str]]:
    """The broadcasts that show each attribute; a draft that does is told so when it is edited."""
    using: dict[str, list[str]] = {}
    broadcasts = _unfinished().exclude(state=BroadcastState.DRAFT)
    for broadcast in broadcasts.select_related("story_version"):
        blocks = broadcast.story_version.blocks if broadcast.story_version else []
        texts = [broadcast.title, broadcast.text, broadcast.mail, broadcast.mail_layout]
        texts += [broadcast.template, blocks]
        for name in sorted(names_in(*texts)):
            using.setdefault(name, []).append(f"broadcast {broadcast.pk}")
    return using


@receiver(attributes_in_conditions)
def triggers_by_attribute(**_: Any) -> dict[str, list[str]]:
    """The triggers that have a condition on each attribute."""
    using: dict[str, list[str]] = {}
    for broadcast in _unfinished().exclude(state=BroadcastState.DRAFT):
        for name in sorted({each.get("attribute", "") for each in _conditions(broadcast)} - {""}):
            using.setdefault(name, []).append(f"broadcast {broadcast.pk}")
    return using


@receiver(attribute_renamed)
def follow_attribute(before: str, after: str, **_: Any) -> None:
    """Conditions of triggers name the attribute as it is called now; drafts too."""
    for broadcast in _unfinished():
        conditions = [
            {**each, "attribute": after} if each.get("attribute") == before else each
            for each in _conditions(broadcast)
        ]
        if conditions != _conditions(broadcast):
            trigger = {**broadcast.trigger, "conditions": conditions}
            Broadcast.objects.filter(pk=broadcast.pk).update(trigger=trigger)


def _unfinished() -> Any:
    """The broadcasts that are not over, which are few, as a query set."""
    return Broadcast.objects.exclude(state__in=FINISHED).filter(deleted_at=None).order_by("pk")


def _conditions(broadcast: Broadcast) -> list[dict[str, Any]]:
    return list(broadcast.trigger.get("conditions", ()))
