"""What one recipient would be sent, made by the functions that make it while sending.

Nothing leaves: the requests are made and dropped. A story's webhooks are not asked, so that what
they would answer is not part of it.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from clarion.broadcasts.costs import total_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.versions import link_sources
from clarion.channels.contract import ChannelKind, Limits, Outgoing, Unsendable
from clarion.channels.fitting import shown_length, unit_of
from clarion.channels.measuring import Measures
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.clicks.tracking import HIGHEST_DELIVERY, links_in
from clarion.content.errors import ContentError
from clarion.content.links import location, split_target
from clarion.content.preview import promised
from clarion.content.rendering import compile_text
from clarion.content.script import WebhookStep
from clarion.engine.claim import Claimed, Person
from clarion.engine.models import DryRunGroup
from clarion.engine.render import MessageStep, next_step, text_values
from clarion.engine.snapshot import Job, dry_job, variables_of
from clarion.records.progress import Progress

Kind = DryRunGroup.Kind


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would happen to one recipient: the group, see DryRunGroup, and how many messages.

    ``units`` and ``price``: what the provider charges for them, 0 and None where that is not known.
    """

    kind: Kind
    detail: str = ""
    messages: int = 0
    units: int = 0
    price: Decimal | None = None


class Rehearsal:
    """The messages of one broadcast on its channels, compiled once."""

    def __init__(self, broadcast: Broadcast, channels: list[Channel]) -> None:
        self._job = dry_job(broadcast)
        self._targets = _targets(broadcast)
        steps = self._job.script.steps if self._job.script else ()
        asked = [index for index, step in enumerate(steps) if isinstance(step, WebhookStep)]
        self.webhooks = len(asked)
        used = variables_of(self._job)
        self._progress = Progress(
            answers={str(index): [] for index in asked},
            memory=promised(used, lambda name: f"‹{name}›")["memory"],
        )
        names = {*broadcast.data, *broadcast.sample_data}
        self._comes_later = any(_comes_later(name, names) for name in used)
        self._kinds: dict[int, ChannelKind | str] = {}
        self._names = {channel.pk: channel.name for channel in channels}
        for channel in channels:
            try:
                self._kinds[channel.pk] = adapter(channel)
            except ValueError as error:
                self._kinds[channel.pk] = f"{channel.name}: {error}"

    def links(self, person: Person) -> list[str]:
        """The links in the messages, filled in for this contact; those to this server, those whose
        host is a variable, and those that can't be filled in are left out."""
        claimed = _claimed(self._job, 0, person)
        claimed.progress = self._progress
        values = text_values(claimed, self._job)
        urls = []
        for target in self._targets:
            try:
                filled = [
                    compile_text(variable).render(claimed.contact, **values)
                    for variable in split_target(target)[1]
                ]
                urls.append(location(target, filled))
            except (ContentError, ValueError):
                continue  # the verdict of this contact says what is missing
        return list(dict.fromkeys(urls))

    def verdict(self, channel_id: int, address: int, person: Person) -> Verdict:
        """What would happen to this contact at this address."""
        kind = self._kinds[channel_id]
        if isinstance(kind, str):
            return Verdict(Kind.CONTENT, kind)
        try:
            return self._rendered(kind, channel_id, _claimed(self._job, address, person))
        except Unsendable as error:
            return Verdict(Kind.CONTENT, f"{self._names[channel_id]}: {error}")
        except ContentError as error:
            if error.variable.startswith("contact."):
                return Verdict(Kind.VARIABLE, error.variable)
            # What stands in for values that are not known yet may be nothing to calculate with.
            is_known = not self._comes_later or self._job.broken
            return Verdict(Kind.CONTENT, str(error)) if is_known else Verdict(Kind.LATER)

    def _rendered(self, kind: ChannelKind, channel_id: int, claimed: Claimed) -> Verdict:
        claimed.progress = self._progress
        messages, charged = 0, []
        measures = kind if isinstance(kind, Measures) else None
        while isinstance(step := next_step(claimed, self._job, kind.limits), MessageStep):
            if most := _too_long(step.outgoing, kind.limits):
                name = self._names[channel_id]
                unit = unit_of(kind.limits)
                return Verdict(Kind.TOO_LONG, f"{name} accepts at most {most:,} {unit}.")
            kind.request(step.outgoing)
            if measures is not None:
                charged.append(measures.measure(step.outgoing))
            messages += 1
            if step.last:
                break
            claimed.progress = replace(self._progress, sent=messages)
        total = total_of(charged)
        price = total.price if charged else None
        return Verdict(Kind.READY, messages=messages, units=total.units, price=price)


def _targets(broadcast: Broadcast) -> list[str]:
    """The links of the messages as they are written; none where the content can't be read."""
    try:
        return [link.target for link in links_in(link_sources(broadcast))]
    except ContentError:
        return []


def _claimed(job: Job, address: int, person: Person) -> Claimed:
    user_id, state, contact = person
    return Claimed(HIGHEST_DELIVERY, job.id, address, 0, False, 0, user_id, state, contact, 0)


def _comes_later(name: str, known: set[str]) -> bool:
    """Whether the value of a variable comes only with the sending."""
    namespace, _, rest = name.partition(".")
    return namespace == "memory" or (namespace == "data" and rest.partition(".")[0] not in known)


def _too_long(message: Outgoing, limits: Limits) -> int:
    """How long the text of a message may be, if it is longer; 0 if it is not."""
    most = limits.caption_length if message.media is not None else limits.text_length
    return most if shown_length(message, limits) > most else 0
