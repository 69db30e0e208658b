"""``clarion channel dropped``: what could not be used of a provider's callbacks."""

from typing import Annotated

import typer

from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import format_moment, print_json, print_line, print_table


@uses_django
def dropped(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")],
    callbacks: Annotated[
        int,
        typer.Option(
            min=0, max=1_000, metavar="N", help="Also show the newest N of them as they arrived."
        ),
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Show what Clarion could not use of the callbacks of this channel, and why.

    The callbacks themselves are kept for a week. Secrets in them are replaced by dots; they may
    contain personal data.
    """
    from clarion.channels.manage import get_channel
    from clarion.engine.callbacks import drop_counts, newest_dropped
    from clarion.engine.dropped import readable, secrets_of

    channel = get_channel(name)
    counts, kept = drop_counts(channel.pk), newest_dropped(channel.pk, callbacks)
    secrets = secrets_of(channel)
    if as_json:
        reasons = [{"reason": c.reason, "count": c.count, "last_at": c.last_at} for c in counts]
        bodies = [
            {"received_at": k.received_at, "reason": k.reason, "body": readable(k.body, secrets)}
            for k in kept
        ]
        print_json({"reasons": reasons, "callbacks": bodies})
        return
    if not counts:
        print_line(f"Nothing was dropped of the callbacks of {channel.name}.")
        return
    print_table(["COUNT", "LAST", "REASON"], [[c.count, c.last_at, c.reason] for c in counts])
    for callback in kept:
        print_line(f"\n{format_moment(callback.received_at)}  {callback.reason}")
        print_line(readable(callback.body, secrets))
