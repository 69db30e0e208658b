"""What a worker does beside sending that takes long: imports, codes, dry runs, bulk actions,
templates and the latency of large broadcasts.

Each kind has a thread of its own, so that neither sending nor the others wait for it.
"""

import time
from collections.abc import Callable
from typing import Final

from clarion.bulk import actions as bulk_actions
from clarion.channels.templates import library
from clarion.codes import batches as code_batches
from clarion.codes.stock import top_up_low
from clarion.contacts import imports
from clarion.contacts.attribute_changes import finish_next_rename
from clarion.contacts.import_undo import erase_deleted, undo_next
from clarion.engine.dry_runs import running as dry_runs
from clarion.engine.threads import DatabaseThreads
from clarion.records import kept_latency

ERASE: Final = 120.0  # seconds between looks for deleted contacts in the parts of imports


class Orders:
    """The orders of one worker. ``stopping``: whether it is told to stop; ``worker``: its id."""

    def __init__(self, stopping: Callable[[], bool], worker: Callable[[], int]) -> None:
        self._stopping = stopping
        self._worker = worker
        self._import_thread = DatabaseThreads("import", 1)
        self._dry_run_thread = DatabaseThreads("dry-run", 1)
        self._bulk_thread = DatabaseThreads("bulk", 1)
        self._template_thread = DatabaseThreads("templates", 1)
        self._latency_thread = DatabaseThreads("latency", 1)
        self._erases_at = 0.0  # by time.monotonic()

    async def run_imports(self) -> None:
        """Do the imports that wait, undo those that are to be, erase deleted contacts from what
        they noted, finish what was interrupted of the renaming of attributes, and fill code
        pools."""
        run = self._import_thread.run
        while await run(imports.run_next, self._worker(), self._stopping):
            pass
        while await run(undo_next, self._stopping):
            pass
        if time.monotonic() >= self._erases_at:
            await run(erase_deleted, self._stopping)
            self._erases_at = time.monotonic() + ERASE
        while await run(finish_next_rename, self._stopping):
            pass
        await run(top_up_low)
        while await run(code_batches.run_next, self._stopping):
            pass

    async def run_dry_runs(self) -> None:
        """Do the dry runs that wait."""
        while await self._dry_run_thread.run(dry_runs.run_next, self._worker(), self._stopping):
            pass

    async def run_bulk_actions(self) -> None:
        """Do the bulk actions that wait."""
        while await self._bulk_thread.run(bulk_actions.run_next, self._stopping):
            pass

    async def fetch_templates(self) -> None:
        """Fetch the lists of templates that agents want, one after another."""
        while await self._template_thread.run(library.run_next, self._stopping):
            pass

    async def keep_latency(self) -> None:
        """Read the latency of a large broadcast that needs it: seconds, of every record."""
        await self._latency_thread.run(kept_latency.keep)

    def close(self) -> None:
        """End the threads."""
        self._import_thread.close()
        self._dry_run_thread.close()
        self._bulk_thread.close()
        self._template_thread.close()
        self._latency_thread.close()
