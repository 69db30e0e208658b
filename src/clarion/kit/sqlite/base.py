"""Django's SQLite backend, with a fair chance for everybody to write.

SQLite has one writer at a time, and its own busy handler looks again after 1, 2, 5 … 100 ms. While
the engine sends at full speed the file is free for a millisecond or two between its transactions,
and whoever looked every 100 ms waited seconds: an agent's reply 1.6 s at p99, 0.6 s since we look
every few milliseconds. See docs/decisions/0010-sqlite-library.md.
"""

import random
import time
from functools import partial
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from clarion.kit.weighed_cache import WeighedCache

LONGEST = 0.004  # seconds between looks


KEPT = 8 * 1_048_576  # characters of the statements that are kept, as written and as rewritten
LONGEST_KEPT = KEPT // 16


def _with_qmarks(query: str) -> str:
    """A statement with SQLite's parameter marks. One that inserts 250 rows has thousands of them,
    and replacing these took 1 ms each time."""
    if len(query) > LONGEST_KEPT:
        return _rewritten(query)
    return _statements.get(query, partial(_rewritten, query))


def _rewritten(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")


_statements: WeighedCache[str] = WeighedCache(KEPT, lambda rewritten: 2 * len(rewritten))


class CursorWrapper(base.SQLiteCursorWrapper):
    """A cursor that rewrites a statement once, not each time that it is executed."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        """The statement as SQLite takes it."""
        if param_names is None:
            return _with_qmarks(query)
        converted: str = super().convert_query(query, param_names=param_names)
        return converted


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that waits its turn to write in small steps, for OPTIONS["timeout"] at most."""

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor of this module."""
        return self.connection.cursor(factory=CursorWrapper)

    def _start_transaction_under_autocommit(self) -> None:
        patience: float = self.settings_dict["OPTIONS"]["timeout"]
        deadline = time.monotonic() + patience
        pause = LONGEST / 8
        self._set_busy_timeout(0)
        try:
            while not self._begun(deadline):
                time.sleep(random.uniform(pause / 2, pause))
                pause = min(pause * 2, LONGEST)
        finally:
            self._set_busy_timeout(patience)

    def _begun(self, deadline: float) -> bool:
        """Begin; False while somebody else writes. Raises OperationalError after the deadline."""
        mode: str = self.settings_dict["OPTIONS"]["transaction_mode"]
        try:
            # Without a cursor of Python's, which the traceback of a refusal would keep: it was
            # freed later by whichever thread collected the garbage, and a statement that is reset
            # there while its own thread closes the connection ends the process.
            with self.wrap_database_errors:
                self.connection.execute(f"BEGIN {mode}")
        except OperationalError as error:
            if "locked" in str(error) and time.monotonic() < deadline:
                return False
            raise
        return True

    def _set_busy_timeout(self, seconds: float) -> None:
        self.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
