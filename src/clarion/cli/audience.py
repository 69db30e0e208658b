"""Who a broadcast is sent to, as options: for ``send`` and ``drafts edit``."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from clarion.cli.csv_ids import read_address_ids
from clarion.cli.options import REPEATABLE, IdColumn, chosen, only_with
from clarion.cli.output import counted, format_moment, print_note

if TYPE_CHECKING:
    from clarion.broadcasts.forecast import Forecast
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.models import Channel
    from clarion.channels.recipients import Content

Names = Annotated[
    list[str] | None,
    typer.Option("--channel", metavar="CHANNEL", help=f"Send on this channel. {REPEATABLE}"),
]
Everyone = Annotated[bool, typer.Option("--all", help="All contacts on these channels.")]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", metavar="TAG", help="Contacts with this tag. If repeated: with any of them."
    ),
]
WithoutTags = Annotated[
    list[str] | None,
    typer.Option(
        "--without-tag",
        metavar="TAG",
        help=f"With --tag: leave out contacts with this tag. {REPEATABLE}",
    ),
]
Segments = Annotated[
    list[str] | None,
    typer.Option(
        "--segment",
        metavar="SEGMENT",
        help="Contacts in this segment. If repeated: in any of them.",
    ),
]
WithoutSegments = Annotated[
    list[str] | None,
    typer.Option(
        "--without-segment",
        metavar="SEGMENT",
        help=f"Leave out contacts in this segment. {REPEATABLE}",
    ),
]
Ids = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The user ids in this CSV file, on exactly one channel."),
]
RejectsFile = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="With --ids: write lines left out and the reasons to this file.",
    ),
]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="ID", help=f"The contact with this user id. {REPEATABLE}"),
]
Chats = Annotated[
    str | None, typer.Option(metavar="1,2,3", help="The chats with these numbers; for a text.")
]
Consents = Annotated[
    list[str] | None,
    typer.Option(
        "--consent",
        metavar="NAME",
        help="Only contacts who have given this consent. If repeated: all of them.",
    ),
]
OnlyWritten = Annotated[
    bool,
    typer.Option(
        "--only-written",
        help="Only contacts who have written to the channel. Some channels demand this anyway: see "
        "clarion channel show.",
    ),
]


@dataclass(frozen=True, slots=True)
class AudienceOptions:
    """The audience as the options name it; see ``option_groups``."""

    SECTION: ClassVar[str] = "Audience"

    channels: Names = None
    everyone: Everyone = False
    tags: Tags = None
    without_tags: WithoutTags = None
    segments: Segments = None
    without_segments: WithoutSegments = None
    ids: Ids = None
    id_column: IdColumn = None
    rejects: RejectsFile = None
    to: To = None
    chats: Chats = None
    consents: Consents = None
    only_written: OnlyWritten = False

    @property
    def given(self) -> bool:
        """Whether any of its options is used."""
        return any(getattr(self, field.name) not in (None, False, []) for field in fields(self))

    def check(self) -> None:
        """Raise BadParameter unless exactly one way of choosing people is given, and fits."""
        way = chosen(
            {
                "--all": self.everyone,
                "--tag": self.tags,
                "--segment": self.segments,
                "--ids": self.ids,
                "--to": self.to,
                "--chats": self.chats,
            }
        )
        only_with("--without-tag", self.without_tags, "--tag", given=way)
        only_with("--id-column", self.id_column, "--ids", given=way)
        only_with("--rejects", self.rejects, "--ids", given=way)
        if self.ids is not None and len(set(self.channels or ())) != 1:
            raise typer.BadParameter("Use it with exactly one --channel.", param_hint="--ids")
        if not self.channels and self.chats is None:
            raise typer.BadParameter("Name at least one channel.", param_hint="--channel")

    def draft_fields(self, data_type: str | None) -> dict[str, Any]:
        """What ``launch.create_draft`` takes. Raises a package's error for what does not exist.

        ``data_type``: of what is sent: some channels send templates to anybody.
        """
        from clarion.broadcasts.picks import find_users
        from clarion.channels.manage import get_channel
        from clarion.channels.recipients import only_written

        channels = [get_channel(name) for name in dict.fromkeys(self.channels or ())]
        content: Content = "template" if data_type == "template" else "message"
        picks: Iterable[int] = ()
        if self.ids is not None:
            picks = read_address_ids(
                self.ids,
                channels[0],
                self.id_column,
                self.rejects,
                only_written=self.only_written or only_written(channels[0], content),
            )
        elif self.to:
            picks = [address.pk for address in find_users(self.to, channels)]
        elif self.chats is not None:
            picks, channels = _known_chats(self.chats, channels)
        return {"channels": channels, "audience": self._spec(), "picks": picks}

    def _spec(self) -> "Audience":
        from clarion.broadcasts.query import Audience
        from clarion.segments.manage import find

        common: dict[str, Any] = {
            "consents": self.consents or [],
            "only_written": self.only_written,
            "without_segments": [find(name).pk for name in self.without_segments or ()],
        }
        if self.everyone:
            return Audience(kind="all", **common)
        if self.segments:
            chosen = [find(name).pk for name in self.segments]
            return Audience(kind="segments", segments=chosen, **common)
        if self.tags:
            return Audience(
                kind="tags", tags=self.tags, without_tags=self.without_tags or [], **common
            )
        source: Literal["ids", "hand", "chats"] = "ids" if self.ids else "chats"
        source = "hand" if self.to else source
        return Audience(kind="picks", picked_from=source, **common)


def print_audience(draft: "Broadcast") -> None:
    """Print how many people will get it, on which channels, who is left out, how long it takes."""
    from clarion.broadcasts.audience import summary
    from clarion.broadcasts.costs import costs
    from clarion.broadcasts.forecast import forecast
    from clarion.broadcasts.query import audience_of
    from clarion.broadcasts.reasons import LEFT_OUT

    channels = list(draft.channels.order_by("name"))
    audience = summary(audience_of(draft), channels, broadcast_id=draft.pk)
    spread = ", ".join(
        f"{audience.by_channel[channel.pk]:,} on {channel.name}" for channel in channels
    )
    print_note(f"{counted(audience.total, 'recipient')}: {spread}.")
    if audience.held and not draft.end_open_chats:
        print_note(f"  {audience.held:,} of them when their open chat is closed")
    for reason, count in audience.dropped.items():
        print_note(f"  {count:,} left out: {LEFT_OUT[reason]}")
    if audience.sample:
        print_note(f"  for example {', '.join(audience.sample)}")
    if audience.total and draft.timing not in {draft.Timing.TRIGGER, draft.Timing.EXTERNAL}:
        estimate = forecast(draft, channels, audience.by_channel)
        print_note(_how_long(estimate))
        if estimate.day_limit:
            print_note(estimate.day_limit.sentence)
    for cost in costs(draft, channels, audience.by_channel, about=audience.about):
        print_note(f"{cost.channel.name}: {cost.words}.")
        for line in cost.line_words:
            print_note(f"  {line}")
        if cost.unpriced_words:
            print_note(f"  {cost.unpriced_words}")


def _how_long(forecast: "Forecast") -> str:
    from clarion.kit.durations import duration

    if forecast.minutes is None:
        return "It is sent as fast as the providers accept the messages: no send rate is set."
    if not forecast.minutes:
        return "Sending takes less than a minute."
    slowest = f"; {forecast.slowest.name} takes longest" if forecast.slowest else ""
    end = f", until about {format_moment(forecast.finishes_at)}" if forecast.finishes_at else ""
    return f"Sending takes about {duration(60 * forecast.minutes)}{end}{slowest}."


def _known_chats(numbers: str, channels: "list[Channel]") -> "tuple[list[int], list[Channel]]":
    """The chats and their channels. Raises PicksError, which names the numbers of no chat."""
    from clarion.broadcasts.picks import find_chats
    from clarion.channels.models import Channel

    addresses = find_chats(numbers, channels)
    on = {address.channel_id for address in addresses}
    return [address.pk for address in addresses], list(Channel.objects.filter(pk__in=on))
