"""Whom ``clarion send`` sends to: from options to a draft with an audience."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.output import print_note

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast
    from clarion.broadcasts.query import Audience
    from clarion.channels.models import Channel

NAMED = 10  # rejected lines that are named


Names = Annotated[
    list[str] | None, typer.Option("--channel", metavar="NAME", help="Where to send; repeatable.")
]
Everyone = Annotated[bool, typer.Option("--all", help="To everyone on these channels.")]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="T", help="To everyone with any of these tags; repeatable."),
]
WithoutTags = Annotated[
    list[str] | None,
    typer.Option("--without-tag", metavar="T", help="But to nobody with any of these; repeatable."),
]
Ids = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="To the user ids in this file.")]
IdColumn = Annotated[str | None, typer.Option(metavar="C", help="The column of ids in that file.")]
RejectsFile = Annotated[
    Path | None,
    typer.Option("--rejects", metavar="FILE", help="Write lines left out, and why, to this file."),
]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="USER", help="To this user id on these channels; repeatable."),
]
Chats = Annotated[str | None, typer.Option(metavar="1,2,3", help="To these chat numbers.")]
Consents = Annotated[
    list[str] | None,
    typer.Option("--consent", metavar="NAME", help="Only who has given this; repeatable."),
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The audience as the options name it; see ``option_groups.with_option_groups``."""

    channels: Names = None
    everyone: Everyone = False
    tags: Tags = None
    without_tags: WithoutTags = None
    ids: Ids = None
    id_column: IdColumn = None
    rejects: RejectsFile = None
    to: To = None
    chats: Chats = None
    consents: Consents = None

    @property
    def given(self) -> bool:
        """Whether any of its options is used."""
        return any(getattr(self, one.name) not in (None, False, []) for one in fields(self))

    def check(self) -> None:
        """Raise BadParameter unless exactly one way of choosing people is given, and fits."""
        ways = {
            "--all": self.everyone,
            "--tag": bool(self.tags),
            "--ids": self.ids is not None,
            "--to": bool(self.to),
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
        if self.rejects is not None and self.ids is None:
            raise typer.BadParameter("It goes with --ids.", param_hint="--rejects")
        if self.ids is not None and len(set(self.channels or ())) != 1:
            raise typer.BadParameter("It needs exactly one --channel.", param_hint="--ids")
        if not self.channels and self.chats is None:
            raise typer.BadParameter("Name at least one.", param_hint="--channel")

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.create_draft`` takes. Raises a package's error for what does not exist."""
        from clarion.broadcasts.picks import find_users
        from clarion.channels.manage import get_channel

        channels = [get_channel(name) for name in dict.fromkeys(self.channels or ())]
        picks: Iterable[int] = ()
        if self.ids is not None:
            picks = _known_ids(self.ids, channels[0], self.id_column, self.rejects)
        elif self.to:
            picks = [address.pk for address in find_users(self.to, channels)]
        elif self.chats is not None:
            picks, channels = _known_chats(self.chats, channels)
        return {"channels": channels, "audience": self._spec(), "picks": picks}

    def _spec(self) -> "Audience":
        from clarion.broadcasts.query import Audience

        asked = {"consents": self.consents or []}
        if self.everyone:
            return Audience(kind="all", **asked)
        if self.tags:
            return Audience(
                kind="tags", tags=self.tags, without_tags=self.without_tags or [], **asked
            )
        source: Literal["ids", "hand", "chats"] = "ids" if self.ids else "chats"
        source = "hand" if self.to else source
        return Audience(kind="picks", picked_from=source, **asked)


def say_who(draft: "Broadcast") -> None:
    """Print how many people will get it, on which channels, and who drops out and why (A6)."""
    from clarion.broadcasts.audience import summary
    from clarion.broadcasts.query import Audience
    from clarion.broadcasts.reasons import LEFT_OUT

    channels = list(draft.channels.order_by("name"))
    found = summary(Audience.model_validate(draft.audience), channels, broadcast_id=draft.pk)
    spread = ", ".join(f"{found.by_channel[one.pk]:,} on {one.name}" for one in channels)
    print_note(f"To {found.total:,} people: {spread}.")
    for reason, count in found.dropped.items():
        print_note(f"  without {count:,}: {LEFT_OUT[reason]}")
    if found.sample:
        print_note(f"  such as {', '.join(found.sample)}")


def _known_ids(
    path: Path, channel: "Channel", column: str | None, rejects: Path | None
) -> Iterable[int]:
    from clarion.contacts.csv_ids import read_ids

    found = read_ids(path, channel=channel, column=column, rejects=rejects)
    if not found.has_title:
        print_note(f"{path.name} has no title line: its first line is the id of somebody known.")
    if found.rejected:
        print_note(f"{found.rejected_count:,} lines of {path.name} are left out:")
        for reject in found.rejected[:NAMED]:
            print_note(f"  line {reject.line}: {reject.reason}")
        if found.rejected_count > NAMED:
            print_note(f"  and {found.rejected_count - NAMED:,} more")
        if found.rejects_path:
            print_note(f"  all of them, with the reasons: {found.rejects_path}")
    return found.address_ids


def _known_chats(typed: str, channels: "list[Channel]") -> "tuple[list[int], list[Channel]]":
    """The chats and their channels. Raises PicksError that names what is no chat there."""
    from clarion.broadcasts.picks import find_chats
    from clarion.channels.models import Channel

    found = find_chats(typed, channels)
    on = {address.channel_id for address in found}
    return [address.pk for address in found], list(Channel.objects.filter(pk__in=on))
