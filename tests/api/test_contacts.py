"""Contacts, tags and consents of contacts."""

from typing import Any

import pytest

from api.conftest import Program
from api.test_foundation import problem
from clarion.accounts.models import AuditEntry
from clarion.channels.contract import AddressReport
from clarion.channels.models import Channel
from clarion.consents.models import Change, Consent
from clarion.contacts.models import Contact, Suppression
from clarion.contacts.suppressions import reports
from clarion.kit import clock
from support import factory

ADA = {"user_id": "ada", "name": "Ada", "attributes": {"city": "Bonn", "age": 36}, "tags": ["vip"]}


def test_a_contact_is_created_and_read(call: Program, channel: Channel) -> None:
    made = call("POST", "/contacts", {"channel_id": channel.pk, **ADA})
    assert made.status_code == 201
    contact = call.ok("GET", made["Location"].removeprefix("/api/v1"))
    assert contact["name"] == "Ada"
    assert contact["attributes"] == {"city": "Bonn", "age": 36}
    assert contact["tags"] == ["vip"]
    [address] = contact["addresses"]
    assert (address["channel_id"], address["user_id"]) == (channel.pk, "ada")
    assert call.ok("GET", "/tags")["items"][0]["name"] == "vip"
    entry = AuditEntry.objects.get(action="contacts.upsert")
    assert entry.actor == "API token Shop"

    again = call("POST", "/contacts", {"channel_id": channel.pk, **ADA})
    assert problem(again)["code"] == "conflict"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"language": "not a language"}, "language"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"tags": ["a,b"]}, "tags"),
        ({"attributes": {"name": "x"}}, "attributes.name"),
        ({"attributes": {"no space": "x"}}, "attributes.no space"),
        ({"attributes": {"x": "y" * 70_000}}, "attributes"),
        ({"user_id": " "}, "user_id"),
    ],
)
def test_what_is_wrong_with_a_contact_names_its_field(
    call: Program, channel: Channel, fields: dict[str, Any], field: str
) -> None:
    answer = call("POST", "/contacts", {"channel_id": channel.pk, **ADA, **fields})
    assert [error["field"] for error in problem(answer)["errors"]] == [field]
    assert not Contact.objects.exists()


def test_contacts_are_upserted_with_a_result_each(call: Program, channel: Channel) -> None:
    factory.address(channel, "bob", "Bob")
    contacts = [
        ADA,
        {"user_id": "bob", "name": "", "attributes": {"city": "Rome"}, "tags": ["vip", "new"]},
        {"user_id": "eve", "time_zone": "Mars/Base"},
        {"user_id": "ada", "name": "Ada L."},
    ]
    body = {"channel_id": channel.pk, "contacts": contacts}
    answer = call.ok("POST", "/contacts/upsert", body)

    assert [answer[count] for count in ("created", "updated", "rejected")] == [1, 2, 1]
    assert [result["status"] for result in answer["results"]] == [
        "created", "updated", "rejected", "updated",
    ]  # fmt: skip
    assert answer["results"][2]["field"] == "time_zone"
    assert answer["results"][0]["contact_id"] == answer["results"][3]["contact_id"]
    bob = call.ok("GET", f"/contacts/{answer['results'][1]['contact_id']}")
    assert (bob["name"], bob["attributes"], bob["tags"]) == (
        "Bob",
        {"city": "Rome"},
        ["new", "vip"],
    )
    assert set(Contact.objects.values_list("name", flat=True)) == {"Ada L.", "Bob"}


def test_ten_thousand_contacts_at_once(call: Program, channel: Channel) -> None:
    contacts = [{"user_id": f"u{number}"} for number in range(10_000)]
    answer = call.ok("POST", "/contacts/upsert", {"channel_id": channel.pk, "contacts": contacts})
    assert answer["created"] == 10_000
    body = {"channel_id": channel.pk, "contacts": [*contacts, {"user_id": "more"}]}
    assert call("POST", "/contacts/upsert", body).status_code == 422


def test_contacts_are_found(call: Program, channel: Channel) -> None:
    people = factory.people(channel, 3)
    ids = sorted((address.contact_id for address in people), reverse=True)

    def listed(query: str) -> list[int]:
        return [item["id"] for item in call.ok("GET", f"/contacts?{query}")["items"]]

    assert listed("") == ids
    page = call.ok("GET", "/contacts?limit=2")
    assert [item["id"] for item in page["items"]] == ids[:2]
    assert listed(f"limit=2&cursor={page['next']}") == ids[2:]
    assert listed("q=Person 1") == [people[1].contact_id]
    assert listed(f"channel_id={channel.pk}&user_id=u2") == [people[2].contact_id]
    assert listed("state=opted_out") == []
    assert listed("attribute=city&comparison=equals&value=Berlin") == ids
    assert problem(call("GET", "/contacts?user_id=u2"))["errors"][0]["field"] == "user_id"
    assert problem(call("GET", "/contacts?tag=x"))["errors"][0]["field"] == "tag"
    assert problem(call("GET", "/contacts?channel_id=99"))["errors"][0]["field"] == "channel_id"


def test_tags_are_assigned_and_removed(call: Program, channel: Channel) -> None:
    ids = [address.contact_id for address in factory.people(channel, 2)]
    body = {"tags": ["vip"], "contact_ids": [*ids, 999_999]}
    assert call.ok("POST", "/tags/assign", body) == {"changed": 2}
    assert call.ok("GET", "/tags")["items"][0]["contacts"] == 2
    assert call.ok("POST", "/tags/remove", {"tags": ["vip"], "contact_ids": ids[:1]}) == {
        "changed": 1
    }


def test_consents_are_given_and_withdrawn(call: Program, channel: Channel) -> None:
    contact = factory.address(channel, "ada").contact_id
    consent = Consent.objects.create(name="Newsletter")
    path, body = f"/consents/{consent.pk}", {"contact_ids": [contact]}

    assert call.ok("POST", f"{path}/give", body) == {"changed": 1}
    assert call.ok("GET", path)["given"] == 1
    [standing] = call.ok("GET", f"/contacts/{contact}/consents")["items"]
    assert (standing["given"], standing["name"]) == (True, "Newsletter")
    assert Change.objects.get().how == "api"
    assert call.ok("POST", f"{path}/withdraw", body) == {"changed": 1}
    assert call.ok("GET", path)["withdrawn"] == 1
    later = call("POST", f"{path}/give", {**body, "at": "2099-01-01T00:00:00Z"})
    assert problem(later)["code"] == "refused"
    naive = call("POST", f"{path}/give", {**body, "at": "2020-01-01T00:00:00"})
    assert problem(naive)["errors"][0]["field"] == "at"


def test_a_contact_is_changed_and_deleted(call: Program, channel: Channel) -> None:
    made = call("POST", "/contacts", {"channel_id": channel.pk, **ADA})
    path = made["Location"].removeprefix("/api/v1")
    changes = {"name": "Ada L.", "attributes": {"city": None, "age": "37"}, "tags": ["new"]}
    edited = call("PATCH", path, changes, If_Match=made["ETag"])
    assert edited.status_code == 200, edited.content
    contact = call.ok("GET", path)
    assert (contact["name"], contact["tags"]) == ("Ada L.", ["new"])
    assert contact["attributes"] == {"age": "37"}
    assert call("PATCH", path, {"name": "X"}, If_Match=made["ETag"]).status_code == 412
    wrong = call("PATCH", path, {"time_zone": "Mars/Base"}, If_Match="*")
    assert problem(wrong)["errors"][0]["field"] == "time_zone"

    body = {"channel_id": channel.pk, "user_id": "ada2"}
    address = call.ok("POST", f"{path}/addresses", body)["addresses"][1]
    opted_out = call.ok("POST", f"/addresses/{address['id']}/opt-out")
    assert opted_out["addresses"][1]["state"] == "opted_out"
    activated = call.ok("POST", f"/addresses/{address['id']}/activate")
    assert activated["addresses"][1]["state"] == "active"
    assert call.ok("GET", f"{path}/export")["document"]["contact"]["name"] == "Ada L."
    assert call.ok("POST", f"{path}/delete", {"suppress": True}) == {"suppressed": 2}
    assert call("GET", path).status_code == 404
    assert len(call.ok("GET", "/suppressions")["items"]) == 2


@pytest.mark.parametrize(("query", "state"), [("", "unreachable"), ("?reachable=true", "active")])
def test_a_hard_bounce_is_removed_from_the_suppression_list(
    call: Program, query: str, state: str
) -> None:
    address = factory.address(factory.channel("mail", "email"), "ada@example.com", "Ada")
    reports.note(address.channel, AddressReport(address.value, "hard_bounce", clock.now()))
    reports.list_pending()
    entry = Suppression.objects.get(kind="email")

    assert call("POST", f"/suppressions/{entry.pk}/remove{query}").status_code == 204

    address.refresh_from_db()
    assert address.effective_state == state


def test_the_suppression_list_and_keywords(call: Program, channel: Channel) -> None:
    factory.people(channel, 2)
    entry = call.ok("POST", "/suppressions", {"pattern": "u*", "kind": "webhook"})
    assert entry["stops"] == 2
    [listed] = call.ok("GET", "/suppressions")["items"]
    assert (listed["pattern"], listed["reason"]) == ("u*", "blocked")
    assert call("POST", f"/suppressions/{entry['id']}/remove").status_code == 204
    assert call.ok("GET", "/suppressions")["items"] == []
    assert problem(call("POST", "/suppressions", {"pattern": "u*", "kind": "pigeon"}))["errors"]
    words = {"opt_out": ["Genug"], "opt_in": ["Wieder"]}
    assert call.ok("POST", "/keywords", words) == words
    assert call.ok("GET", "/keywords") == words


def test_contacts_are_merged_and_parted(call: Program, channel: Channel) -> None:
    kept, other = (address.contact_id for address in factory.people(channel, 2))
    Contact.objects.update(name="Ada")
    assert len(call.ok("GET", "/duplicates")["items"]) == 1
    merge = call.ok("POST", f"/contacts/{kept}/merge", {"contact_id": other})
    assert call("GET", f"/contacts/{other}").status_code == 404
    assert call.ok("POST", f"/merges/{merge['merge_id']}/undo")["id"] == other
    assert call("POST", f"/merges/{merge['merge_id']}/undo").status_code == 404
