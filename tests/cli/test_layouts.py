"""``clarion layouts``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.content.mail.layouts import built_in
from clarion.content.media import find

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
    broadcast = Broadcast.objects.get()
    assert broadcast.format == "markdown"
    assert broadcast.mail == {"layout": str(made["id"]), "plain_text": "Hi"}
    [number] = [str(draft["id"]) for draft in ok_json("drafts", "list")]
    ok("drafts", "edit", number, "--format", "chat_html")
    assert Broadcast.objects.get().format == "chat_html"
    assert "There is no layout “Other”." in refused(*draft, "--layout", "Other")
    assert "shows no content" in refused("layouts", "save", "Shop", "--html", "x")
    ok("layouts", "delete", "Shop")
    assert ok_json("layouts", "list") == []


def test_files_are_attached_replaced_and_removed(
    people: str, ok: Callable[..., str], refused: Callable[..., str], tmp_path: Path
) -> None:
    files = [tmp_path / "menu.pdf", tmp_path / "list.csv"]
    for file in files:
        file.write_bytes(b"content")
    attach = [option for file in files for option in ("--attach", str(file))]
    ok("send", "--draft", "--channel", people, "--all", "--text", "Hi", *attach)
    draft = Broadcast.objects.get()
    assert [find(token).name for token in draft.mail["attachments"]] == ["menu.pdf", "list.csv"]
    ok("drafts", "edit", str(draft.pk), "--attach", str(files[1]), "--images", "inline")
    draft.refresh_from_db()
    assert draft.mail["images"] == "inline"
    assert [find(token).name for token in draft.mail["attachments"]] == ["list.csv"]
    ok("drafts", "edit", str(draft.pk), "--attach", "", "--images", "hosted")
    draft.refresh_from_db()
    assert draft.mail == {}
    missing = refused("drafts", "edit", str(draft.pk), "--attach", str(tmp_path / "none.pdf"))
    assert "can't be read" in missing
