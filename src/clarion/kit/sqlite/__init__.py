"""The SQLite library Clarion runs on.

Debian 12's own SQLite 3.40 has the WAL-reset bug (sqlite.org/wal.html#walresetbug, fixed in
3.51.3), so a newer library is taken from the pysqlite3 wheel where there is one.
See docs/decisions/0010-sqlite-library.md.
"""

import sys


def prefer_bundled() -> str:
    """Make ``import sqlite3`` mean pysqlite3 where that is installed; return the version in use.

    Must run before Django's SQLite backend is imported.
    """
    try:
        import pysqlite3
    except ImportError:
        import sqlite3

        return sqlite3.sqlite_version
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
    return str(pysqlite3.sqlite_version)
