"""``clarion why``: why one contact got a broadcast, or did not."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_broadcast, find_contact
from clarion.cli.options import AsJson, ContactName
from clarion.cli.output import format_moment, print_json, print_line

if TYPE_CHECKING:
    from clarion.engine.exchange import Exchange
    from clarion.insights.why import Answer, Step

    Exchanges = dict[int, list[Exchange]]


def add_to(app: App) -> None:
    """Add the command."""
    app.command(examples=["clarion why 42 user-17", "clarion why 42 '#1203'"])(why)


@uses_django
def why(
    broadcast: Annotated[int, typer.Argument(metavar="BROADCAST", help="The broadcast's id.")],
    contact: ContactName,
    requests: Annotated[
        bool,
        typer.Option("--requests", help="Also show the request and the reply of each message."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show why a contact received a broadcast, or did not.

    Lists what happened at each of the contact's addresses, in order: by what the contact was chosen
    or left out, each attempt with what was sent, each receipt, and what a message waits for.
    """
    from clarion.engine.exchange import exchanges_of
    from clarion.insights.why import why as explain

    explained = find_broadcast(broadcast)
    answer = explain(explained, find_contact(contact, first=explained.channels.order_by("name")))
    exchanges = exchanges_of(answer.records) if requests else {}
    if as_json:
        print_json(_document(answer, exchanges))
        return
    print_line(f"{answer.contact} and broadcast {explained.pk}")
    if not answer.ways:
        print_line("The contact has no address on any channel.")
    for way in answer.ways:
        print_line(f"\n{way.address.channel.name}, {way.address.user_id}: {way.verdict}")
        for step in way.steps:
            moment = format_moment(step.at) if step.at else "now"
            print_line(f"  {moment}  {step.text}")
            for line in [*_more(step), *_exchanged(step, exchanges)]:
                print_line(f"      {line}".rstrip())
    for run in answer.runs:
        print_line(f"\nRun {run.pk}: clarion why {run.pk} '#{answer.contact.pk}'")


def _more(step: "Step") -> list[str]:
    """What was sent, what was not, and the error of an attempt."""
    if step.record is None:
        return []
    messages = step.record.messages
    sent = [f"Sent: {message.text}" for message in messages.sent]
    attempted = [f"Not sent: {messages.attempted}"] if messages.attempted else []
    code = f" [{step.record.code}]" if step.record.code else ""
    error = [f"Error: {step.record.error}{code}"] if step.record.error else []
    if step.explained is not None:
        error.append(f"{step.explained.words}: {step.explained.advice}")
    return [line for part in (*sent, *attempted, *error) for line in part.splitlines()]


def _exchanged(step: "Step", exchanges: "Exchanges") -> list[str]:
    """The requests and replies of an attempt."""
    lines: list[str] = []
    for exchange in exchanges.get(step.record.id, []) if step.record else []:
        lines += ["Request:", *f"{exchange.request}{exchange.missing}".splitlines()]
        lines += [f"Reply: {exchange.reply}"]
    return lines


def _document(answer: "Answer", exchanges: "Exchanges") -> dict[str, Any]:
    return {
        "broadcast": answer.broadcast.pk,
        "contact": answer.contact.pk,
        "addresses": [
            {
                "channel": way.address.channel.name,
                "user": way.address.user_id,
                "chat": way.address.pk,
                "state": way.delivery.state if way.delivery else None,
                "verdict": way.verdict,
                "steps": [
                    {
                        "at": step.at,
                        "what": step.what,
                        "text": step.text,
                        "record": step.record.id if step.record else None,
                        "about": step.explained.about if step.explained else None,
                        "advice": step.explained.advice if step.explained else None,
                        "exchanges": [
                            {
                                "request": each.request or None,
                                "missing": each.missing or None,
                                "reply": each.reply,
                            }
                            for each in (exchanges.get(step.record.id, []) if step.record else [])
                        ],
                    }
                    for step in way.steps
                ],
            }
            for way in answer.ways
        ],
        "runs": [run.pk for run in answer.runs],
    }
