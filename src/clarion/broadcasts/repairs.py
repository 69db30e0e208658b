"""Repairing what reconciling finds wrong and what can be put right for certain: tallies."""

from clarion.accounts.models import Agent
from clarion.broadcasts import events
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import db
from clarion.records import tallies


def repair_tallies(broadcast: Broadcast, *, by: Agent | str) -> list[str]:
    """Make the tallies of a broadcast what its deliveries say; return a sentence for each error.

    Noted in the audit log. May be called at any time, also while it is being sent.
    """
    with db.write():
        corrected = tallies.correct(broadcast.pk)
        names = dict(
            Channel.objects.filter(pk__in=[row[0] for row in corrected]).values_list("pk", "name")
        )
        sentences = [
            f"On the channel {names.get(channel, channel)} the tally of {state} was {abs(by_how)}"
            f" too {'low' if by_how > 0 else 'high'}."
            for channel, state, by_how in sorted(corrected)
        ]
        if sentences:
            events.note(broadcast, "repair", by, corrected=sentences)
    return sentences
