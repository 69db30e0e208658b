"""What a worker does every few seconds beside sending: sums, leftovers, what is past its days."""

from collections.abc import Callable
from typing import Any, Final

from clarion.broadcasts import erasing
from clarion.channels import kept_files
from clarion.clicks import upkeep as clicks
from clarion.contacts import imports, upkeep
from clarion.contacts.suppressions import matching as suppressions
from clarion.contacts.suppressions import reports
from clarion.engine import callbacks, codes, inbox
from clarion.records import counters, measures, segments, tallies
from clarion.webhooks import queue as webhooks

TASKS: Final[tuple[Callable[[], Any], ...]] = (
    tallies.squash,
    clicks.maintain,
    measures.fold,
    counters.squash,
    segments.forget_old,
    callbacks.forget_old,
    inbox.give_up_fragments,
    imports.mark_interrupted,
    reports.list_pending,
    suppressions.finish_interrupted,
    codes.give_back_unsent,
    erasing.erase_again,
    upkeep.forget_old,
    webhooks.forget_old,
    kept_files.delete_old,
)
