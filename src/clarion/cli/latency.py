"""``clarion broadcasts latency``: how long the messages of a broadcast took."""

from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.lookups import find_broadcast
from clarion.cli.options import AsJson, BroadcastId
from clarion.cli.output import format_moment, print_json, print_line, print_note, print_table

_TITLES = {
    "total": "until accepted",
    "waiting": "waiting",
    "request": "network and provider",
    "delivery": "delivery",
}


def add_to(app: App) -> None:
    """Add the command to those of broadcasts."""
    app.command()(latency)


@uses_django
def latency(number: BroadcastId, as_json: AsJson = False) -> None:
    """Show within which time shares of the messages were sent, by what they waited for."""
    from clarion.records.kept_latency import latency_of
    from clarion.records.latency import SHARES

    latency = latency_of(find_broadcast(number).pk)
    spans = latency.spans
    if as_json:
        print_json(
            {
                span: {"messages": took.messages, "within_microseconds": dict(took.within)}
                for span, took in spans.items()
            }
            | ({"read_at": latency.at} if latency.at else {})
        )
    elif not spans:
        print_line("No message has been sent yet.")
    else:
        titles = [f"{share} %" for share in SHARES]
        rows = [
            [_TITLES[span], took.messages, *(_seconds(took.within[share]) for share in SHARES)]
            for span, took in spans.items()
        ]
        print_table(["SPAN", "MESSAGES", *titles], rows)
        print_note("Each column: within which time that share of the messages was done.")
        if latency.at:
            print_note(f"Messages sent or delivered until {format_moment(latency.at)}.")


def _seconds(microseconds: int) -> str:
    return f"{microseconds / 1_000_000:,.3f} s"
