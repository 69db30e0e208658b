"""Broadcasts that name tags: they follow a new name, and prevent that a tag is deleted."""

from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import FINISHED, BroadcastState
from clarion.contacts.signals import TagUse, tag_replaced, tags_in_use

_LISTS = ("tags", "without_tags")  # of an audience


@receiver(tags_in_use)
def broadcasts_by_tag(**_: Any) -> dict[str, list[TagUse]]:
    """The broadcasts that use each tag and are not over; drafts can be edited."""
    using: dict[str, list[TagUse]] = {}
    for broadcast in _unfinished().exclude(state=BroadcastState.DRAFT):
        for name in sorted(_names(broadcast)):
            use = TagUse(f"broadcast {broadcast.pk}", "broadcast", broadcast.pk)
            using.setdefault(name, []).append(use)
    return using


@receiver(tag_replaced)
def follow_tag(before: str, after: str, **_: Any) -> None:
    """Whatever is not over names the other tag: audience, trigger, conditions, drafts too."""
    for broadcast in _unfinished():
        if before not in _names(broadcast):
            continue
        audience, trigger = dict(broadcast.audience), dict(broadcast.trigger)
        for key in _LISTS:
            if before in audience.get(key, ()):
                named = [after if name == before else name for name in audience[key]]
                audience[key] = list(dict.fromkeys(named))
        if trigger.get("tag") == before:
            trigger["tag"] = after
        if "conditions" in trigger:
            trigger["conditions"] = [
                {**condition, "tag": after} if condition.get("tag") == before else condition
                for condition in trigger["conditions"]
            ]
        Broadcast.objects.filter(pk=broadcast.pk).update(audience=audience, trigger=trigger)


def _unfinished() -> Any:
    """The broadcasts that are not over, which are few, as a query set."""
    going = Broadcast.objects.exclude(state__in=FINISHED).filter(deleted_at=None).order_by("pk")
    return going.only("state", "audience", "trigger")


def _names(broadcast: Broadcast) -> set[str]:
    """The tags that a broadcast names."""
    audience, trigger = broadcast.audience, broadcast.trigger
    names = {name for key in _LISTS for name in audience.get(key, ())}
    names |= {trigger.get("tag", "")}
    names |= {condition.get("tag", "") for condition in trigger.get("conditions", ())}
    return names - {"", None}
