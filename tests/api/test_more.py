"""Segments, chats, codes, agents and the audit log."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from api.conftest import Program
from api.test_foundation import problem
from clarion.accounts.models import AuditEntry
from clarion.channels.models import Channel
from clarion.chats.models import Chat
from clarion.codes import batches, issuing, pools
from clarion.codes.models import Code, CodeBatch
from support import factory

IN_BONN = {"of": "attribute", "what": "equals", "name": "city", "value": "Bonn"}


def test_a_segment_is_defined_counted_and_deleted(call: Program, channel: Channel) -> None:
    factory.people(channel, 3)
    in_berlin = IN_BONN | {"value": "Berlin"}
    made = call("POST", "/segments", {"name": "Berlin", "conditions": [in_berlin]})
    path = made["Location"].removeprefix("/api/v1")
    assert call.ok("GET", f"{path}/count")["contacts"] == 3
    changed = call.ok("PATCH", path, {"conditions": [IN_BONN]}, If_Match=made["ETag"])
    assert changed["conditions"][0]["words"] == "city is “Bonn”"
    assert call.ok("GET", f"{path}/count")["contacts"] == 0
    wrong = {"name": "X", "conditions": [IN_BONN, {"of": "tag", "what": "is"}]}
    assert problem(call("POST", "/segments", wrong))["errors"][0]["field"] == "conditions.1"
    assert call("DELETE", path, If_Match="*").status_code == 204
    assert call.ok("GET", "/segments")["items"] == []


def test_a_chat_is_taken_answered_and_closed(call: Program, channel: Channel) -> None:
    agent = factory.agent("sender", "Sam")
    viewer = factory.agent("viewer", "Vera")
    [person] = factory.people(channel, 1)
    path = f"/chats/{person.pk}"
    assert call.ok("GET", path)["state"] == "bot"
    assert problem(call("POST", f"{path}/take", {"agent_id": viewer.pk}))["code"] == (
        "invalid_request"
    )
    assert call.ok("POST", f"{path}/take", {"agent_id": agent.pk})["agent_id"] == agent.pk
    reply = call.ok("POST", f"{path}/reply", {"agent_id": agent.pk, "text": "Hello {{ name }}"})
    assert reply["chat_number"] == person.pk
    said = call.ok("GET", f"{path}/messages")["items"]
    assert "Hello {{ name }}" in [line["text"] for line in said]
    [listed] = call.ok("GET", f"/chats?state=open&agent_id={agent.pk}")["items"]
    assert (listed["number"], listed["agent"]) == (person.pk, "Sam")
    entry = AuditEntry.objects.filter(action="token.act_for").first()
    assert entry is not None
    assert (entry.actor, entry.detail) == ("API token Shop", {"agent": "Sam"})
    assert call.ok("POST", f"{path}/close")["state"] == "closed"
    assert problem(call("POST", f"{path}/close"))["code"] == "conflict"
    assert problem(call("POST", f"{path}/release"))["code"] == "conflict"
    assert Chat.objects.get().state == "closed"
    assert call("GET", "/chats/999999").status_code == 404


def test_codes_of_a_broadcast(call: Program, channel: Channel) -> None:
    pool = pools.create(pools.Rules(name="Pool", pattern="S-####"), by=factory.BY)
    batches.carry_out(batches.order_codes(pool, 2, by=factory.BY))
    broadcast = factory.broadcast("Spring")
    contacts = [person.contact_id for person in factory.people(channel, 2)]
    issuing.issue(pool.pk, broadcast.pk, [(contact, 0) for contact in contacts])
    path = f"/broadcasts/{broadcast.pk}/codes"
    first = call.ok("GET", f"{path}?limit=1")
    second = call.ok("GET", f"{path}?limit=1&cursor={first['next']}")
    assert [page["items"][0]["contact_id"] for page in (first, second)] == contacts
    assert second["next"] is None
    assert call.ok("GET", f"{path}?redeemed=true")["items"] == []


def test_codes_are_generated_found_and_redeemed(call: Program, db: None) -> None:
    made = call("POST", "/code-pools", {"name": "Spring", "pattern": "SPRING-####"})
    path = made["Location"].removeprefix("/api/v1")
    order = call.ok("POST", f"{path}/generate", {"count": 3})
    batches.carry_out(CodeBatch.objects.get(pk=order["id"]))
    assert call.ok("GET", f"/code-batches/{order['id']}") == order | {"state": "done", "added": 3}
    assert call.ok("GET", path)["free"] == 3
    code = Code.objects.first()
    assert code is not None
    assert call.ok("GET", f"/codes?code={code.code}")["redeemable"]
    body = {"code": code.code.lower(), "key": "till-1", "note": "Till 1"}
    used = call.ok("POST", "/codes/redeem", body)
    assert call.ok("POST", "/codes/redeem", body) == used
    assert call.ok("GET", f"/codes?code={code.code}")["why_not"] == "used_up"
    assert problem(call("POST", "/codes/redeem", {"code": code.code}))["code"] == "refused"
    assert call.ok("POST", f"/redemptions/{used['id']}/undo")["undone_at"]
    assert call("GET", "/codes?code=NOTHING").status_code == 404

    rules = {"name": "Summer", "pattern": "SUMMER-####", "uses": None}
    assert call("PUT", path, rules).status_code == 428
    assert call.ok("PUT", path, rules, If_Match=made["ETag"])["uses"] is None
    assert call.ok("POST", f"{path}/archive")["archived"]
    assert call.ok("GET", "/code-pools?archived=true")["items"][0]["name"] == "Summer"
    assert not call.ok("POST", f"{path}/restore")["archived"]


def test_codes_of_ones_own_are_imported(call: Program, db: None) -> None:
    pool = call.ok("POST", "/code-pools", {"name": "Partner"})
    answer = call.client.post(
        f"/api/v1/code-pools/{pool['id']}/import",
        {"file": SimpleUploadedFile("codes.csv", b"code\nA1\nB2\n", "text/csv")},
        headers={"Authorization": f"Bearer {call.token}"},
    )
    assert answer.status_code == 202, answer.content
    batches.carry_out(CodeBatch.objects.get())
    assert call.ok("GET", f"/code-pools/{pool['id']}")["total"] == 2
    assert call("DELETE", f"/code-pools/{pool['id']}", If_Match="*").status_code == 204


def test_agents_and_the_audit_log_are_read(call: Program) -> None:
    agent = factory.agent("admin", "Ada")
    [listed] = call.ok("GET", "/agents")["items"]
    assert (listed["id"], listed["role"]) == (agent.pk, "admin")
    assert "password" not in json.dumps(listed)
    assert call.ok("GET", f"/agents/{agent.pk}") == listed
    call.ok("POST", "/consents", {"name": "News"})
    [entry] = call.ok("GET", "/audit?action=consent.&actor=API token Shop")["items"]
    assert entry["detail"] == {"name": "News"}
    assert call.ok("GET", "/audit?subject=nothing")["items"] == []


@pytest.mark.parametrize("query", ["since=yesterday", "limit=x", "cursor=x"])
def test_a_wrong_filter_is_named(call: Program, query: str) -> None:
    assert problem(call("GET", f"/audit?{query}"))["errors"][0]["field"] == query.partition("=")[0]
