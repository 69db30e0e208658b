"""Repairing what reconciling finds wrong and what can be put right for certain: numbers."""

from collections.abc import Collection, Mapping

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import events
from clarion.broadcasts.measure_repairs import correct_measures
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.clicks import tallies as click_tallies
from clarion.clicks.models import ANY_LINK, OPENED
from clarion.kit import db
from clarion.records import tallies

_REPAIRING = 718_204  # the space of the locks on broadcasts that are being repaired
_LOCKS = 2**31


def repair_tallies(broadcast: Broadcast, *, by: Agent | str) -> list[str]:
    """Make the tallies and the numbers over time of a broadcast what its rows say.

    Return a sentence for each error. Noted in the audit log. May be called at any time, also while
    it is being sent, and by several at once: what one has put right the next one finds right.
    """
    with db.write():
        db.lock_numbers(_REPAIRING, [broadcast.pk % _LOCKS])
        corrected = tallies.correct(broadcast.pk)
        names = dict(Channel.objects.values_list("pk", "name"))
        sentences = [
            f"On the channel {names.get(channel, channel)} the tally of {state} was {abs(by_how)}"
            f" too {'low' if by_how > 0 else 'high'}."
            for channel, state, by_how in sorted(corrected)
        ]
        sentences += _repair_clicks(broadcast, names)
        sentences += [
            f"On the channel {names.get(channel, channel)} the number over time of {name} was"
            f" {abs(missing)} too {'low' if missing > 0 else 'high'}."
            for channel, name, missing in correct_measures(broadcast.pk)
        ]
        if sentences:
            events.note(broadcast, "repair", by, corrected=sentences)
    return sentences


def _repair_clicks(broadcast: Broadcast, names: Mapping[int, str]) -> list[str]:
    """Make the tallies of clicks what the clicks and opens say; a sentence for each error."""
    sentences = []
    for channel, link, *by_how in sorted(click_tallies.correct(broadcast.pk)):
        what = {ANY_LINK: "clicks", OPENED: "opens"}.get(link, f"clicks on link {link}")
        wrong = ", ".join(
            f"{name} {abs(missing)} too {'low' if missing > 0 else 'high'}"
            for name, missing in zip(click_tallies.Counts._fields, by_how, strict=True)
            if missing
        )
        sentences.append(
            f"On the channel {names.get(channel, channel)} the tally of {what}: {wrong}."
        )
    return sentences


def repair_contradicted(broadcast_ids: Collection[int]) -> set[int]:
    """Repair the tallies of those of these broadcasts for which they deny what the queue shows.

    Return their ids. A wrong tally may be of a disk that failed or of a restored part of a backup.
    """
    through = Broadcast.channels.through.objects.filter(broadcast__in=broadcast_ids)
    wrong = tallies.contradicted(through.values_list("broadcast_id", "channel_id"))
    for broadcast in Broadcast.objects.filter(pk__in=wrong):
        repair_tallies(broadcast, by=audit.WORKER)
    return set(wrong)
