"""User ids from a CSV file, as several commands take them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clarion.cli.output import counted, print_note

if TYPE_CHECKING:
    from clarion.channels.models import Channel

LISTED = 10  # rejected lines that are printed


def read_address_ids(
    path: Path,
    channel: "Channel",
    column: str | None,
    rejects: Path | None = None,
    *,
    only_written: bool = False,
) -> Sequence[int]:
    """The ids of the addresses that a file names. Prints which lines are left out, and why.

    Raises IdsRefused for a file that can't be used.
    """
    from clarion.contacts.csv_ids import read_ids

    file = read_ids(
        path, channel=channel, column=column, rejects=rejects, only_written=only_written
    )
    if not file.has_title:
        print_note(f"{path.name} has no header row: its first line is a known user id.")
    if file.rejected:
        verb = "is" if file.rejected_count == 1 else "are"
        print_note(f"{counted(file.rejected_count, 'line')} of {path.name} {verb} left out:")
        for reject in file.rejected[:LISTED]:
            print_note(f"  line {reject.line}: {reject.reason}")
        if file.rejected_count > LISTED:
            print_note(f"  and {file.rejected_count - LISTED:,} more")
        if file.rejects_path:
            print_note(f"  All of them, with the reasons, are in {file.rejects_path}.")
    return file.address_ids
