"""``clarion chats``: conversations with people, and what agents do in them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.output import (
    format_moment,
    print_facts,
    print_json,
    print_line,
    print_note,
    print_table,
)

if TYPE_CHECKING:
    from clarion.accounts.models import Agent
    from clarion.broadcasts.conversations import Said

app = typer.Typer(help="Conversations with people.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The chat number.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
By = Annotated[str, typer.Option("--agent", metavar="E-MAIL", help="The agent who does it.")]
STATES = ("bot", "open", "closed")


@app.command("list")
@uses_django
def list_chats(
    state: Annotated[str, typer.Option(help="bot, open or closed.")] = "",
    agent: Annotated[
        str, typer.Option(metavar="E-MAIL", help="Only those that this agent has open.")
    ] = "",
    channel: Annotated[str, typer.Option(metavar="NAME", help="Only those on this channel.")] = "",
    search: Annotated[str, typer.Option(help="Chat number, or part of name or user id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List chats, the latest first."""
    from clarion.broadcasts import conversations
    from clarion.channels.manage import get_channel
    from clarion.chats.listing import ChatFilter

    if state and state not in STATES:
        raise typer.BadParameter(
            f"There is no state “{state}”. Choose one of: {', '.join(STATES)}.",
            param_hint="--state",
        )
    wanted = ChatFilter(
        state=state,
        agent=_agent(agent).pk if agent else None,
        channel=get_channel(channel).pk if channel else None,
        q=search,
    )
    page = conversations.conversations(wanted, limit=limit)
    if as_json:
        print_json(conversations.document(page.rows))
        return
    if not page.rows:
        print_line("No chat here." if wanted != ChatFilter() else "No chat yet.")
        return
    print_table(
        ["CHAT", "CONTACT", "CHANNEL", "STATE", "AGENT", "HELD", "LAST", "TEXT"],
        [
            [
                str(one.chat.number),
                one.chat.name or one.chat.user_id,
                one.chat.channel,
                one.chat.state,
                one.chat.agent or "–",
                one.held,
                one.chat.last_message_at,
                f"{'we: ' if one.ours else ''}{one.text[:60]}",
            ]
            for one in page.rows
        ],
    )
    if page.next_cursor:
        print_note(f"Only the latest {limit} are shown; --limit shows more.")


@app.command()
@uses_django
def show(
    number: Number,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many messages at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show a chat: who it is, what is held for them, and what was said, the latest at the end."""
    from clarion.broadcasts import conversations
    from clarion.broadcasts.contact_history import held_for

    said = conversations.thread(number, limit=limit).rows[::-1]
    held = held_for(number)
    one = _document(number)
    if as_json:
        one["held"] = [{"broadcast": h.broadcast_id, "since": h.since} for h in held]
        print_json({**one, "said": [_said(line) for line in said]})
        return
    print_facts(
        [
            ("chat", str(number)),
            ("contact", one["name"] or one["user_id"]),
            ("user id", one["user_id"]),
            ("channel", one["channel"]),
            ("state", one["state"]),
            ("agent", one["agent"] or "–"),
            ("held", ", ".join(f"broadcast {h.broadcast_id}" for h in held) or "–"),
        ]
    )
    for line in said:
        print_line(_line(line))


@app.command()
@uses_django
def take(number: Number, agent: By, as_json: AsJson = False) -> None:
    """Take a chat over: broadcasts to this person wait until it is closed."""
    from clarion.chats import control

    by = _acting(agent)
    control.take_over(number, by=by)
    _tell(number, f"Chat {number} is open with {by.name}.", as_json)


@app.command()
@uses_django
def reply(
    number: Number,
    text: Annotated[str, typer.Option(help="What to say, exactly as it stands.")],
    agent: By,
    as_json: AsJson = False,
) -> None:
    """Reply in a chat that this agent has open; the engine sends it."""
    from clarion.broadcasts import singles

    single = singles.reply(number, text, by=_acting(agent))
    if as_json:
        print_json({"chat": number, "broadcast": single.pk, "state": "queued"})
    else:
        print_line(f"The reply leaves now. See it arrive: clarion chats show {number}")


@app.command()
@uses_django
def close(number: Number, as_json: AsJson = False) -> None:
    """Close a chat: what was held for this person leaves."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.chats import control

    control.close(number, by=COMMAND_LINE)
    _tell(number, f"Chat {number} is closed.", as_json)


def _tell(number: int, sentence: str, as_json: bool) -> None:
    if as_json:
        print_json(_document(number))
    else:
        print_line(sentence)


def _document(number: int) -> dict[str, Any]:
    from clarion.chats import control

    chat = control.find(number)
    return {
        "number": number,
        "contact": chat.address.contact_id,
        "name": chat.address.contact.name,
        "user_id": chat.address.value,
        "channel": chat.address.channel.name,
        "state": chat.state,
        "agent": chat.agent.name if chat.agent else "",
    }


def _said(said: "Said") -> dict[str, Any]:
    return {
        "kind": said.kind,
        "at": said.at,
        "text": said.text,
        "media": said.media,
        "agent": said.agent,
        "broadcast": said.broadcast_id or None,
        "title": said.title,
        "state": said.state,
        "reason": said.reason,
    }


def _line(said: "Said") -> str:
    who = {
        "them": "they",
        "note": "–",
        "reply": said.agent,
        "single": "we",
        "broadcast": f"broadcast {said.broadcast_id}",
    }[said.kind]
    text = " ".join((said.text or said.media or "–").split())
    state = f"  [{said.state}{': ' + said.reason if said.reason else ''}]" if said.state else ""
    return f"{format_moment(said.at)}  {who}: {text}{state}"


def _agent(email: str) -> "Agent":
    from clarion.accounts.models import Agent

    found = Agent.objects.filter(email=email.strip().lower(), is_active=True).first()
    if found is None:
        raise Failed(f"There is no agent with the e-mail {email}. Add one: clarion agent add")
    return found


def _acting(email: str) -> "Agent":
    """The agent, who must be allowed to talk to people."""
    from clarion.accounts.models import Role

    found = _agent(email)
    if not found.may(Role.SENDER):
        raise Failed(f"{found.name} is a {found.role}. It takes a sender to talk to people.")
    return found
