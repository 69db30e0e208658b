"""Chats: the list, and one of them as its agent sees it: read, take over, reply, close."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from clarion.accounts.models import Agent, Role
from clarion.broadcasts import conversations, singles
from clarion.broadcasts.contact_history import held_for
from clarion.broadcasts.conversations import Listed
from clarion.broadcasts.errors import OptedOut, SingleError
from clarion.channels.models import Channel
from clarion.chats import control
from clarion.chats.control import ChatError
from clarion.chats.listing import ChatFilter
from clarion.chats.models import Chat
from clarion.contacts.models import Address
from clarion.contacts.states import NO_REPLY, AddressState, explain
from clarion.engine.status import workers_alive
from clarion.kit import ids
from clarion.kit.numbers import parse_id
from clarion.kit.paging import CursorError, Page
from clarion.web.filters import chips
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.words import CHAT_STATES

BESIDE = 30  # chats in the list beside an open one
WRITTEN = 60  # things said that one page of a chat shows


@require_safe
def chats(request: AgentRequest) -> HttpResponse:
    """All chats, the latest first; filters stand in the address."""
    try:
        context = _listed(request)
    except CursorError:
        return redirect(_url("chats", _query(request)))
    agents, channels = _agents(request.user), _channels()
    query = context["query"]
    words = {
        "state": str(CHAT_STATES[query["state"]].label) if "state" in query else "",
        "agent": agents.get(query.get("agent", ""), ""),
        "channel": channels.get(query.get("channel", ""), ""),
    }
    context |= {
        "states": CHAT_STATES,
        "channels": channels.items(),
        "agents": agents.items(),
        **chips("chats", query, words),
    }
    return render(request, "chats/list.html", context)


def _agents(me: Agent) -> dict[str, str]:
    """The agents who can have chats, by number as text; one's own come first, if one can."""
    others = Agent.objects.filter(is_active=True).exclude(role=Role.VIEWER).exclude(pk=me.pk)
    mine = {str(me.pk): _("Mine")} if me.may(Role.SENDER) else {}
    return mine | {str(agent.pk): agent.name for agent in others.order_by("name")}


def _channels() -> dict[str, str]:
    return {str(channel.pk): channel.name for channel in Channel.objects.order_by("name")}


@require_safe
def chats_live(request: AgentRequest) -> HttpResponse:
    """The moving part of the list."""
    try:
        return fragment(request, "chats/rows.html", _listed(request))
    except CursorError as error:
        raise Http404(str(error)) from None


def _listed(request: AgentRequest) -> dict[str, Any]:
    query = _query(request)
    cursor = request.GET.get("cursor", "")
    page = conversations.conversations(_filter(query), cursor or None)
    return {
        "page": page,
        "query": query,
        "filtered": bool(query),
        "no_channel": not page.rows and not Channel.objects.exists(),
        "keep": f"?{urlencode(query)}" if query else "",
        "live_url": _url("chats_live", {**query, "cursor": cursor}),
        "first_url": _url("chats", query) if cursor else "",
        "next_url": _url("chats", {**query, "cursor": page.next_cursor or ""})
        if page.next_cursor
        else "",
    }


def _query(request: AgentRequest) -> dict[str, str]:
    """The filters in the address, without those that mean nothing."""
    query = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in _FILTERS}
    if query["state"] not in Chat.State.values:
        query["state"] = ""
    for name in ("agent", "channel"):
        if parse_id(query[name]) is None:
            query[name] = ""
    return {name: value for name, value in query.items() if value}


_FILTERS = ("q", "state", "agent", "channel")


def _filter(query: dict[str, str]) -> ChatFilter:
    return ChatFilter(
        state=query.get("state", ""),
        agent=int(query["agent"]) if "agent" in query else None,
        channel=int(query["channel"]) if "channel" in query else None,
        q=query.get("q", ""),
    )


def _url(view: str, query: dict[str, str], *args: int) -> str:
    kept = {name: value for name, value in query.items() if value}
    return reverse(view, args=args) + (f"?{urlencode(kept)}" if kept else "")


@require_safe
def chat(request: AgentRequest, pk: int) -> HttpResponse:
    """One chat: who it is, what was said, and a place to write in for the agent who has it."""
    try:
        return render(request, "chats/one.html", _open(request, pk))
    except CursorError:
        return redirect(_url("chat", _query(request), pk))


@require_safe
def chat_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of a chat: its state, what is held, what was said."""
    try:
        return fragment(request, "chats/talk.html", _talk(request, pk))
    except CursorError as error:
        raise Http404(str(error)) from None


@require_safe
def chat_side(request: AgentRequest, pk: int) -> HttpResponse:
    """The list beside a chat."""
    return fragment(request, "chats/side.html", _side(request, pk))


def _open(request: AgentRequest, pk: int, **more: Any) -> dict[str, Any]:
    talk = _talk(request, pk)
    return {
        **talk,
        **_side(request, pk),
        "composing": talk["mine"],
        "form_token": ids.token(),
        **more,
    }


def _side(request: AgentRequest, pk: int) -> dict[str, Any]:
    query = _query(request)
    page: Page[Listed] = conversations.conversations(_filter(query), limit=BESIDE)
    return {
        "beside": page.rows,
        "more_url": _url("chats", query),
        "further": page.next_cursor,
        "here": pk,
        "keep": f"?{urlencode(query)}" if query else "",
    }


def _talk(request: AgentRequest, pk: int) -> dict[str, Any]:
    chat = _find(pk)
    pk = chat.pk
    address = Address.objects.select_related("contact", "channel").get(pk=pk)
    before = request.GET.get("before", "")
    page = conversations.thread(pk, before or None, WRITTEN)
    query = _query(request)
    waits = any(message.state == "queued" for message in page.rows)
    state = address.effective_state
    return {
        "chat": chat,
        "address": address,
        "person": address.contact.name or address.user_id,
        "mine": chat.state == Chat.State.OPEN and chat.agent_id == request.user.pk,
        "lines": page.rows[::-1],
        "held": held_for(pk),
        "keep": f"?{urlencode(query)}" if query else "",
        "live_url": _url("chat_live", {**query, "before": before}, pk),
        "earlier_url": _url("chat", {**query, "before": page.next_cursor or ""}, pk)
        if page.next_cursor
        else "",
        "newest_url": _url("chat", query, pk) if before else "",
        "out_of_reach": state in NO_REPLY,
        "not_active": "" if state == AddressState.ACTIVE else explain(state),
        "no_engine": waits and not workers_alive(),
    }


def _find(pk: int) -> Chat:
    try:
        return control.find(pk)
    except ChatError as error:
        raise Http404(str(error)) from None


@needs(Role.SENDER)
@require_POST
def chat_take(request: AgentRequest, pk: int) -> HttpResponse:
    """Take a chat over."""
    pk = _find(pk).pk
    try:
        control.take_over(pk, by=request.user)
    except ChatError as error:
        messages.error(request, str(error))
    return redirect(_url("chat", _query(request), pk))


@needs(Role.SENDER)
@require_POST
def chat_reply(request: AgentRequest, pk: int) -> HttpResponse:
    """Send what the agent has written; when it can't be sent, it stays in the box."""
    pk = _find(pk).pk
    text = request.POST.get("text", "")
    try:
        singles.reply(
            pk,
            text,
            by=request.user,
            form_token=request.POST.get("form_token", ""),
            to_opted_out="to_opted_out" in request.POST,
        )
    except (ChatError, SingleError) as error:
        written = {"problem": str(error), "text": text, "form_token": ids.token()}
        written["asks"] = "yes" if isinstance(error, OptedOut) else ""
        if not request.htmx:
            context = _open(request, pk, **written) | {"composing": True}
            return render(request, "chats/one.html", context, status=422)
        context = {"here": pk, "keep": _kept(request), **written}
        return render(request, "chats/composer.html", context, status=422)
    if not request.htmx:
        return redirect(_url("chat", _query(request), pk))
    context = {"here": pk, "keep": _kept(request), "sent": True, "form_token": ids.token()}
    return trigger_client_event(render(request, "chats/composer.html", context), "said")


def _kept(request: AgentRequest) -> str:
    query = _query(request)
    return f"?{urlencode(query)}" if query else ""


@needs(Role.SENDER)
@require_POST
def chat_close(request: AgentRequest, pk: int) -> HttpResponse:
    """Close a chat: what was held for this person leaves."""
    pk = _find(pk).pk
    waiting = len(held_for(pk))
    try:
        control.close(pk, by=request.user)
    except ChatError as error:
        messages.error(request, str(error))
    else:
        if waiting:
            messages.success(request, _leaves(waiting))
    return redirect(_url("chat", _query(request), pk))


@needs(Role.SENDER)
@require_POST
def chat_release(request: AgentRequest, pk: int) -> HttpResponse:
    """Let what is held for this person leave now."""
    pk = _find(pk).pk
    try:
        released = conversations.release(pk, by=request.user)
    except ChatError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _leaves(released))
    return redirect(_url("chat", _query(request), pk))


def _leaves(count: int) -> str:
    return ngettext(
        "The broadcast that was held is sent now.",
        "The %(count)d broadcasts that were held are being sent now.",
        count,
    ) % {"count": count}
