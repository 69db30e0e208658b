"""``clarion layouts``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.content.mail.layouts import built_in

pytestmark = pytest.mark.django_db


def test_layouts_are_saved_listed_used_and_deleted(
    people: str, ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    assert "There are no layouts" in ok("layouts", "list")
    made = ok_json("layouts", "save", "Shop", "--address", "Bonn", "--default")
    assert (made["html"], made["is_default"]) == (built_in().html, True)
    changed = ok_json("layouts", "save", "Shop", "--html", "{{ content }}")
    assert (changed["id"], changed["address"], changed["is_default"]) == (made["id"], "Bonn", True)
    assert ok("layouts", "show", "Shop") == "{{ content }}\n"
    assert "Shop" in ok("layouts", "list")
    draft = ("send", "--draft", "--channel", people, "--all", "--text", "*Hi*")
    ok(*draft, "--format", "markdown", "--layout", "Shop", "--plain-text", "Hi")
    assert Broadcast.objects.get().mail == {
        "format": "markdown", "layout": str(made["id"]), "plain_text": "Hi",
    }  # fmt: skip
    assert "There is no layout “Other”." in refused(*draft, "--layout", "Other")
    assert "shows no content" in refused("layouts", "save", "Shop", "--html", "x")
    ok("layouts", "delete", "Shop")
    assert ok_json("layouts", "list") == []
