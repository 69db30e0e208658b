"""``clarion drafts``: what is saved and not sent; and ``clarion test-send``, to see it arrive."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli import send
from clarion.cli.audience import Chosen
from clarion.cli.broadcasts import AsJson, Id, find, show_broadcast
from clarion.cli.composing import Content, Manner, Timing
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.option_groups import with_option_groups
from clarion.cli.output import print_json, print_line, print_note, print_table
from clarion.kit.numbers import is_id

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast
    from clarion.contacts.models import Address
    from clarion.records.models import Delivery

app = typer.Typer(help="What is saved and not sent.", no_args_is_help=True)
Now = Annotated[bool, typer.Option("--now", help="It leaves at once when it is sent.")]


def add_to(root: typer.Typer) -> None:
    """Add the commands to the root."""
    root.add_typer(app, name="drafts")
    root.command("test-send")(send_test)


@app.command("list")
@uses_django
def list_drafts(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List drafts, newest first, and what is still missing."""
    from clarion.broadcasts import history, problems
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.states import BroadcastState

    found = Broadcast.objects.filter(state=BroadcastState.DRAFT).select_related(
        "agent", "edited_by"
    )
    listed = list(found.prefetch_related("channels").order_by("-pk")[: limit + 1])
    shown = listed[:limit]
    if as_json:
        documents = history.facts(shown)
        print_json(
            [{**one, "missing": problems.check(b)} for one, b in zip(documents, shown, strict=True)]
        )
        return
    if not shown:
        print_line("No draft. Save one with: clarion send … --draft")
        return
    rows = [[str(b.pk), _name(b), _who(b), b.edited_at, len(problems.check(b))] for b in shown]
    print_table(["ID", "TITLE", "LAST EDITED BY", "AT", "TO DO"], rows)
    if len(listed) > limit:
        print_note(f"Only the newest {limit} are shown; --limit shows more.")


def _name(draft: "Broadcast") -> str:
    return draft.title or " ".join(draft.text.split())[:40]


def _who(draft: "Broadcast") -> str:
    return draft.edited_by.name if draft.edited_by else "command line"


@app.command()
@uses_django
@with_option_groups
def edit(
    number: Id,
    content: Content,
    chosen: Chosen,
    manner: Manner,
    timing: Timing,
    now: Now = False,
    as_json: AsJson = False,
) -> None:
    """Change a draft: what is given is changed, the rest stays. A scheduled one is taken back."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import drafts, launch, problems

    if chosen.given:
        chosen.check()
    content.check(complete=False)
    timing.check()
    if now and timing.given:
        raise typer.BadParameter("It goes with no other time.", param_hint="--now")
    fields = {**content.draft_fields(), **manner.draft_fields()}
    fields |= timing.draft_fields() if timing.given or now else {}
    fields |= chosen.draft_fields() if chosen.given else {}
    if not fields:
        raise typer.BadParameter("Say what to change.")
    draft = launch.edit(find(number), by=COMMAND_LINE)
    drafts.edit_draft(draft, by=COMMAND_LINE, revision=draft.revision, **fields)
    _tell(draft, f"Draft {number} is changed.", as_json)
    for problem in problems.check(draft):
        print_note(f"Still to do: {problem}")


def _tell(draft: "Broadcast", sentence: str, as_json: bool) -> None:
    if as_json:
        show_broadcast(draft, as_json)
    else:
        print_line(sentence)


@app.command()
@uses_django
def duplicate(number: Id, as_json: AsJson = False) -> None:
    """Copy any broadcast, with its people, to a new draft."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import drafts

    fresh = drafts.duplicate(find(number), by=COMMAND_LINE)
    _tell(fresh, f"Draft {fresh.pk} is a copy of broadcast {number}.", as_json)


@app.command("send")
@uses_django
def send_draft(
    number: Id, undo: send.Undo = None, wait: send.Wait = False, as_json: AsJson = False
) -> None:
    """Send a draft: now, or at the time, on the schedule or the trigger that it has."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import launch

    draft = launch.start(_draft(number), by=COMMAND_LINE, undo_seconds=undo)
    send.say_launched(draft)
    if wait:
        send.wait_for(draft)
    if as_json or wait:
        show_broadcast(draft, as_json)
    if wait and draft.state != "completed":
        raise typer.Exit(EXIT_FAILED)


@app.command()
@uses_django
def delete(number: Id, as_json: AsJson = False) -> None:
    """Delete a draft for good."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import control

    control.delete(_draft(number), by=COMMAND_LINE)
    if as_json:
        print_json({"id": number, "deleted": True})
    else:
        print_line(f"Draft {number} is deleted.")


def _draft(number: int) -> "Broadcast":
    found = find(number)
    if found.state != "draft":
        raise Failed(f"Broadcast {number} is no draft: it is {found.get_state_display().lower()}.")
    return found


@uses_django
def send_test(
    number: Id,
    chat: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="To this chat number.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="NAME", help="Or on this channel …")
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="ID", help="… to this user id.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for how it ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send what a draft says to one person now, to see it arrive."""
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts import singles

    by_user = channel is not None and user is not None
    if (chat is None) != by_user or (chat is not None and (channel or user)):
        raise typer.BadParameter("Give either --chat, or --channel and --user.")
    address = _address(chat, channel or "", user or "")
    single = singles.send_test(_draft(number), address, by=COMMAND_LINE)
    delivery = _delivery(single, wait)
    reason = delivery.reason.text if delivery.reason else ""
    if as_json:
        told: dict[str, Any] = {"id": single.pk, "chat": address.pk, "state": delivery.state}
        print_json({**told, "reason": reason})
    else:
        print_line(f"Test to {address}: {delivery.state.replace('_', ' ')}. {reason}".strip())
    if wait and delivery.state in {"failed", "in_doubt", "skipped", "unsent"}:
        raise typer.Exit(EXIT_FAILED)


def _address(chat: int | None, channel: str, user: str) -> "Address":
    from clarion.channels.manage import get_channel
    from clarion.contacts.models import Address

    if chat is not None:
        found = Address.objects.filter(pk=chat).first() if is_id(chat) else None
        where = f"chat with the number {chat}"
    else:
        found = Address.objects.filter(channel=get_channel(channel), value=user).first()
        where = f"user {user} on {channel}"
    if found is None:
        raise Failed(f"There is no {where}. See: clarion chats list")
    return found


def _delivery(single: "Broadcast", wait: bool) -> "Delivery":
    from clarion.engine.status import workers_alive
    from clarion.records.models import Delivery
    from clarion.records.states import PENDING

    if not workers_alive():
        print_note("No engine is running, so nothing leaves yet. Run: clarion serve")
    while True:
        delivery = Delivery.objects.select_related("reason").get(broadcast=single)
        if not wait or delivery.state not in PENDING:
            return delivery
        time.sleep(send.LOOK)
