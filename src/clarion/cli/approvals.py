"""``clarion approvals``: what needs a second person, asked for and decided."""

from typing import Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import AsJson
from clarion.cli.output import print_json, print_line, print_table

app = App("Approval of broadcasts by a second person.")
MOST = 100
Number = Annotated[int, typer.Argument(metavar="ID", help="The broadcast's id.", min=1)]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Is shown to the one who asked.")]


@app.command("list")
@uses_django
def list_requests(as_json: AsJson = False) -> None:
    """List the requests that wait for a decision."""
    from clarion.broadcasts import approvals

    rows = [
        {
            "broadcast": request.broadcast_id,
            "title": request.broadcast.title,
            "recipients": request.recipients,
            "asked_by": approvals.asked_by(request),
            "asked_at": request.asked_at,
        }
        for request in approvals.open_requests(MOST)
    ]
    if as_json:
        print_json(rows)
    elif not rows:
        print_line("Nothing waits for approval.")
    else:
        headers = ["ID", "TITLE", "RECIPIENTS", "ASKED BY", "ASKED"]
        print_table(headers, [list(row.values()) for row in rows])


@app.command("ask", examples=["clarion approvals ask 42 --as ada@example.org"])
@uses_django
def ask(number: Number) -> None:
    """Ask for the approval of a draft as it is now."""
    from clarion.broadcasts import approvals

    draft = find_broadcast(number)
    approvals.ask(draft, approvals.recipients_of(draft), by=acting())
    print_line(f"Approval of broadcast {number} is asked for. Any edit makes the request void.")


@app.command("approve", examples=["clarion approvals approve 42 --as mia@example.org"])
@uses_django
def approve(number: Number, comment: Comment = "") -> None:
    """Approve what was asked for; --as says who approves."""
    _decide(number, True, comment)
    print_line(f"Broadcast {number} is approved. It can be sent.")


@app.command("reject")
@uses_django
def reject(number: Number, comment: Comment = "") -> None:
    """Reject what was asked for; --as says who rejects."""
    _decide(number, False, comment)
    print_line(f"Broadcast {number} is rejected.")


def _decide(number: int, approves: bool, comment: str) -> None:
    from clarion.broadcasts import approvals

    request = approvals.latest(find_broadcast(number))
    if request is None:
        raise Failed(f"Nobody has asked for the approval of broadcast {number}.")
    approvals.decide(request, approve=approves, comment=comment, by=acting())


@app.command(
    "rules",
    examples=["clarion approvals rules --more-than 10000 --role sender", "clarion approvals rules"],
)
@uses_django
def rules(
    more_than: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Approval is needed for more recipients than this."),
    ] = None,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="ROLE", help="Of agents of this role. Can be repeated."),
    ] = None,
    never: Annotated[bool, typer.Option("--never", help="Nothing needs approval.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what needs approval; with options, change it."""
    from clarion.broadcasts import approvals

    if never or more_than is not None:
        chosen = role or ["sender", "manager", "admin"]
        approvals.set_rules(None if never else more_than, chosen, by=acting())
    elif role:
        raise typer.BadParameter("Use it with --more-than only.", param_hint="--role")
    present = approvals.rules()
    shown: dict[str, Any] = {"more_than": present.more_than, "roles": present.roles}
    if as_json:
        print_json(shown)
    elif present.more_than is None:
        print_line("Nothing needs approval.")
    else:
        named = ", ".join(present.roles) or "no agents"
        print_line(
            f"Approval is needed for more than {present.more_than:,} recipients. It applies to: "
            f"{named}, API tokens, the command line."
        )
