"""Channels: list, add, edit, check, pause and resume."""

from collections.abc import Awaitable, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import aget_object_or_404, get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clarion.accounts.models import Role
from clarion.channels import manage
from clarion.channels.condition import condition
from clarion.channels.contract import RegistersWebhook
from clarion.channels.defaults import set_defaults
from clarion.channels.errors import ChannelError, UnknownKind
from clarion.channels.models import Channel
from clarion.channels.price_lists import has_prices
from clarion.channels.registry import GROUPS, adapter, kind_class
from clarion.channels.subscriptions import Snippet, TakesSubscriptions, places
from clarion.channels.templates import library
from clarion.channels.urls import hook_url
from clarion.engine.callbacks import drop_counts, newest_dropped
from clarion.engine.dropped import readable, secrets_of
from clarion.web.channel_sizes import channels_with_contacts
from clarion.web.forms.channels import CONFIRMED, ChannelForm, DefaultsForm
from clarion.web.requests import AgentRequest, needs

DROPPED = 10  # callbacks shown on a channel's page


@require_safe
def channels(request: AgentRequest) -> HttpResponse:
    """All channels, with the number of people on each."""
    all_channels = list(channels_with_contacts())
    rows = [
        {
            "channel": channel,
            "kind": kind_class(channel.kind).label,
            "condition": condition(channel),
        }
        for channel in all_channels
    ]
    lists = any(map(library.lists_templates, all_channels))
    return render(request, "channels/list.html", {"rows": rows, "lists_templates": lists})


@needs(Role.MANAGER)
@require_safe
def channel_add(request: AgentRequest) -> HttpResponse:
    """Choose the kind of a new channel."""
    groups = [(title, [_about(kind.kind) for kind in kinds]) for title, kinds in GROUPS]
    return render(request, "channels/kinds.html", {"groups": groups})


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def channel_defaults(request: AgentRequest) -> HttpResponse:
    """What channels send with that set nothing themselves."""
    form = DefaultsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            set_defaults(**form.values(), by=request.user)
        except ChannelError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved. Channels without a value of their own use it."))
            return redirect("channels")
    return render(request, "channels/defaults.html", {"form": form})


def _about(name: str) -> dict[str, str]:
    # Not the class itself: templates call whatever can be called.
    kind = kind_class(name)
    return {"kind": name, "label": kind.label, "summary": kind.summary}


@needs(Role.MANAGER)
@require_http_methods(["GET", "HEAD", "POST"])
def channel_new(request: AgentRequest, kind: str) -> HttpResponse:
    """Add a channel of that kind."""
    try:
        about = _about(kind)
    except UnknownKind as error:
        raise Http404(str(error)) from None
    form = ChannelForm(kind, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            channel = manage.add_channel(
                name=form.cleaned_data["name"],
                kind=kind,
                settings=form.settings_given(),
                **form.sending_given(),
                confirmed=CONFIRMED in request.POST,
                by=request.user,
            )
        except ChannelError as error:
            form.refuse(error)
        else:
            messages.success(request, _("%s has been added.") % channel.name)
            _check(request, channel)
            return redirect("channel", channel.pk)
    return render(request, "channels/new.html", {"form": form, "kind": about})


def _check(request: AgentRequest, channel: Channel) -> None:
    try:
        messages.success(request, manage.check_channel(channel))
    except ChannelError as error:
        messages.warning(request, _("The check failed: %s") % error)


@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: AgentRequest, pk: int) -> HttpResponse:
    """One channel: its facts, and its form for those who may change it."""
    channel = get_object_or_404(Channel, pk=pk)
    form = ChannelForm(channel.kind, channel=channel)
    if request.method == "POST":
        return _edit(request, channel)
    return _show(request, channel, form)


@needs(Role.MANAGER)
def _edit(request: AgentRequest, channel: Channel) -> HttpResponse:
    form = ChannelForm(channel.kind, request.POST, channel=channel)
    if form.is_valid():
        try:
            manage.update_channel(
                channel,
                settings=form.settings_given(),
                **form.sending_given(),
                confirmed=CONFIRMED in request.POST,
                by=request.user,
            )
        except ChannelError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved. New messages use these settings."))
            if channel.checked_at is None:
                _check(request, channel)
            return redirect("channel", channel.pk)
    return _show(request, channel, form)


def _show(request: AgentRequest, channel: Channel, form: ChannelForm) -> HttpResponse:
    is_manager = request.user.may(Role.MANAGER)
    context = {
        "channel": channel,
        "drop_counts": drop_counts(channel.pk) if is_manager else [],
        "dropped": _dropped(channel) if is_manager else [],
        "condition": condition(channel),
        "told_channels": [channel],
        "kind": _about(channel.kind),
        "form": form,
        "hook_url": hook_url(channel.pk, _public_url(request)),
        "public_url": settings.CLARION.public_url,
        "registers": issubclass(kind_class(channel.kind), RegistersWebhook),
        "has_prices": has_prices(channel),
        "snippets": _snippets(request, channel),
    }
    return render(request, "channels/one.html", context)


def _snippets(request: AgentRequest, channel: Channel) -> Sequence[Snippet]:
    """What to put on a website so that its visitors can subscribe; nothing for other kinds."""
    if not issubclass(kind_class(channel.kind), TakesSubscriptions):
        return ()
    try:
        kind = adapter(channel)
    except ValueError:  # the form says what is wrong with the settings
        return ()
    assert isinstance(kind, TakesSubscriptions)
    return kind.snippets(places(channel.pk, _public_url(request)))


def _dropped(channel: Channel) -> list[dict[str, Any]]:
    """The newest callbacks of which something was dropped, without secrets."""
    secrets = secrets_of(channel)
    return [
        {"received_at": c.received_at, "reason": c.reason, "body": readable(c.body, secrets)}
        for c in newest_dropped(channel.pk, DROPPED)
    ]


def _public_url(request: AgentRequest) -> str:
    return settings.CLARION.public_url or request.build_absolute_uri("/")


@needs(Role.MANAGER)
@require_POST
async def channel_check(request: AgentRequest, pk: int) -> HttpResponse:
    """Ask the provider whether the credentials are good; one sentence."""
    channel = await aget_object_or_404(Channel, pk=pk)
    return await _said(manage.check_channel_async(channel))


@needs(Role.MANAGER)
@require_POST
async def channel_register(request: AgentRequest, pk: int) -> HttpResponse:
    """Tell the provider where to call back; one sentence."""
    channel = await aget_object_or_404(Channel, pk=pk)
    url = settings.CLARION.public_url
    return await _said(manage.register_webhook_async(channel, url, by=request.user))


async def _said(answer: Awaitable[str]) -> HttpResponse:
    try:
        context = {"sentence": await answer, "good": True}
    except ChannelError as error:
        context = {"sentence": str(error), "good": False}
    return HttpResponse(render_to_string("channels/said.html", context))


@needs(Role.MANAGER)
@require_POST
def channel_pause(request: AgentRequest, pk: int) -> HttpResponse:
    """Let nothing leave through this channel."""
    channel = get_object_or_404(Channel, pk=pk)
    reason = _("Paused by %s.") % request.user.name
    try:
        manage.pause_channel(channel, reason=reason, by=request.user)
    except ChannelError as error:
        messages.error(request, str(error))
    return redirect("channel", channel.pk)


@needs(Role.MANAGER)
@require_POST
def channel_resume(request: AgentRequest, pk: int) -> HttpResponse:
    """Let messages leave again: end a pause, and a wait."""
    channel = get_object_or_404(Channel, pk=pk)
    try:
        manage.resume_channel(channel, by=request.user)
    except ChannelError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%s is active again.") % channel.name)
    return redirect("channel", channel.pk)
