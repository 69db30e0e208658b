"""Channels: the configured sending accounts. Secrets are written and never read."""

from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Literal

from django.conf import settings
from django.db import transaction
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page, Scalar
from clarion.channels import manage
from clarion.channels.condition import condition
from clarion.channels.defaults import set_defaults, workspace_defaults
from clarion.channels.errors import ChannelError
from clarion.channels.limits import LONGEST_BACKOFF, LONGEST_NAME, MOST_ATTEMPTS
from clarion.channels.models import Channel
from clarion.channels.recipients import window_hours
from clarion.channels.registry import KINDS
from clarion.channels.settings import config_fields, shown
from clarion.channels.urls import hook_url
from clarion.kit.rates import FASTEST, SLOWEST

AREA = "Channels"
_READ, _WRITE = "channels:read", "channels:write"
_RATE = "Messages a second; null is no limit, “default” is the default for sending"
_SETTINGS = Field(max_length=100, description="As listed by GET /channel-kinds")


class ChannelFields(Input):
    """How a channel sends."""

    rate: float | Literal["default"] | None = Field("default", description=_RATE)
    attempts: int | Literal["default"] = Field("default", description=f"1 to {MOST_ATTEMPTS}")
    backoff: float | Literal["default"] = Field(
        "default", description=f"Retry delay in seconds, up to {LONGEST_BACKOFF:g}"
    )
    only_written: bool | None = Field(
        None, description="Only to contacts who have written; null is what the provider demands"
    )


class ChannelIn(ChannelFields):
    """A channel as it is added."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    kind: str = Field(max_length=30, description="One of GET /channel-kinds")
    settings: dict[str, Scalar] = _SETTINGS


class ChannelPatch(ChannelFields):
    """What to change; what is left out stays, also secrets."""

    settings: dict[str, Scalar] | None = Field(None, max_length=100)


class ChannelOut(Output):
    """A channel. `settings` has no secrets."""

    volatile: ClassVar[frozenset[str]] = frozenset(
        {"condition", "condition_reason", "condition_since", "next_attempt_at", "checked_at"}
    )
    id: Id
    name: str
    kind: str
    settings: dict[str, str]
    secrets: list[str] = Field(description="The secrets that are set")
    rate: float | None
    attempts: int
    backoff: float
    own: list[str] = Field(description="Which of rate, attempts and backoff are not the default")
    only_written: bool | None
    window_hours: int | None = Field(
        description="For how many hours after a contact last wrote they get messages other than "
        "templates; null: at any time"
    )
    state: Literal["active", "paused"]
    condition: Literal["active", "paused", "waiting", "check_failed", "unchecked"] = Field(
        description="paused and waiting: nothing is sent through it at the moment"
    )
    condition_reason: str
    condition_since: Moment | None
    next_attempt_at: Moment | None = Field(description="Of one that waits; `resume` ends a wait")
    checked_at: Moment | None
    webhook_url: str | None = Field(description="null until CLARION_PUBLIC_URL is set")
    created_at: Moment


class SettingOut(Output):
    """A setting of a kind."""

    name: str
    label: str
    help: str
    type: Literal["text", "long", "secret", "number", "switch", "choice"]
    required: bool
    default: str
    choices: list[str]
    group: str = Field(description="The title above it in forms; empty for what an account needs")


class KindOut(Output):
    """A kind of channel and its settings."""

    kind: str
    label: str
    summary: str
    settings: list[SettingOut]


class KindsOut(Output):
    """All kinds."""

    items: list[KindOut]


class AnswerOut(Output):
    """What the provider answered."""

    ok: bool
    detail: str


class PauseIn(Input):
    """Why the channel is paused."""

    reason: str = Field("", max_length=500)


class DefaultsIn(Input):
    """What channels send with that set nothing themselves; null is the usual value of each kind."""

    rate: float | None = Field(None, ge=SLOWEST, le=FASTEST)
    attempts: int | None = Field(None, ge=1, le=MOST_ATTEMPTS)
    backoff: float | None = Field(None, ge=0, le=LONGEST_BACKOFF)


class DefaultsOut(Output):
    """The defaults for sending."""

    rate: float | None
    attempts: int | None
    backoff: float | None


@operation(AREA, "GET", "/channel-kinds", KindsOut, Rules(_READ))
def list_channel_kinds(request: ApiRequest) -> KindsOut:
    """List the kinds of channels and their settings"""
    return KindsOut(items=[_kind(name) for name in KINDS])


def _kind(name: str) -> KindOut:
    kind = KINDS[name]
    fields = [
        SettingOut(
            name=field.name,
            label=field.label,
            help=field.help,
            type=field.type,
            required=field.required,
            default=field.default,
            choices=list(field.choices),
            group=field.group,
        )
        for field in config_fields(name)
    ]
    return KindOut(kind=name, label=kind.label, summary=kind.summary, settings=fields)


@operation(AREA, "GET", "/channels", Page[ChannelOut], Rules(_READ, paged=True))
def list_channels(
    request: ApiRequest, limit: Limit = 50, cursor: CursorText = ""
) -> Page[ChannelOut]:
    """List channels"""
    return page_of(Channel.objects.all(), limit, cursor, channel_out)


@operation(
    AREA, "POST", "/channels", ChannelOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_channel(request: ApiRequest, body: ChannelIn) -> Created:
    """Add a channel

    Its settings are checked at the provider as soon as it is stored: read it again to see the
    result in `condition`.
    """
    channel = manage.add_channel(
        name=body.name,
        kind=body.kind,
        settings=_typed(body.settings),
        **_sending(body, everything=True),
        by=request.by,
    )
    _check_once_stored(channel)
    return Created(channel_out(channel), f"/api/v1/channels/{channel.pk}")


def _check_once_stored(channel: Channel) -> None:
    """Check it after this transaction, which must not wait for another server."""
    transaction.on_commit(partial(_check, channel))


def _check(channel: Channel) -> None:
    with suppress(ChannelError):  # what is wrong is kept with the channel
        manage.check_channel(channel)


@operation(AREA, "GET", "/channels/{channel_id}", ChannelOut, Rules(_READ, tagged=True))
def get_channel(request: ApiRequest, channel_id: Id) -> ChannelOut:
    """Get a channel"""
    return channel_out(get(Channel.objects.all(), channel_id, "channel"))


@operation(
    AREA, "PATCH", "/channels/{channel_id}", ChannelOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_channel(request: ApiRequest, channel_id: Id, body: ChannelPatch) -> ChannelOut:
    """Change a channel

    A secret that is left out or empty keeps its value. Other settings are checked at the provider
    as soon as they are stored.
    """
    channel = lock(Channel.objects.all(), channel_id, "channel")
    require_match(request, channel_out(channel))
    pairs = None if body.settings is None else _typed(body.settings)
    manage.update_channel(channel, settings=pairs, **_sending(body), by=request.by)
    if pairs is not None and channel.checked_at is None:
        _check_once_stored(channel)
    return channel_out(channel)


@operation(AREA, "POST", "/channels/{channel_id}/check", AnswerOut, Rules(_WRITE), transact=False)
def check_channel(request: ApiRequest, channel_id: Id) -> AnswerOut:
    """Ask the provider whether the credentials are good

    Nothing is sent to anybody.
    """
    channel = get(Channel.objects.all(), channel_id, "channel")
    try:
        return AnswerOut(ok=True, detail=manage.check_channel(channel))
    except ChannelError as error:
        return AnswerOut(ok=False, detail=str(error))


@operation(
    AREA, "POST", "/channels/{channel_id}/register", AnswerOut, Rules(_WRITE), transact=False
)
def register_channel(request: ApiRequest, channel_id: Id) -> AnswerOut:
    """Register the channel's webhook URL at the provider"""
    channel = get(Channel.objects.all(), channel_id, "channel")
    try:
        url = settings.CLARION.public_url
        return AnswerOut(ok=True, detail=manage.register_webhook(channel, url, by=request.by))
    except ChannelError as error:
        return AnswerOut(ok=False, detail=str(error))


@operation(AREA, "POST", "/channels/{channel_id}/pause", ChannelOut, Rules(_WRITE, body=JSON))
def pause_channel(request: ApiRequest, channel_id: Id, body: PauseIn) -> ChannelOut:
    """Pause a channel: what is queued stays queued"""
    channel = get(Channel.objects.all(), channel_id, "channel")
    reason = body.reason or f"Paused by {request.by}."
    manage.pause_channel(channel, reason=reason, by=request.by)
    return channel_out(channel)


@operation(AREA, "POST", "/channels/{channel_id}/resume", ChannelOut, Rules(_WRITE))
def resume_channel(request: ApiRequest, channel_id: Id) -> ChannelOut:
    """Resume a channel: end a pause, and a wait"""
    channel = get(Channel.objects.all(), channel_id, "channel")
    manage.resume_channel(channel, by=request.by)
    return channel_out(channel)


@operation(AREA, "GET", "/channel-defaults", DefaultsOut, Rules(_READ, tagged=True))
def get_channel_defaults(request: ApiRequest) -> DefaultsOut:
    """Get the defaults for sending"""
    return _defaults()


@operation(
    AREA, "PUT", "/channel-defaults", DefaultsOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def set_channel_defaults(request: ApiRequest, body: DefaultsIn) -> DefaultsOut:
    """Set the defaults for sending

    Every channel without a value of its own follows.
    """
    require_match(request, _defaults())
    set_defaults(**body.model_dump(), by=request.by)
    return _defaults()


def channel_out(channel: Channel) -> ChannelOut:
    """A channel as the API shows it."""
    stored, _ = manage.stored_settings(channel)
    state = condition(channel)
    secrets = [f.name for f in config_fields(channel.kind) if f.secret and stored.get(f.name)]
    public = settings.CLARION.public_url
    return ChannelOut(
        id=channel.pk,
        name=channel.name,
        kind=channel.kind,
        settings=shown(channel.kind, stored),
        secrets=secrets,
        rate=channel.rate,
        attempts=channel.attempts,
        backoff=channel.backoff,
        own=[n for n in ("rate", "attempts", "backoff") if getattr(channel, f"own_{n}")],
        only_written=channel.only_written,
        window_hours=window_hours(channel, "message"),
        state=channel.state,
        condition=state.state.value,
        condition_reason=str(state.reason),
        condition_since=state.since,
        next_attempt_at=state.until,
        checked_at=channel.checked_at,
        webhook_url=hook_url(channel.pk, public) if public else None,
        created_at=channel.created_at,
    )


def _defaults() -> DefaultsOut:
    values = workspace_defaults()
    return DefaultsOut(rate=values.rate, attempts=values.attempts, backoff=values.backoff)


def _sending(body: ChannelFields, *, everything: bool = False) -> dict[str, Any]:
    values = body.model_dump(include={"rate", "attempts", "backoff", "only_written"})
    return values if everything else {n: v for n, v in values.items() if n in body.model_fields_set}


def _typed(values: dict[str, Scalar]) -> dict[str, str]:
    """Settings as people type them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
    }
