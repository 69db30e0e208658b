"""Chats: listed, read, answered and closed."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.accounts import audit
from clarion.accounts.models import Agent, Role
from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.operations import operation
from clarion.api.problems import not_found, wrong_field
from clarion.api.resources.broadcasts import ReleasedOut
from clarion.api.shown_messages import MessageOut, message_out
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.broadcasts import conversations, singles
from clarion.broadcasts.conversations import Said
from clarion.broadcasts.singles import LONGEST_REPLY
from clarion.chats import control
from clarion.chats.control import ChatError
from clarion.chats.listing import ChatFilter
from clarion.chats.models import Chat

AREA = "Chats"
_READ, _WRITE = "chats:read", "chats:write"
State = Literal["bot", "open", "closed"]
assert set(State.__args__) == set(Chat.State.values)  # type: ignore[attr-defined]


class ChatRowOut(Output):
    """A chat in the list."""

    number: Id
    contact_id: Id
    name: str
    user_id: str
    channel: str
    state: State
    agent: str
    last_message_at: Moment
    text: str = Field(description="The last message")
    ours: bool = Field(description="Whether that was sent by us")
    held: int = Field(description="Broadcasts that wait until it is closed")


class ChatOut(Output):
    """Who has a chat."""

    number: Id
    state: State
    agent_id: Id | None


class SaidOut(Output):
    """Something that was said or sent, or that happened to the chat."""

    at: Moment
    kind: str = Field(description="them, reply, single, broadcast, click or note")
    text: str
    media: str
    agent: str
    broadcast_id: Id | None
    record_id: Id | None
    state: str
    reason: str


class AgentIn(Input):
    """On whose behalf: an agent who is a sender at least."""

    agent_id: Id


class ReplyIn(AgentIn):
    """A reply, sent exactly as it is written."""

    text: str = Field(min_length=1, max_length=LONGEST_REPLY)
    to_opted_out: bool = Field(
        False, description="Send it also if the contact opted out and has written nothing since"
    )


@operation(AREA, "GET", "/chats", Page[ChatRowOut], Rules(_READ, paged=True))
def list_chats(
    request: ApiRequest,
    state: Annotated[State | None, Query(None)] = None,
    agent_id: Annotated[Id | None, Query(None)] = None,
    channel_id: Annotated[Id | None, Query(None)] = None,
    q: Annotated[str, Query("", max_length=200, description="Chat number, name, user id")] = "",
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[ChatRowOut]:
    """List chats, the latest first"""
    wanted = ChatFilter(state or "", agent_id, channel_id, q)
    page = conversations.conversations(wanted, cursor or None, limit)
    rows = [
        {("contact_id" if name == "contact" else name): value for name, value in row.items()}
        for row in conversations.document(page.rows)
    ]
    return Page(items=[ChatRowOut(**row) for row in rows], next=page.next_cursor)


@operation(AREA, "GET", "/chats/{chat_id}", ChatOut, Rules(_READ))
def get_chat(request: ApiRequest, chat_id: Id) -> ChatOut:
    """Get a chat by its number"""
    return _shown(_find(chat_id))


@operation(AREA, "GET", "/chats/{chat_id}/messages", Page[SaidOut], Rules(_READ, paged=True))
def list_chat_messages(
    request: ApiRequest, chat_id: Id, limit: Limit = 50, cursor: CursorText = ""
) -> Page[SaidOut]:
    """List what was said and sent in a chat, newest first"""
    page = conversations.thread(_find(chat_id).pk, cursor or None, limit)
    return Page(items=[_said(line) for line in page.rows], next=page.next_cursor)


@operation(AREA, "POST", "/chats/{chat_id}/take", ChatOut, Rules(_WRITE, body=JSON))
def take_chat(request: ApiRequest, chat_id: Id, body: AgentIn) -> ChatOut:
    """Open a chat with an agent: broadcasts to the contact are held from now on"""
    agent = _agent(request, chat_id, body.agent_id)
    return _shown(control.take_over(_find(chat_id).pk, by=agent))


@operation(
    AREA, "POST", "/chats/{chat_id}/reply", MessageOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=202,
)  # fmt: skip
def reply_to_chat(request: ApiRequest, chat_id: Id, body: ReplyIn) -> Created:
    """Reply in a chat that is open with the agent

    To a contact who opted out and has written nothing since, it needs `to_opted_out`.
    """
    agent = _agent(request, chat_id, body.agent_id)
    number, to_opted_out = _find(chat_id).pk, body.to_opted_out
    message = message_out(singles.reply(number, body.text, by=agent, to_opted_out=to_opted_out))
    return Created(message, message.status_url)


@operation(AREA, "POST", "/chats/{chat_id}/close", ChatOut, Rules(_WRITE))
def close_chat(request: ApiRequest, chat_id: Id) -> ChatOut:
    """Close a chat: what was held for the contact is sent"""
    return _shown(control.close(_find(chat_id).pk, by=request.by))


@operation(AREA, "POST", "/chats/{chat_id}/release", ReleasedOut, Rules(_WRITE))
def release_chat(request: ApiRequest, chat_id: Id) -> ReleasedOut:
    """Send what is held for the contact, although the chat stays open"""
    return ReleasedOut(released=conversations.release(_find(chat_id).pk, by=request.by))


def _find(number: int) -> Chat:
    try:
        return control.find(number)
    except ChatError:
        raise not_found(f"chat {number}") from None


def _agent(request: ApiRequest, chat_id: int, number: int) -> Agent:
    """The agent on whose behalf the token acts, which the audit log notes. Raises Problem."""
    agent = Agent.objects.filter(pk=number).first()
    if agent is None or not agent.may(Role.SENDER):
        raise wrong_field("agent_id", "Choose an active agent who is a sender at least.")
    audit.note("token.act_for", f"chat {chat_id}", request.by, agent=agent.name)
    return agent


def _shown(chat: Chat) -> ChatOut:
    return ChatOut(number=chat.pk, state=chat.state, agent_id=chat.agent_id)


def _said(line: Said) -> SaidOut:
    return SaidOut(
        at=line.at,
        kind=line.kind,
        text=line.text,
        media=line.media,
        agent=line.agent,
        broadcast_id=line.broadcast_id or None,
        record_id=line.record_id or None,
        state=line.state,
        reason=line.reason,
    )
