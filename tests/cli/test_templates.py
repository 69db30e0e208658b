"""``clarion template``: the templates that providers list."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.channels.contract import Reply, Request
from clarion.channels.templates import library
from clarion.transport.messages import HttpReply
from support import factory

pytestmark = pytest.mark.django_db
PAGE = b"""{"data": [{"name": "spring", "language": "en", "status": "PAUSED", "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello {{1}}"}]}]}"""


def test_templates_are_fetched_and_listed(
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    clarion: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ask(request: Request) -> Reply:
        return HttpReply(200, {}, PAGE)

    monkeypatch.setattr(library, "ask", ask)
    settings = {"phone_number_id": "1", "token": "EAA", "app_secret": "s", "waba_id": "102"}
    factory.channel("shop", "whatsapp", **settings)
    factory.channel("hook")
    assert "No templates have been fetched" in ok("template", "list")
    assert ok("template", "refresh", "shop").strip() == "1 template of shop fetched."
    lines = ok("template", "list", "--channel", "shop").splitlines()
    assert lines[1].split() == ["spring", "en", "paused", "utility", "shop", "Hello", "{{1}}"]
    (row,) = ok_json("template", "list")
    assert (row["name"], row["status"], row["channel"]) == ("spring", "paused", "shop")
    refused = clarion("template", "refresh", "hook")
    assert refused.exit_code == 1
    assert "no list of templates" in refused.output
