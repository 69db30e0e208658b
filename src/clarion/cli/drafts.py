"""``clarion drafts``: saved broadcasts that are not sent yet; ``clarion test-send`` tries one."""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli import dry_runs, send
from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.audience import AudienceOptions
from clarion.cli.broadcast_facts import show_broadcast
from clarion.cli.broadcasts import delete_broadcast, duplicate_broadcast
from clarion.cli.composing import ScheduleOptions, SettingOptions
from clarion.cli.content_options import ContentOptions
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.lookups import find_address, find_broadcast
from clarion.cli.mail_options import MailOptions
from clarion.cli.option_groups import with_option_groups
from clarion.cli.options import AsJson, BroadcastId, Limit, Undo
from clarion.cli.output import print_cut, print_json, print_line, print_note, print_table
from clarion.kit.numbers import is_id

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast
    from clarion.contacts.models import Address
    from clarion.records.models import Delivery

app = App("Broadcasts that are saved and not sent yet.")
Now = Annotated[
    bool, typer.Option("--now", help="Remove the schedule: sending the draft sends it now.")
]


def add_to(root: App) -> None:
    """Add the commands to the root."""
    dry_runs.add_to(app)
    root.add_typer(app, name="drafts")
    root.command(
        "test-send",
        examples=[
            "clarion test-send 42 --channel shop --user 1001 --wait",
            "clarion test-send 42 --chat 4711",
        ],
    )(send_test)


@app.command("list")
@uses_django
def list_drafts(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List drafts, newest first, and how many things are still to do in each."""
    from clarion.broadcasts import history, problems
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.states import BroadcastState

    drafts = Broadcast.objects.filter(state=BroadcastState.DRAFT).select_related(
        "agent", "edited_by"
    )
    listed = list(drafts.prefetch_related("channels").order_by("-pk")[: limit + 1])
    shown = listed[:limit]
    if as_json:
        documents = history.facts(shown)
        print_json(
            [
                {**document, "missing": problems.check(b)}
                for document, b in zip(documents, shown, strict=True)
            ]
        )
        return
    if not shown:
        print_line("There are no drafts. Save one with: clarion send … --draft")
        return
    rows = [[str(b.pk), _name(b), _who(b), b.edited_at, len(problems.check(b))] for b in shown]
    print_table(["ID", "TITLE", "EDITED BY", "EDITED AT", "TO DO"], rows)
    if len(listed) > limit:
        print_cut(limit)


def _name(draft: "Broadcast") -> str:
    return draft.title or " ".join(draft.text.split())[:40]


def _who(draft: "Broadcast") -> str:
    return draft.edited_by.name if draft.edited_by else "command line"


@app.command(
    examples=[
        "clarion drafts edit 42 --text @hello.txt",
        "clarion drafts edit 42 --channel shop --tag vip --at 2026-12-24T09:30",
    ]
)
@uses_django
@with_option_groups
def edit(
    number: BroadcastId,
    content: ContentOptions,
    audience: AudienceOptions,
    schedule: ScheduleOptions,
    mail: MailOptions,
    settings: SettingOptions,
    now: Now = False,
    as_json: AsJson = False,
) -> None:
    """Change a draft. Options that you leave out keep their values.

    A scheduled broadcast becomes a draft again: nothing was sent.
    """
    from clarion.broadcasts import drafts, gaps, launch, mail_advice, problems

    if audience.given:
        audience.check()
    content.check(complete=False)
    schedule.check()
    if now and schedule.given:
        raise typer.BadParameter("It can't be combined with another time.", param_hint="--now")
    fields = {**content.draft_fields(), **mail.draft_fields(), **settings.draft_fields()}
    fields |= schedule.draft_fields() if schedule.given or now else {}
    if audience.given:
        before = find_broadcast(number).data_type
        fields |= audience.draft_fields(fields.get("data_type", before))
    if not fields:
        raise typer.BadParameter("Give at least one option that changes something.")
    draft = launch.edit(find_broadcast(number), by=acting())
    drafts.edit_draft(draft, by=acting(), revision=draft.revision, **fields)
    if as_json:
        show_broadcast(draft, as_json)
    else:
        print_line(f"Draft {number} is changed.")
    channels = list(draft.channels.order_by("name"))
    lacking = gaps.find_gaps(draft, channels)
    for problem in [*problems.check(draft), *gaps.unaccepted(draft, lacking)]:
        print_note(f"Still to do: {problem}")
    for sentence in mail_advice.advice_on(draft, channels):
        print_note(f"Advice: {sentence}")


@app.command()
@uses_django
def duplicate(number: BroadcastId, as_json: AsJson = False) -> None:
    """Copy any broadcast and its audience to a new draft."""
    duplicate_broadcast(number, as_json)


@app.command("send")
@uses_django
def send_draft(
    number: BroadcastId, undo: Undo = None, wait: send.Wait = False, as_json: AsJson = False
) -> None:
    """Send a draft: now, or by the schedule or trigger that it has."""
    from clarion.broadcasts import launch
    from clarion.broadcasts.errors import GapsError

    try:
        draft = launch.start(_draft(number), by=acting(), undo_seconds=undo)
    except GapsError as error:
        advice = f"To send to the others: clarion drafts edit {number} --send-to-others"
        raise Failed(f"{error}\n{advice}") from None
    send.print_launched(draft)
    if wait:
        send.wait_for(draft)
    if as_json or wait:
        show_broadcast(draft, as_json)
    if wait and draft.state != "completed":
        raise typer.Exit(EXIT_FAILED)


@app.command()
@uses_django
def delete(number: BroadcastId, as_json: AsJson = False) -> None:
    """Delete a draft. This can't be undone."""
    delete_broadcast(_draft(number), as_json)


def _draft(number: int) -> "Broadcast":
    draft = find_broadcast(number)
    if draft.state != "draft":
        state = draft.get_state_display().lower()
        raise Failed(f"Broadcast {number} is not a draft: it is {state}.")
    return draft


@uses_django
def send_test(
    number: BroadcastId,
    chat: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="Send to the chat with this number.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(metavar="CHANNEL", help="Or send on this channel; with --user.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="ID", help="The contact's user id on that channel.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the result.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send a draft to one contact now, as a test."""
    from clarion.broadcasts import singles

    by_user = channel is not None and user is not None
    if (chat is None) != by_user or (chat is not None and (channel or user)):
        raise typer.BadParameter("Use either --chat, or --channel with --user.")
    address = find_address(channel or "", user or "") if chat is None else _chat(chat)
    single = singles.send_test(_draft(number), address, by=acting())
    delivery = _delivery(single, wait)
    reason = delivery.reason.text if delivery.reason else ""
    if as_json:
        result: dict[str, Any] = {"id": single.pk, "chat": address.pk, "state": delivery.state}
        print_json({**result, "reason": reason})
    else:
        print_line(f"Test to {address}: {delivery.state.replace('_', ' ')}. {reason}".strip())
    if wait and delivery.state in {"failed", "in_doubt", "skipped", "unsent"}:
        raise typer.Exit(EXIT_FAILED)


def _chat(number: int) -> "Address":
    from clarion.contacts.models import Address

    address = Address.objects.filter(pk=number).first() if is_id(number) else None
    if address is None:
        raise Failed(f"There is no chat {number}. List them with: clarion chats list")
    return address


def _delivery(single: "Broadcast", wait: bool) -> "Delivery":
    from clarion.records.models import Delivery
    from clarion.records.states import PENDING

    send.warn_without_worker()
    while True:
        delivery = Delivery.objects.select_related("reason").get(broadcast=single)
        if not wait or delivery.state not in PENDING:
            return delivery
        time.sleep(send.LOOK)
