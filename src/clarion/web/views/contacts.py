"""Contacts: list and search."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clarion.channels.models import Channel
from clarion.contacts.attribute_filters import CHOICES, AttributeFilter, ConditionError
from clarion.contacts.attributes import attribute_names
from clarion.contacts.models import Tag
from clarion.contacts.search import contact_list
from clarion.kit.numbers import parse_id
from clarion.web.filters import chips, list_url
from clarion.web.requests import AgentRequest

Choice = TypeVar("Choice", Channel, Tag)


@require_safe
def contacts(request: AgentRequest) -> HttpResponse:
    """People, found by name or user id, by channel and by tag."""
    q = request.GET.get("q", "").strip()
    channels = list(Channel.objects.order_by("name"))
    tags = list(Tag.objects.order_by("name"))
    channel = _chosen(channels, request.GET.get("channel"))
    tag = _chosen(tags, request.GET.get("tag"))
    after = parse_id(request.GET.get("after", ""))
    condition = {name: request.GET.get(name, "").strip() for name in ("attribute", "is", "value")}
    wanted, problem = _attribute(condition)
    page = contact_list(q=q, channel=channel, tag=tag, after_id=after, attributes=wanted)
    kept = {
        "q": q,
        "channel": channel.pk if channel else "",
        "tag": tag.pk if tag else "",
        **(condition if wanted else {}),
    }
    words = {"channel": _named(channel), "tag": _named(tag)}
    words |= {"attribute": wanted[0].words()} if wanted else {}
    context = {
        "page": page,
        "kept": kept,
        "q": q,
        "channels": channels,
        "tags": tags,
        "channel": channel,
        "tag": tag,
        "typed": condition,
        "problem": problem,
        "attributes": attribute_names(),
        "comparisons": CHOICES,
        "filtered": any(kept.values()) or bool(problem),
        "first_url": list_url("contacts", kept) if after else "",
        "next_url": list_url("contacts", {**kept, "after": page.next}) if page.next else "",
        **chips("contacts", kept, words),
    }
    return render(request, "contacts/list.html", context)


def _attribute(condition: Mapping[str, str]) -> tuple[list[AttributeFilter], str]:
    """The condition on an attribute, if one is asked for, and what is wrong with it."""
    if not condition["attribute"]:
        return [], ""
    try:
        return [
            AttributeFilter.made(condition["attribute"], condition["is"], condition["value"])
        ], ""
    except ConditionError as error:
        return [], str(error)


def _chosen(choices: Sequence[Choice], key: str | None) -> Choice | None:
    return next((choice for choice in choices if str(choice.pk) == key), None)


def _named(choice: Channel | Tag | None) -> str:
    return choice.name if choice else ""
