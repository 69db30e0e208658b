"""``clarion filters``."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def test_shared_filters(
    ok: Callable[..., str], ok_json: Callable[..., Any], clarion: Callable[..., Any]
) -> None:
    assert "There are no shared filters." in ok("filters", "list")
    ok("filters", "save", "records", "Failures", "--query", "status=error")
    (saved,) = ok_json("filters", "list")
    assert (saved["list"], saved["name"], saved["query"]) == ("records", "Failures", "status=error")
    ok("filters", "rename", str(saved["id"]), "All failures")
    assert "All failures" in ok("filters", "list")
    ok("filters", "delete", str(saved["id"]))
    gone = clarion("filters", "delete", str(saved["id"]))
    assert (gone.exit_code, "There is no shared filter" in gone.stderr) == (1, True)
