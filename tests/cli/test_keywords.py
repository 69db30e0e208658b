"""``clarion keywords``: the operator's own opt-out words."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.django_db


def test_added_listed_and_removed(
    clarion: Callable[..., Any], ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    assert "There are no words of your own." in ok("keywords", "list")
    assert ok("keywords", "add", "Nie wieder", "genug").strip() == "2 words added."
    assert ok_json("keywords", "add", "wieder da", "--means", "opt-in") == {"added": ["wieder da"]}
    assert ok_json("keywords", "list") == [
        {"word": "genug", "means": "opt-out"},
        {"word": "Nie wieder", "means": "opt-out"},
        {"word": "wieder da", "means": "opt-in"},
    ]
    assert ok("keywords", "list").splitlines()[0].split() == ["WORD", "MEANS"]
    assert ok("keywords", "remove", "GENUG", "stop").strip() == "1 word removed."
    refused = clarion("keywords", "add", "START")
    assert refused.exit_code == 1
    assert "“START” opts contacts in already. Choose another word." in refused.stderr
