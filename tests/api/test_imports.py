"""Imports of contacts by the API."""

from typing import Any

import pytest

from api.conftest import MakeToken, Program
from api.test_foundation import problem
from clarion.accounts import audit
from clarion.accounts.models import AuditEntry
from clarion.channels.models import Channel
from clarion.consents.manage import define
from clarion.contacts import import_undo, imports
from clarion.contacts.models import Address, Contact, Tagging
from clarion_client import ApiError
from support import factory

FILE = b"customer;Given name;points\nanna;Anna;7\nben;Ben;many\n;Nobody;1\nanna;Anna;7\n"


def never() -> bool:
    return False


@pytest.fixture
def start(call: Program, channel: Channel) -> Any:
    def run(content: bytes = FILE, **more: Any) -> Any:
        options = {"id_column": "customer", "column": ["Given name=name"], "tag": ["fair"], **more}
        return call.clarion.start_import(
            ("people.csv", content, "text/csv"), channel_id=channel.pk, **options
        )

    return run


def test_a_file_is_imported_followed_and_undone(call: Program, start: Any) -> None:
    asked = start()
    assert (asked["state"], asked["by"]) == ("waiting", "API token Shop")
    assert imports.run_next(1, never)

    done = call.clarion.get_import(asked["id"])
    assert done["state"] == "done", done["error"]
    assert (done["lines"], done["created"], done["repeated"], done["rejected"]) == (4, 2, 1, 1)
    reasons = {line["line"]: line["reason"] for line in done["first_rejected"]}
    assert "empty" in reasons[4]
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Anna", "Ben"]
    assert Tagging.objects.count() == 2
    entry = AuditEntry.objects.get(action="contacts.import")
    assert entry.actor == "API token Shop"

    assert done["can_be_undone"]
    assert call.clarion.undo_import(asked["id"])["undo"]["state"] == "waiting"
    assert import_undo.undo_next(never)
    undone = call.clarion.get_import(asked["id"])["undo"]
    assert (undone["state"], undone["removed"], undone["kept"]) == ("done", 2, 0)
    assert not Contact.objects.exists()
    assert problem(call("POST", f"/imports/{asked['id']}/undo"))["status"] in {409, 422}
    assert [each["id"] for each in call.clarion.list_imports()["items"]] == [asked["id"]]


def test_what_could_not_be_undone_is_listed(call: Program, start: Any) -> None:
    asked = start()
    assert imports.run_next(1, never)
    anna = Contact.objects.get(name="Anna")
    audit.note("contact.edit", f"contact {anna.pk}", factory.BY)
    call.clarion.undo_import(asked["id"])
    assert import_undo.undo_next(never)

    undone = call.clarion.get_import(asked["id"])["undo"]
    assert (undone["removed"], undone["kept"]) == (1, 1)
    reason = "changed by hand since"
    assert undone["first_kept"] == [{"line": anna.pk, "user_id": "", "reason": reason}]


def test_a_dry_run_changes_nothing_and_modes_are_kept(
    call: Program, start: Any, channel: Channel
) -> None:
    factory.address(channel, "anna", "Anna of old")
    dry = start(dry_run=True)
    assert imports.run_next(1, never)
    assert call.clarion.get_import(dry["id"])["created"] == 1
    assert Address.objects.count() == 1

    added = start(mode="add", keep=True)
    assert (added["mode"], added["keeps"]) == ("add", True)
    assert imports.run_next(1, never)
    assert Contact.objects.get(addresses__value="anna").name == "Anna of old"
    assert call.clarion.get_import(added["id"])["skipped"] == 1


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (b"", {}, "empty"),
        (b"a,b\n1,2\n", {"column": []}, "customer"),
        (FILE, {"column": ["No such title=name"]}, "No such title"),
        (FILE, {"column": ["points=pigeon"]}, "pigeon"),
        (FILE, {"tag": ["x" * 500]}, "tag"),
    ],
)
def test_what_can_be_seen_at_once_is_refused(
    start: Any, content: bytes, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ApiError) as refused:
        start(content, **options)
    assert words in str(refused.value)


@pytest.mark.parametrize("column", ["points=consent:Newsletter", "Given name=name"])
def test_giving_consents_needs_its_own_scope(
    make_token: MakeToken, call: Program, channel: Channel, column: str
) -> None:
    define(name="Newsletter", by=factory.BY)
    file = ("people.csv", b"id;Given name;Newsletter;points\nanna;Anna;yes;yes\n", "text/csv")
    options = {"channel_id": channel.pk, "id_column": "id", "column": [column]}
    with pytest.raises(ApiError) as refused:
        Program(make_token(["contacts:write"], "Import")).clarion.start_import(file, **options)
    assert refused.value.status == 403
    assert "consents:write" in str(refused.value)
    if column == "Given name=name":
        assert call.clarion.start_import(file, **options)["state"] == "waiting"
