"""``clarion approvals``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Broadcast:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    return factory.draft([channel], title="Sale")


def test_asked_for_and_approved(
    ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str],
    draft: Broadcast,
) -> None:  # fmt: skip
    factory.agent("manager", "Mia")
    number = str(draft.pk)
    assert ok("approvals", "rules") == "Nothing needs approval.\n"
    assert "more than 2 recipients" in ok("approvals", "rules", "--more-than", "2")
    assert "second person" in refused("drafts", "send", number)
    assert "Nobody has asked" in refused("approvals", "approve", number, "--as", "Mia")
    assert ok("approvals", "list") == "Nothing waits for approval.\n"
    ok("approvals", "ask", number)
    [request] = ok_json("approvals", "list")
    assert (request["broadcast"], request["recipients"]) == (draft.pk, 3)
    assert "Only an agent" in refused("approvals", "approve", number)
    ok("approvals", "approve", number, "--as", "Mia", "--comment", "Fine.")
    ok("drafts", "send", number)
    draft.refresh_from_db()
    assert draft.state == "scheduled"


def test_rejected(ok: Callable[..., str], draft: Broadcast) -> None:
    factory.agent("manager", "Mia")
    ok("approvals", "ask", str(draft.pk))
    assert "is rejected" in ok("approvals", "reject", str(draft.pk), "--as", "Mia")


def test_rules(ok_json: Callable[..., Any], misused: Callable[..., str]) -> None:
    changed = ok_json("approvals", "rules", "--more-than", "5", "--role", "sender")
    assert changed == {"more_than": 5, "roles": ["sender"]}
    assert ok_json("approvals", "rules", "--never")["more_than"] is None
    assert "--more-than only" in misused("approvals", "rules", "--role", "sender")
