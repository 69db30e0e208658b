"""``clarion audit``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts import audit

pytestmark = pytest.mark.django_db


def test_entries_are_listed(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    assert ok("audit", "list") == "No entries match.\n"
    audit.note("tag.add", "tag 1", "API token Till", name="vip")
    audit.note("tag.delete", "tag 1", "command line")
    assert "name: vip" in ok("audit", "list", "--by", "API token Till")
    [entry] = ok_json("audit", "list", "--action", "tag.d", "--object", "tag 1")
    assert (entry["by"], entry["object"], entry["detail"]) == ("command line", "tag 1", {})
    assert len(ok_json("audit", "list", "--limit", "1")) == 1
    assert ok_json("audit", "list", "--before", "2020-01-01") == []


def test_a_wrong_time_is_wrong_usage(misused: Callable[..., str]) -> None:
    assert "--after" in misused("audit", "list", "--after", "yesterday")


def test_a_file_is_written(ok: Callable[..., str], tmp_path: Path) -> None:
    audit.note("tag.add", "tag 1", "command line")
    ok("audit", "export", str(tmp_path / "log.csv"), "--action", "tag.")
    assert "tag.add" in (tmp_path / "log.csv").read_text()
