"""Approval, as programs see it."""

import pytest

from api.conftest import Program
from clarion.broadcasts import approvals
from support import factory

pytestmark = pytest.mark.django_db


def test_a_program_asks_and_a_person_decides(call: Program) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    draft = factory.draft([channel])
    rules = {"more_than": 2, "roles": []}
    assert call.ok("POST", "/approval-rules", rules) == rules
    assert call.ok("GET", "/approval-rules") == rules
    path = f"/broadcasts/{draft.pk}"
    assert call("GET", f"{path}/approval").status_code == 404
    refusal = call("POST", f"{path}/start", {})
    assert (refusal.status_code, refusal.json()["code"]) == (409, "conflict")
    asked = call.ok("POST", f"{path}/approval")
    assert (asked["state"], asked["recipients"], asked["asked_by"]) == (
        "waiting", 3, "API token Shop",
    )  # fmt: skip
    approvals.decide(
        approvals.latest(draft), approve=True, comment="Fine.", by=factory.agent("manager", "Mia")
    )
    shown = call.ok("GET", f"{path}/approval")
    assert (shown["state"], shown["decided_by"], shown["void"]) == ("approved", "Mia", "")
    assert call.ok("POST", f"{path}/start", {})["state"] == "scheduled"
