"""``clarion broadcasts restart``, ``edit`` and ``remove``."""

from typing import Annotated

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.broadcast_facts import show_broadcast
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import AsJson, BroadcastId, Undo
from clarion.cli.output import counted, print_json, print_line


def add_to(app: App) -> None:
    """Add the commands to those of broadcasts."""
    app.command()(restart)
    app.command()(edit)
    app.command()(remove)


@uses_django
def restart(
    number: BroadcastId,
    in_doubt: Annotated[
        bool,
        typer.Option(
            "--in-doubt", help="Include recipients in doubt, who may have received it already."
        ),
    ] = False,
    cause: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Only recipients that it didn't reach for this cause, by its number in "
            "“broadcasts show”.",
        ),
    ] = None,
    undo: Undo = None,
    as_json: AsJson = False,
) -> None:
    """Send again to the recipients that a stopped or completed broadcast didn't reach.

    This creates a new broadcast. A stopped periodic, trigger or external broadcast goes live again.
    """
    from clarion.broadcasts import restarts

    fresh = restarts.restart(
        find_broadcast(number), by=acting(), in_doubt=in_doubt, cause=cause, undo_seconds=undo
    )
    if as_json:
        show_broadcast(fresh, as_json)
    elif fresh.pk == number:
        print_line(f"Broadcast {number} is live again.")
        for link in fresh.restarts.filter(state="scheduled"):
            print_line(f"Broadcast {link.pk} sends to the recipients that {number} didn't reach.")
    else:
        print_line(f"Broadcast {fresh.pk} sends to the recipients that {number} didn't reach.")


@uses_django
def edit(number: BroadcastId, as_json: AsJson = False) -> None:
    """Make a draft to edit a live broadcast. The live one continues until the draft is sent.

    Change the draft with: clarion drafts edit. Apply it with: clarion drafts send.
    """
    from clarion.broadcasts import launch

    draft = launch.edit(find_broadcast(number), by=acting())
    if as_json:
        show_broadcast(draft, as_json)
    elif draft.pk == number:
        print_line(f"Broadcast {number} is a draft.")
    else:
        print_line(f"Draft {draft.pk} changes broadcast {number} when it is sent.")


@uses_django
def remove(
    number: BroadcastId,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a broadcast that has ended, with its restarts and their records. Needs --as MANAGER.

    This can't be undone.
    """
    from clarion.accounts.models import Agent
    from clarion.broadcasts import retention

    by = acting()
    if not isinstance(by, Agent):
        raise typer.BadParameter("Name the manager who removes it.", param_hint="--as")
    broadcast = find_broadcast(number)
    goes = retention.removal(broadcast)
    more = "more than " if goes.more else ""
    what = (
        f"{counted(len(goes.broadcasts), 'broadcast')} with "
        f"{counted(goes.people, 'recipient')} and {more}{counted(goes.records, 'record')}"
    )
    if not yes:
        typer.confirm(f"Delete {what}? This can't be undone.", abort=True)
    retention.remove(broadcast, by=by)
    if as_json:
        print_json({"id": number, "deleted": True, "broadcasts": [b.pk for b in goes.broadcasts]})
    else:
        print_line(f"Deleted {what}.")
