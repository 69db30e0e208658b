"""``clarion chats``: conversations with people, and what agents do in them."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_agent
from clarion.cli.options import AsJson, Limit
from clarion.cli.output import (
    format_moment,
    print_cut,
    print_facts,
    print_json,
    print_line,
    print_table,
)

if TYPE_CHECKING:
    from clarion.accounts.models import Agent
    from clarion.broadcasts.conversations import Said

app = App("Conversations with contacts.")
State = Literal["bot", "open", "closed"]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The chat number.", min=1)]
By = Annotated[
    str,
    typer.Option(
        "--agent", metavar="E-MAIL", help="The e-mail address of the agent who does this."
    ),
]


@app.command("list", examples=["clarion chats list --state open --channel shop"])
@uses_django
def list_chats(
    state: Annotated[State | None, typer.Option(help="Only chats in this state.")] = None,
    agent: Annotated[
        str, typer.Option(metavar="E-MAIL", help="Only chats that this agent has open.")
    ] = "",
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="Only chats on this channel.")
    ] = "",
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="A chat number, or part of a name or user id.")
    ] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List chats, the latest first."""
    from clarion.broadcasts import conversations
    from clarion.channels.manage import get_channel
    from clarion.chats.listing import ChatFilter

    wanted = ChatFilter(
        state=state or "",
        agent=find_agent(agent).pk if agent else None,
        channel=get_channel(channel).pk if channel else None,
        q=search,
    )
    page = conversations.conversations(wanted, limit=limit)
    if as_json:
        print_json(conversations.document(page.rows))
        return
    if not page.rows:
        print_line("No chats match." if wanted != ChatFilter() else "There are no chats yet.")
        return
    print_table(
        ["CHAT", "CONTACT", "CHANNEL", "STATE", "AGENT", "HELD", "LAST", "TEXT"],
        [
            [
                str(row.chat.number),
                row.chat.name or row.chat.user_id,
                row.chat.channel,
                row.chat.state,
                row.chat.agent or "–",
                row.held,
                row.chat.last_message_at,
                f"{'we: ' if row.ours else ''}{row.text[:60]}",
            ]
            for row in page.rows
        ],
    )
    if page.next_cursor:
        print_cut(limit)


@app.command()
@uses_django
def show(number: Number, limit: Limit = 50, as_json: AsJson = False) -> None:
    """Show a chat: the contact, what is held for them, and the messages, oldest first."""
    from clarion.broadcasts import conversations
    from clarion.broadcasts.contact_history import held_for

    lines = conversations.thread(number, limit=limit).rows[::-1]
    held = held_for(number)
    facts = _document(number)
    if as_json:
        facts["held"] = [{"broadcast": h.broadcast_id, "since": h.since} for h in held]
        print_json({**facts, "messages": [_said(line) for line in lines]})
        return
    print_facts(
        [
            ("chat", str(number)),
            ("contact", facts["name"] or facts["user_id"]),
            ("user id", facts["user_id"]),
            ("channel", facts["channel"]),
            ("state", facts["state"]),
            ("agent", facts["agent"] or "–"),
            ("held", ", ".join(f"broadcast {h.broadcast_id}" for h in held) or "–"),
        ]
    )
    for line in lines:
        print_line(_line(line))


@app.command(examples=["clarion chats take 4711 --agent ada@example.org"])
@uses_django
def take(number: Number, agent: By, as_json: AsJson = False) -> None:
    """Take over a chat as an agent. Broadcasts to this contact are held until it is closed."""
    from clarion.chats import control

    by = _acting(agent)
    control.take_over(number, by=by)
    _report(number, f"Chat {number} is open with {by.name}.", as_json)


@app.command(
    examples=['clarion chats reply 4711 --agent ada@example.org --text "It ships tomorrow."']
)
@uses_django
def reply(
    number: Number,
    text: Annotated[
        str, typer.Option(metavar="TEXT", help="The reply. It is sent exactly as written.")
    ],
    agent: By,
    to_opted_out: Annotated[
        bool,
        typer.Option(
            "--to-opted-out",
            help="Send it also if the contact opted out and has written nothing since.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Reply in a chat that this agent has open. A worker sends the reply."""
    from clarion.broadcasts import singles

    single = singles.reply(number, text, by=_acting(agent), to_opted_out=to_opted_out)
    if as_json:
        print_json({"chat": number, "broadcast": single.pk, "state": "queued"})
    else:
        print_line(f"The reply is queued. Follow it with: clarion chats show {number}")


@app.command()
@uses_django
def close(number: Number, as_json: AsJson = False) -> None:
    """Close a chat. Messages held for this contact are sent."""
    from clarion.chats import control

    control.close(number, by=acting())
    _report(number, f"Chat {number} is closed.", as_json)


def _report(number: int, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(_document(number))
    else:
        print_line(sentence)


def _document(number: int) -> dict[str, Any]:
    from clarion.chats import control

    chat = control.find(number)
    return {
        "number": chat.pk,
        "contact": chat.address.contact_id,
        "name": chat.address.contact.name,
        "user_id": chat.address.user_id,
        "channel": chat.address.channel.name,
        "state": chat.state,
        "agent": chat.agent.name if chat.agent else "",
    }


def _said(line: "Said") -> dict[str, Any]:
    return {
        "kind": line.kind,
        "at": line.at,
        "text": line.text,
        "media": line.media,
        "agent": line.agent,
        "broadcast": line.broadcast_id or None,
        "title": line.title,
        "state": line.state,
        "reason": line.reason,
    }


def _line(line: "Said") -> str:
    author = {
        "them": "they",
        "note": "–",
        "reply": line.agent,
        "single": "we",
        "broadcast": f"broadcast {line.broadcast_id}",
        "click": "they clicked",
    }[line.kind]
    text = " ".join((line.text or line.media or "–").split())
    state = f"  [{line.state}{': ' + line.reason if line.reason else ''}]" if line.state else ""
    return f"{format_moment(line.at)}  {author}: {text}{state}"


def _acting(email: str) -> "Agent":
    """The agent, who must be allowed to write to contacts."""
    from clarion.accounts.models import Role

    agent = find_agent(email)
    if not agent.may(Role.SENDER):
        raise Failed(
            f"{agent.name} can't write to contacts: a {agent.role} may not. Senders, managers and "
            "admins may."
        )
    return agent
