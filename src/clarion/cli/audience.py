"""Whom ``clarion send`` sends to: from options to a draft with an audience."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from clarion.cli.failures import Failed
from clarion.cli.speech import note

if TYPE_CHECKING:
    from clarion.broadcasts.audience import Audience
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.models import Channel

MOST_CHATS = 10_000  # on a command line; more come in a file
NAMED = 10  # rejected lines and unknown chats that are named
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """The audience as the options name it."""

    channels: list[str]
    everyone: bool
    tags: list[str]
    without_tags: list[str]
    ids: Path | None
    id_column: str | None
    chats: str | None

    def check(self) -> None:
        """Raise BadParameter unless exactly one way of choosing people is given, and fits."""
        ways = {
            "--all": self.everyone,
            "--tag": bool(self.tags),
            "--ids": self.ids is not None,
            "--chats": self.chats is not None,
        }
        given = [name for name, used in ways.items() if used]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none is given"
            raise typer.BadParameter(f"Give exactly one of {', '.join(ways)}; {found}.")
        if self.without_tags and not self.tags:
            raise typer.BadParameter("It goes with --tag.", param_hint="--without-tag")
        if self.id_column is not None and self.ids is None:
            raise typer.BadParameter("It goes with --ids.", param_hint="--id-column")
        if self.ids is not None and len(set(self.channels)) != 1:
            raise typer.BadParameter("It needs exactly one --channel.", param_hint="--ids")
        if not self.channels and self.chats is None:
            raise typer.BadParameter("Name at least one.", param_hint="--channel")

    def draft(self, text: str, title: str) -> "Broadcast":
        """A draft for this audience. Raises an error of a room for what does not exist."""
        from clarion.accounts.audit import COMMAND_LINE
        from clarion.broadcasts import launch
        from clarion.channels.manage import get_channel

        channels = [get_channel(name) for name in dict.fromkeys(self.channels)]
        picks: Iterable[int] = ()
        if self.ids is not None:
            picks = _known_ids(self.ids, channels[0], self.id_column)
        elif self.chats is not None:
            picks, channels = _known_chats(_numbers(self.chats), channels)
        return launch.create_draft(
            by=COMMAND_LINE,
            title=title,
            text=text,
            channels=channels,
            audience=self._spec(),
            picks=picks,
        )

    def _spec(self) -> "Audience":
        from clarion.broadcasts.audience import Audience

        if self.everyone:
            return Audience(kind="all")
        if self.tags:
            return Audience(kind="tags", tags=self.tags, without_tags=self.without_tags)
        return Audience(kind="picks", picked_from="chats" if self.ids is None else "ids")


def say_who(draft: "Broadcast") -> None:
    """Print how many people will get it, on which channels, and who drops out and why (A6)."""
    from clarion.broadcasts.audience import DROPPED, Audience, summary

    channels = list(draft.channels.order_by("name"))
    found = summary(Audience.model_validate(draft.audience), channels, broadcast_id=draft.pk)
    spread = ", ".join(f"{found.by_channel[one.pk]:,} on {one.name}" for one in channels)
    note(f"To {found.total:,} people: {spread}.")
    for reason, count in found.dropped.items():
        note(f"  without {count:,}: {DROPPED[reason]}")
    if found.sample:
        note(f"  such as {', '.join(found.sample)}")


def _known_ids(path: Path, channel: "Channel", column: str | None) -> Iterable[int]:
    from clarion.contacts.csv_ids import read_ids

    found = read_ids(path, channel=channel, column=column)
    if found.rejected:
        note(f"{found.rejected_count:,} lines of {path.name} are left out:")
        for reject in found.rejected[:NAMED]:
            note(f"  line {reject.line}: {reject.reason}")
        if found.rejected_count > NAMED:
            note(f"  and {found.rejected_count - NAMED:,} more")
    return found.address_ids


def _numbers(chats: str) -> list[int]:
    """Chat numbers as typed, separated by commas. Raises BadParameter."""
    parts = [part.strip() for part in chats.split(",") if part.strip()]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit())]
    if wrong or not parts:
        named = f", not “{wrong[0]}”" if wrong else ""
        raise typer.BadParameter(f"Write numbers separated by commas{named}.", param_hint="--chats")
    if len(parts) > MOST_CHATS:
        raise typer.BadParameter(f"At most {MOST_CHATS:,}; use --ids.", param_hint="--chats")
    return list(dict.fromkeys(int(part) for part in parts))


def _known_chats(
    numbers: list[int], channels: "list[Channel]"
) -> "tuple[list[int], list[Channel]]":
    """The chats and their channels. Raises Failed that names those that don't exist there."""
    from clarion.channels.models import Channel
    from clarion.contacts.models import Address

    storable = [number for number in numbers if number <= LARGEST_ID]
    found = dict(Address.objects.filter(pk__in=storable).values_list("pk", "channel_id"))
    allowed = {channel.pk for channel in channels} or set(found.values())
    unknown = [str(n) for n in numbers if found.get(n) not in allowed]
    if unknown:
        where = f" on {', '.join(channel.name for channel in channels)}" if channels else ""
        more = " …" if len(unknown) > NAMED else ""
        raise Failed(f"There is no chat{where} with the number {', '.join(unknown[:NAMED])}{more}.")
    return numbers, list(Channel.objects.filter(pk__in=allowed & set(found.values())))
