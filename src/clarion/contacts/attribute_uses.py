"""What uses an attribute: texts that show it, and conditions on it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from clarion.contacts.models import Attribute
from clarion.contacts.signals import (
    attributes_at_work,
    attributes_in_conditions,
    attributes_in_texts,
)
from clarion.content.models import Layout, StoryVersion

_SHOWN = re.compile(r"\bcontact\.(\w+)")


def names_in(*texts: Any) -> set[str]:
    """The attributes that texts, or JSON with texts in it, show as ``contact.name``."""
    return {name for text in texts for name in _SHOWN.findall(_flat(text))}


def uses_in_texts() -> dict[str, list[str]]:
    """What shows each attribute in a text and is not over, in words; by the attribute's name."""
    uses: dict[str, list[str]] = {}
    later = StoryVersion.objects.filter(story=OuterRef("story"), number__gt=OuterRef("number"))
    newest = StoryVersion.objects.filter(~Exists(later), story__archived_at=None)
    for version in newest.select_related("story").order_by("story__name"):
        for name in names_in(version.blocks):
            uses.setdefault(name, []).append(f"story “{version.story.name}”")
    for layout in Layout.objects.order_by("name"):
        for name in names_in(layout.html):
            uses.setdefault(name, []).append(f"layout “{layout.name}”")
    return _with_answers(uses, attributes_in_texts.send(Attribute))


def uses() -> Mapping[str, list[str]]:
    """What uses each attribute and is not over, in words such as “broadcast 12”."""
    using = _with_answers(uses_in_texts(), attributes_in_conditions.send(Attribute))
    return _with_answers(using, attributes_at_work.send(Attribute))


def uses_at_work() -> dict[str, list[str]]:
    """What is choosing contacts by each attribute now, in words such as “bulk action 12”."""
    return _with_answers({}, attributes_at_work.send(Attribute))


def _flat(text: Any) -> str:
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)


def _with_answers(
    uses: dict[str, list[str]], answers: list[tuple[Any, Any]]
) -> dict[str, list[str]]:
    for _receiver, answer in answers:
        for name, words in answer.items():
            uses.setdefault(name, []).extend(words)
    return {name: list(dict.fromkeys(words)) for name, words in uses.items()}
