"""Adding, changing, pausing and checking channels."""

import asyncio
from collections.abc import Callable, Mapping
from types import EllipsisType
from typing import Any, NamedTuple

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from pydantic import ValidationError

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels import kept_files, limits
from clarion.channels.abilities import ChecksMore, NamesAccount, ReportsPeople
from clarion.channels.account_events import AccountReported, LimitReported
from clarion.channels.beside import ensure_beside_others
from clarion.channels.contract import ChannelKind, RegistersWebhook, Reply, Request
from clarion.channels.day_limits import note_reported
from clarion.channels.defaults import (
    checked_attempts,
    checked_backoff,
    checked_rate,
    default,
)
from clarion.channels.errors import ChannelError, NotConfirmed, UnknownKind
from clarion.channels.limits import DEFAULT, Default
from clarion.channels.models import Channel
from clarion.channels.registry import adapter, kind_class
from clarion.channels.settings import cost_settings, merge_settings, parse_settings, questions
from clarion.channels.signals import paused, resumed
from clarion.channels.urls import hook_url
from clarion.kit import clock
from clarion.kit.names import NAMED, no_such
from clarion.kit.vault import SealedError
from clarion.transport.clients import Clients
from clarion.transport.errors import TransportError

log = structlog.get_logger()
_NO_WAIT: dict[str, Any] = {
    "waits_until": None, "waits_since": None, "waits_reason": "", "people_full_until": None,
}  # fmt: skip
_WAITS = Q(waits_until__isnull=False) | Q(people_full_until__isnull=False)
_NO_CHECK: dict[str, Any] = {"checked_at": None, "check_failed": False, "check_result": ""}
_NO_ACCOUNT = {"account_name": ""}


def add_channel(
    *,
    name: str,
    kind: str,
    settings: Mapping[str, str],
    rate: float | Default | None = DEFAULT,
    attempts: int | Default = DEFAULT,
    backoff: float | Default = DEFAULT,
    only_written: bool | None = None,
    confirmed: bool = False,
    by: Agent | str,
) -> Channel:
    """Add a channel. ``rate`` is in messages a second, None is no limit; ``backoff`` in seconds
    before the second attempt; ``only_written`` as of ``recipients.only_written``, None is what the
    provider demands. Raises ChannelError (SettingsError for its settings, NotConfirmed unless what
    ``settings.questions`` asks is ``confirmed``)."""
    kind_class(kind)
    sending = _sending(kind, {"rate": rate, "attempts": attempts, "backoff": backoff})
    channel = Channel(name=_checked_name(name), kind=kind, only_written=only_written, **sending)
    channel.config = parse_settings(kind, settings)
    _ask(kind, {}, channel.config, confirmed=confirmed)
    ensure_beside_others(channel)
    try:
        with transaction.atomic():
            channel.save()
            audit.note("channel.add", _subject(channel), by, name=channel.name, kind=kind)
    except IntegrityError:
        raise ChannelError(
            f"There is already a channel called “{channel.name}”. Choose another name.",
            field="name",
        ) from None
    return channel


def update_channel(
    channel: Channel,
    *,
    settings: Mapping[str, str] | None = None,
    rate: float | EllipsisType | Default | None = ...,
    attempts: int | EllipsisType | Default = ...,
    backoff: float | EllipsisType | Default = ...,
    only_written: bool | EllipsisType | None = ...,
    confirmed: bool = False,
    by: Agent | str,
) -> Channel:
    """Change what is passed. A secret left empty and a setting left out keep their value; a rate
    of None is as fast as the provider answers, DEFAULT follows the default of the workspace;
    ``only_written`` and ``confirmed`` as of ``add_channel``. Raises ChannelError, and changes
    nothing then.

    A check, a wait and files kept at the provider belong to the settings; only those of what
    messages cost say nothing about the account."""
    passed = {"rate": rate, "attempts": attempts, "backoff": backoff}
    changes = _sending(
        channel.kind, {name: value for name, value in passed.items() if value is not ...}
    )
    if only_written is not ...:
        changes["only_written"] = only_written
    with transaction.atomic():
        # A setting left out keeps what is stored now, not what was when the channel was read.
        stored = Channel.objects.select_for_update().get(pk=channel.pk)
        changes = {name: value for name, value in changes.items() if getattr(stored, name) != value}
        detail = dict(changes)
        if settings is not None:
            before, _ = stored_settings(stored)
            config = merge_settings(channel.kind, before, settings)
            _ask(channel.kind, before, config, confirmed=confirmed)
            if changed := sorted(name for name in config if config[name] != before.get(name)):
                detail["settings"], changes["config"] = changed, config
                if not cost_settings(channel.kind).issuperset(changed):
                    changes |= _NO_WAIT | _NO_CHECK | _NO_ACCOUNT
                    kept_files.forget(channel.pk)
        if not changes:
            return channel
        for name, value in changes.items():
            setattr(channel, name, value)
        if "config" in changes:
            ensure_beside_others(channel)
        channel.save(update_fields=list(changes))
        audit.note("channel.update", _subject(channel), by, **detail)
    return channel


def _ask(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], *, confirmed: bool
) -> None:
    if not confirmed and (asked := questions(kind, before, after)):
        raise NotConfirmed(asked)


def stored_settings(channel: Channel) -> tuple[dict[str, Any], str]:
    """The settings of a channel, and why they can't be read: then there are none."""
    try:
        return dict(channel.config), ""
    except SealedError as error:
        return {}, f"{error} Or enter the settings of this channel again."


def get_channel(name: str) -> Channel:
    """The channel of that name. Raises ChannelError that names the known ones."""
    channel = Channel.objects.filter(name=name.strip()).first()
    if channel is not None:
        return channel
    names = Channel.objects.order_by("name").values_list("name", flat=True)
    raise ChannelError(no_such("channel", name, names[: NAMED + 1]))


def pause_channel(channel: Channel, *, reason: str, by: Agent | str) -> None:
    """Stop sending; what is queued stays queued. One that is paused already keeps its first
    reason."""
    changed = _move(
        channel, Channel.State.ACTIVE, Channel.State.PAUSED, "channel.pause", reason=reason, by=by
    )
    if changed:
        log.warning("channel_paused", channel=channel.pk)
        paused.send(sender=Channel, channel=channel, reason=reason, by=by)


def resume_channel(channel: Channel, *, by: Agent | str) -> None:
    """Send again: end a pause, and a wait. One that does neither stays as it is."""
    changed = _move(
        channel, Channel.State.PAUSED, Channel.State.ACTIVE, "channel.resume", reason="", by=by
    )
    if changed:
        log.info("channel_resumed", channel=channel.pk)
        resumed.send(sender=Channel, channel=channel, by=by)
    end_wait(channel, by=by)


def end_wait(channel: Channel, *, by: Agent | str) -> bool:
    """Send again now, though the provider asked to wait or could not be reached. False: it does not
    wait."""
    with transaction.atomic():
        ended = Channel.objects.filter(_WAITS, pk=channel.pk).update(**_NO_WAIT)
        if ended:
            audit.note("channel.end_wait", _subject(channel), by)
    channel.refresh_from_db(fields=list(_NO_WAIT))
    if ended:
        log.info("channel_active_again", channel=channel.pk)
    return bool(ended)


def check_channel(channel: Channel) -> str:
    """Ask the provider whether the credentials are good, and keep the answer with the channel.

    Nothing is sent to anybody. Returns a sentence with what was found. Raises ChannelError with
    what to do. Not for a thread with an event loop: see ``check_channel_async``.
    """
    return _keep_check(channel, asyncio.run(_answer(channel)))


async def check_channel_async(channel: Channel) -> str:
    """Do the same as ``check_channel`` on an event loop."""
    return await sync_to_async(_keep_check)(channel, await _answer(channel))


class Answer(NamedTuple):
    """What a provider answered to a check."""

    sentence: str
    limit: LimitReported | None = None
    account_name: str = ""


async def _answer(channel: Channel) -> Answer | ChannelError:
    try:
        return await ask_provider(channel)
    except ChannelError as error:
        return error


def _keep_check(channel: Channel, answer: Answer | ChannelError) -> str:
    with transaction.atomic():
        stored = Channel.objects.select_for_update().get(pk=channel.pk)
        if _account_settings(stored) == _account_settings(channel):  # the answer is about these
            _note_answer(channel, answer)
    if isinstance(answer, ChannelError):
        raise answer
    return answer.sentence


def _account_settings(channel: Channel) -> dict[str, Any]:
    costs = cost_settings(channel.kind)
    return {name: value for name, value in stored_settings(channel)[0].items() if name not in costs}


def _note_answer(channel: Channel, answer: Answer | ChannelError) -> None:
    if isinstance(answer, ChannelError):
        note_check(channel, answer.for_all, failed=True)
        return
    note_check(channel, answer.sentence, failed=False)
    if answer.limit is not None:
        note_reported(channel, answer.limit.people)
    if answer.account_name:
        channel.account_name = answer.account_name
        channel.save(update_fields=list(_NO_ACCOUNT))


def note_check(channel: Channel, result: str, *, failed: bool) -> None:
    """Keep what was found out about a channel without a check, as if it were one's result."""
    channel.checked_at, channel.check_failed = clock.now(), failed
    channel.check_result = result
    channel.save(update_fields=list(_NO_CHECK))


def note_account(channel: Channel, event: AccountReported) -> None:
    """Keep what the provider decided about the account; pause the channel where that is needed."""
    note_check(channel, event.sentence, failed=not event.good)
    if event.stops and channel.state == Channel.State.ACTIVE:
        pause_channel(channel, reason=event.sentence, by=audit.WORKER)


async def ask_provider(channel: Channel) -> Answer:
    """Ask the provider as ``check_channel`` does; the answer is not kept."""
    kind = adapter_of(channel)
    reply = await ask(kind.check())
    try:
        sentence = kind.checked(reply)
        if isinstance(kind, ChecksMore) and (request := kind.further_check()) is not None:
            sentence += f" {kind.further_checked(await ask(request))}"
    except ChannelError:
        raise
    except ValueError as problem:
        raise ChannelError(str(problem)) from None
    limit = None
    if isinstance(kind, ReportsPeople) and kind.follows_provider:
        limit = kind.limit_reported(reply)
    account_name = kind.account_named(reply) if isinstance(kind, NamesAccount) else ""
    return Answer(sentence, limit, account_name)


def register_webhook(channel: Channel, public_url: str, *, by: Agent | str) -> str:
    """Register the channel's webhook URL, which begins with ``public_url``, at the provider.

    Returns a sentence. Raises ChannelError where the kind has no such thing or the provider
    refuses. Not for a thread with an event loop: see ``register_webhook_async``.
    """
    answer = asyncio.run(ask_to_register(channel, public_url))
    _note_registration(channel, by)
    return answer


async def register_webhook_async(channel: Channel, public_url: str, *, by: Agent | str) -> str:
    """Do the same as ``register_webhook`` on an event loop."""
    answer = await ask_to_register(channel, public_url)
    await sync_to_async(_note_registration)(channel, by)
    return answer


def _note_registration(channel: Channel, by: Agent | str) -> None:
    audit.note("channel.register", _subject(channel), by, name=channel.name)


async def ask_to_register(channel: Channel, public_url: str) -> str:
    """Register as ``register_webhook`` does; nothing is noted."""
    kind = adapter_of(channel)
    if not isinstance(kind, RegistersWebhook):
        raise ChannelError(
            f"{kind.label} channels need no registration. Enter this webhook URL at the provider: "
            f"{hook_url(channel.pk, public_url)}"
        )
    if not public_url:
        raise ChannelError(
            "Set CLARION_PUBLIC_URL to the URL at which the internet reaches this server."
        )
    try:
        request = kind.register(hook_url(channel.pk, public_url))
        return kind.registered(await ask(request))
    except ChannelError:
        raise
    except ValueError as problem:
        raise ChannelError(str(problem)) from None


async def ask(request: Request) -> Reply:
    """The provider's reply to a request beside sending. Raises ChannelError where none came."""
    try:
        async with Clients(proxy=django_settings.CLARION.proxy) as clients:
            return await clients.send(request)
    except TransportError as problem:
        raise ChannelError(problem.named, problem.reason) from None


def adapter_of(channel: Channel) -> ChannelKind:
    """The kind of this channel, configured. Raises ChannelError for settings that can't be used."""
    try:
        return adapter(channel)
    except SealedError as error:
        raise ChannelError(str(error)) from None
    except (ValidationError, UnknownKind):
        raise ChannelError(
            f"The settings of “{channel.name}” are no longer valid. Save them again."
        ) from None


def _move(
    channel: Channel, before: str, after: str, action: str, *, reason: str, by: Agent | str
) -> bool:
    with transaction.atomic():
        paused_at = clock.now() if after == Channel.State.PAUSED else None
        touched = Channel.objects.filter(pk=channel.pk, state=before).update(
            state=after, paused_reason=reason, paused_at=paused_at
        )
        if touched:
            audit.note(action, _subject(channel), by, **({"reason": reason} if reason else {}))
    channel.refresh_from_db(fields=["state", "paused_reason", "paused_at"])
    return bool(touched)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "rate": checked_rate,
    "attempts": checked_attempts,
    "backoff": checked_backoff,
}


def _sending(kind: str, passed: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a channel for the values that are set on it, or follow the default."""
    defaults = default(kind)
    fields: dict[str, Any] = {}
    for name, value in passed.items():
        follows = value == DEFAULT
        fields[name] = getattr(defaults, name) if follows else _CHECKS[name](value)
        fields[f"own_{name}"] = not follows
    return fields


def _subject(channel: Channel) -> str:
    return f"channel {channel.pk}"


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > limits.LONGEST_NAME or not name.isprintable():
        sentence = f"Give the channel a name of 1 to {limits.LONGEST_NAME} characters."
        raise ChannelError(sentence, field="name")
    if name.isdecimal():
        sentence = "A name can't be only digits: it would be read as a channel's number."
        raise ChannelError(sentence, field="name")
    return name
