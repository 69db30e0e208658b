"""The templates of a channel: fetched by a worker that an agent asks, changed by callbacks."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.errors import ChannelError
from clarion.channels.manage import adapter_of, ask
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.registry import kind_class
from clarion.channels.signals import template_stopped
from clarion.channels.templates.ability import ListsTemplates
from clarion.channels.templates.listed import ListedTemplate, TemplateChanged
from clarion.kit import clock

log = structlog.get_logger()
APPROVED = "approved"
MOST_PAGES = 100
_TAKEN = timedelta(minutes=2)  # after which a worker that took an order has given it up
_NO_LIBRARY = "Channels of this kind have no list of templates."


def lists_templates(channel: Channel) -> bool:
    """Whether the provider of a channel lists templates."""
    return issubclass(kind_class(channel.kind), ListsTemplates)


def has_library(channel: Channel) -> bool:
    """Whether the list of a channel was ever fetched: then it names every template there is."""
    return channel.templates_at is not None


def templates_of(channels: Sequence[Channel] | None = None) -> "QuerySet[MessageTemplate]":
    """The templates of these channels, or of all, by name and language."""
    of = Q() if channels is None else Q(channel__in=channels)
    templates = MessageTemplate.objects.filter(of).select_related("channel")
    return templates.order_by("name", "language", "channel__name")


def find(channel: Channel, name: str, language: str) -> MessageTemplate | None:
    """The template of this name in this language; None where the list has none."""
    return MessageTemplate.objects.filter(channel=channel, name=name, language=language).first()


def order_refresh(channel: Channel, *, by: Agent | str) -> None:
    """Have a worker fetch the list. Raises ChannelError where there is none, or a setting lacks."""
    kind = adapter_of(channel)
    if not isinstance(kind, ListsTemplates):
        raise ChannelError(_NO_LIBRARY)
    try:
        kind.list_templates()
    except ValueError as problem:
        raise ChannelError(str(problem)) from None
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(
            templates_asked_at=clock.now(), templates_taken_at=None
        )
        audit.note("channel.refresh_templates", f"channel {channel.pk}", by)
    channel.refresh_from_db(fields=["templates_asked_at", "templates_taken_at"])


def run_next(stopping: Callable[[], bool]) -> bool:
    """Fetch the list of one channel whose order waits; False when none does."""
    if stopping():
        return False
    now = clock.now()
    free = Q(templates_taken_at=None) | Q(templates_taken_at__lt=now - _TAKEN)
    waiting = Channel.objects.filter(free, templates_asked_at__isnull=False)
    for channel in waiting.order_by("templates_asked_at")[:1]:
        # Of several workers one takes it.
        if not waiting.filter(pk=channel.pk).update(templates_taken_at=now):
            return True
        refresh(channel)
        return True
    return False


def refresh(channel: Channel) -> str:
    """Fetch the list now and store it; the problem as a sentence, "" when there was none.

    Not for a thread with an event loop.
    """
    problem, began = "", clock.now()
    try:
        listed = asyncio.run(_fetch(channel))
    except ChannelError as error:
        problem = error.for_all
        log.warning("templates_not_fetched", channel=channel.pk, reason=problem)
    with transaction.atomic():
        if not problem:
            _store(channel, listed, began)
        fetched = {} if problem else {"templates_at": clock.now()}
        Channel.objects.filter(pk=channel.pk).update(
            templates_problem=problem, templates_asked_at=None, templates_taken_at=None, **fetched
        )
    channel.refresh_from_db()
    return problem


async def _fetch(channel: Channel) -> list[ListedTemplate]:
    """All templates, page by page. Raises ChannelError."""
    kind = adapter_of(channel)
    if not isinstance(kind, ListsTemplates):
        raise ChannelError(_NO_LIBRARY)
    listed: list[ListedTemplate] = []
    after = ""
    try:
        for _ in range(MOST_PAGES):
            page, after = kind.listed_templates(await ask(kind.list_templates(after)))
            listed += page
            if not after:
                return listed
    except ChannelError:
        raise
    except ValueError as problem:
        raise ChannelError(str(problem)) from None
    raise ChannelError("The provider's list of templates does not end.")


def _store(channel: Channel, listed: Sequence[ListedTemplate], began: datetime) -> None:
    """Make the stored list the fetched one, keeping the rows of what is still listed.

    ``began``: what a callback has changed since is newer than the list.
    """
    stored = {(row.name, row.language): row for row in templates_of([channel])}
    for template in listed:
        row = stored.pop((template.name, template.language), None)
        facts = {
            "status": template.status,
            "category": template.category,
            "quality": template.quality,
            "components": [dict(component) for component in template.components],
            "external_id": template.external_id,
        }
        if row is None:
            MessageTemplate.objects.update_or_create(
                channel=channel, name=template.name, language=template.language, defaults=facts
            )
        elif any(getattr(row, name) != value for name, value in facts.items()):
            unchanged = MessageTemplate.objects.filter(pk=row.pk, changed_at__lt=began)
            if unchanged.update(**facts, changed_at=clock.now()):
                _announce(channel, row.name, row.language, row.status, template.status)
    for row in stored.values():
        _announce(channel, row.name, row.language, row.status, "")
    MessageTemplate.objects.filter(pk__in=[row.pk for row in stored.values()]).delete()


def _announce(channel: Channel, name: str, language: str, before: str, after: str) -> None:
    """Tell the layers above that a template could be sent before, and can't be now."""
    if before == APPROVED != after:
        transaction.on_commit(
            lambda: template_stopped.send(
                sender=MessageTemplate, channel=channel, name=name, language=language, status=after
            )
        )


def note_change(channel: Channel, event: TemplateChanged) -> None:
    """Keep what the provider reports of a template.

    Of one that is not stored the whole list is fetched, where it has been fetched before.
    """
    named = MessageTemplate.objects.filter(
        channel=channel, name=event.name, language=event.language
    )
    reported = {"status": event.status, "category": event.category, "quality": event.quality}
    changes = {name: value for name, value in reported.items() if value is not None}
    before = named.values_list("status", flat=True).first()
    if changes and named.update(**changes, changed_at=clock.now()):
        if before is not None and event.status is not None:
            _announce(channel, event.name, event.language, before, event.status)
        return
    Channel.objects.filter(
        pk=channel.pk, templates_at__isnull=False, templates_asked_at=None
    ).update(templates_asked_at=clock.now(), templates_taken_at=None)
