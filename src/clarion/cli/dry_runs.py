"""``clarion drafts dry-run``: what would happen if a draft were sent, without sending it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli import send
from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import AsJson, BroadcastId
from clarion.cli.output import counted, print_json, print_line, print_note
from clarion.cli.progress import progress
from clarion.cli.records import STDOUT, whole

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast
    from clarion.engine.dry_runs.report import Group, Report
    from clarion.engine.models import DryRun


def add_to(app: App) -> None:
    """Add the command to those of drafts."""
    app.command(
        "dry-run",
        examples=["clarion drafts dry-run 42", "clarion drafts dry-run 42 --csv result.csv"],
    )(dry_run)


@uses_django
def dry_run(
    number: BroadcastId,
    show: Annotated[
        bool, typer.Option("--show", help="Show the last report, without another dry run.")
    ] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the one that runs.")] = False,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the contacts and what would happen to them; - is stdout."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the messages of all recipients, and report what would fail. Nothing is sent.

    A worker does it, and the command waits for it. It also works for scheduled broadcasts.
    """
    from clarion.engine.dry_runs import control
    from clarion.engine.dry_runs.report import report as report_of

    broadcast = find_broadcast(number)
    if show and cancel:
        raise typer.BadParameter("--show and --cancel can't be combined. Use one of them.")
    if cancel:
        _cancel(broadcast)
    elif not show:
        _wait_for(control.order(broadcast, by=acting()))
    report = report_of(broadcast)
    if report is None:
        raise Failed(f"Broadcast {number} has no dry run. Start one without --show.")
    if csv is not None:
        _export(report, csv)
    if as_json:
        print_json(_document(report))
    elif csv != STDOUT:
        _print(report)
    if report.dry_run.state == "failed":
        raise typer.Exit(EXIT_FAILED)


def _cancel(broadcast: "Broadcast") -> None:
    from clarion.engine.dry_runs import control

    running = control.latest(broadcast)
    if running is not None and not control.cancel(running):
        print_note("The dry run has ended already.")


def _wait_for(dry_run: "DryRun") -> None:
    """Show progress until the dry run has ended."""
    send.warn_without_worker()
    try:
        with progress(f"Dry run of broadcast {dry_run.broadcast_id}") as update:
            while dry_run.state in dry_run.OPEN:
                update(dry_run.looked_at, dry_run.expected, dry_run.state)
                time.sleep(send.LOOK)
                _refresh(dry_run)
            update(dry_run.looked_at, dry_run.looked_at, dry_run.state)
    except KeyboardInterrupt:
        print_note(
            "The dry run continues. Show it with: "
            f"clarion drafts dry-run {dry_run.broadcast_id} --show"
        )
        raise


def _refresh(dry_run: "DryRun") -> None:
    try:
        dry_run.refresh_from_db()
    except type(dry_run).DoesNotExist:
        raise Failed("The dry run was deleted: another one was started.") from None


def _export(report: "Report", path: Path) -> None:
    from clarion.accounts import audit
    from clarion.engine.dry_runs.report import export

    audit.note_export(f"dry run of broadcast {report.dry_run.broadcast_id}", acting())
    with whole(path) as file:
        for chunk in export(report.dry_run.groups.order_by("pk")):
            file.write(chunk)
    if path != STDOUT:
        print_note(f"Wrote the contacts to {path}.")


def _print(report: "Report") -> None:
    run = report.dry_run
    if report.is_void:
        print_note("This report is void: the message or the audience was edited after it.")
    print_line(f"Dry run of broadcast {run.broadcast_id}: {run.state}. {run.error}".strip())
    print_line(f"{counted(run.looked_at, 'contact')} checked. Nothing was sent.")
    for group in report.groups:
        print_line(f"  {group.count:>9,}  {_words(group)}")
        names = ", ".join(f"{who.name or who.user_id} (#{who.contact_id})" for who in group.sample)
        print_line(f"             For example {names}")
    for each in report.channels:
        messages = counted(each.messages, "message")
        print_line(f"{each.channel.name}: {messages} to {counted(each.contacts, 'contact')}")
        if each.cost:
            print_line(f"  {each.cost.words}")
    if run.webhooks:
        asked = counted(run.webhooks, "webhook")
        print_line(f"Not asked: {asked} of the story. Their messages are not part of this report.")
    if report.links:
        answer = len(report.links) - len(report.bad_links)
        print_line(f"Links: {answer:,} of {len(report.links):,} answer.")
    for link in report.bad_links:
        print_line(f"  {link.result}: {link.url}  {link.detail}")
    if report.codes_missing:
        print_line(f"The code pool has {counted(report.codes_missing, 'code')} too few. Add codes.")
    seconds = report.forecast.seconds
    takes = "no send rate limits it" if seconds is None else f"{seconds:,.0f} seconds"
    print_line(f"Time for sending: {takes}.")


def _words(group: "Group") -> str:
    from clarion.broadcasts.reasons import LEFT_OUT
    from clarion.engine.models import DryRunGroup

    label = DryRunGroup.Kind(group.kind).label
    detail = LEFT_OUT.get(group.detail, group.detail)
    return f"{label}: {detail}" if detail else label


def _document(report: "Report") -> dict[str, Any]:
    run = report.dry_run
    return {
        "broadcast": run.broadcast_id, "state": run.state, "error": run.error,
        "void": report.is_void, "expected": run.expected, "checked": run.looked_at,
        "would_be_sent": report.would_be_sent, "would_fail": report.would_fail,
        "groups": [
            {"id": group.id, "kind": group.kind, "detail": group.detail, "contacts": group.count,
             "sample": [person.contact_id for person in group.sample]}
            for group in report.groups
        ],
        "channels": [
            {"channel": each.channel.name, "contacts": each.contacts, "messages": each.messages,
             "units": each.cost.units if each.cost else None,
             "price": f"{each.cost.price:f}" if each.cost and each.cost.price is not None else None,
             "currency": each.cost.currency if each.cost else ""}
            for each in report.channels
        ],
        "seconds": report.forecast.seconds, "codes_missing": report.codes_missing,
        "webhooks_not_asked": run.webhooks,
        "links": [
            {"url": link.url, "result": link.result, "detail": link.detail} for link in report.links
        ],
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }  # fmt: skip
