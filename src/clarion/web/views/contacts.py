"""Contacts: list, search, and one person with everything that was sent to them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from clarion.broadcasts.contact_history import history
from clarion.channels.models import Channel
from clarion.contacts.models import Contact, Tag
from clarion.contacts.search import contact_list
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest
from clarion.web.views.consents import standing

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
    page = contact_list(q=q, channel=channel, tag=tag, after_id=after)
    kept = {
        "q": q,
        "channel": channel.pk if channel else "",
        "tag": tag.pk if tag else "",
    }
    here = {name: value for name, value in kept.items() if value}
    context = {
        "page": page,
        "q": q,
        "channels": channels,
        "tags": tags,
        "channel": channel,
        "tag": tag,
        "filtered": bool(here),
        "first_url": _url(here) if after else "",
        "next_url": _url({**here, "after": page.next}) if page.next else "",
    }
    return render(request, "contacts/list.html", context)


def _chosen(choices: Sequence[Choice], given: str | None) -> Choice | None:
    return next((choice for choice in choices if str(choice.pk) == given), None)


def _url(query: Mapping[str, object]) -> str:
    return f"{reverse('contacts')}?{urlencode(query)}"


@require_safe
def contact(request: AgentRequest, pk: int) -> HttpResponse:
    """One person: what we know, where they are reached, and what they were sent and why not."""
    person = get_object_or_404(Contact, pk=pk)
    context = {
        "person": person,
        "addresses": person.addresses.filter(alias_of=None)
        .select_related("channel", "chat")
        .prefetch_related("aliases")
        .order_by("pk"),
        "tags": Tag.objects.filter(taggings__contact=person).order_by("name"),
        "history": history(person.pk),
        **standing(person),
    }
    return render(request, "contacts/one.html", context)
