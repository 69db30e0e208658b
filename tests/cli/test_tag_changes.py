"""``clarion tags``: renaming, merging and deleting."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.contacts import tags
from support import factory

pytestmark = pytest.mark.django_db


def test_tags_are_renamed_merged_and_deleted(
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    clarion: Callable[..., Any],
) -> None:
    contacts = [address.contact_id for address in factory.people(factory.channel(), 2)]
    tags.assign(["a"], contacts, by=factory.BY)
    tags.assign(["b"], contacts[:1], by=factory.BY)

    assert ok_json("tags", "rename", "a", "c") == {"name": "c"}
    assert "There is no tag called “a”" in refused("tags", "rename", "a", "x")
    assert "Merge this one" in refused("tags", "rename", "c", "b")
    assert "2 contacts" in clarion("tags", "merge", "c", "b", stdin="n\n").stdout
    assert ok_json("tags", "merge", "c", "b", "--yes") == {"name": "b", "new": 1}
    assert ok_json("tags", "list") == [{"name": "b", "contacts": 2, "used_by": []}]
    assert "USED BY" in ok("tags", "list")
    assert ok_json("tags", "delete", "b", "--yes") == {"deleted": "b", "contacts": 2}
