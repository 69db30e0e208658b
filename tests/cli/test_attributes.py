"""``clarion attributes``: declaring, renaming, changing types and deleting."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.contacts.models import Contact

pytestmark = pytest.mark.django_db


def test_attributes_are_declared_changed_and_deleted(
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    clarion: Callable[..., Any],
) -> None:
    assert "no attributes yet" in ok("attributes", "list")
    assert ok_json("attributes", "add", "age", "text") == {"name": "age", "type": "text"}
    assert "There is no type “int”" in refused("attributes", "add", "x", "int")
    Contact.objects.create(attributes={"age": "36"})
    old = Contact.objects.create(attributes={"age": "old"})

    asked = clarion("attributes", "type", "age", "number", stdin="n\n")
    assert f"#{old.pk}: “old” is not a number" in asked.output
    assert "1 of 2 values will stay as they are" in asked.output
    changed = ok_json("attributes", "type", "age", "number", "--yes")
    assert changed == {"name": "age", "type": "number", "misfits": 1}
    assert ok_json("attributes", "rename", "age", "years") == {"name": "years"}
    assert ok_json("attributes", "list") == [
        {"name": "years", "type": "number", "contacts": 2, "estimated": False, "used_by": []}
    ]
    assert "Number" in ok("attributes", "list")
    assert ok_json("attributes", "delete", "years", "--yes") == {"deleted": "years", "contacts": 2}
