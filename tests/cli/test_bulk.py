"""``clarion bulk``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.bulk import actions
from clarion.bulk.models import BulkAction
from clarion.consents import manage
from clarion.contacts.models import Address, Contact, Tagging
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Address]:
    return factory.people(factory.channel("Shop"), 3)


def test_done_at_once_after_a_question(
    ok: Callable[..., str], clarion: Callable[..., Any], people: list[Address]
) -> None:
    assert clarion("bulk", "start", "--add-tag", "vip", stdin="n\n").exit_code == 1
    assert not BulkAction.objects.exists()
    asked = clarion("bulk", "start", "--add-tag", "vip", "--search", "person 1", stdin="y\n")
    assert "Add tags to 1 contact?" in asked.stderr
    assert Tagging.objects.count() == 1
    assert "done" in ok("bulk", "list")


def test_left_to_a_worker_shown_and_canceled(
    ok_json: Callable[..., Any], refused: Callable[..., str], people: list[Address]
) -> None:
    queued = ok_json("bulk", "start", "--delete", "--queue", "--yes")
    assert (queued["state"], queued["total"]) == ("waiting", 3)
    assert ok_json("bulk", "show", str(queued["id"])) == queued
    assert ok_json("bulk", "cancel", str(queued["id"]))["state"] == "cancelled"
    assert "has ended already" in refused("bulk", "cancel", str(queued["id"]))
    assert "no bulk action 999" in refused("bulk", "show", "999")
    assert not actions.run_next()
    assert Contact.objects.count() == 3


def test_consents_with_proof_and_contacts_by_id(
    ok_json: Callable[..., Any], people: list[Address]
) -> None:
    consent = manage.define(name="News", by=factory.BY)
    chosen = ("--contact", str(people[0].contact_id))
    given = ok_json("bulk", "start", "--give", "News", "--proof", "Fair", *chosen, "--yes")
    assert (given["state"], given["changed"]) == ("done", 1)
    assert consent.changes.get().detail == "Fair"


def test_what_can_not_be_done_is_said(clarion: Callable[..., Any], people: list[Address]) -> None:
    for arguments, sentence in (
        ((), "Choose one of"),
        (("--add-tag", "a", "--delete"), "Choose one of"),
        (("--add-tag", "a", "--contact", "1", "--search", "x"), "without filters"),
        (("--add-tag", "a", "--where", "age>old"), "Compare"),
        (("--add-tag", "a", "--search", "zzz", "--yes"), "No contacts match"),
    ):
        answer = clarion("bulk", "start", *arguments)
        assert answer.exit_code != 0
        assert sentence in answer.stderr


def test_the_file(ok: Callable[..., str], people: list[Address], tmp_path: Path) -> None:
    file = tmp_path / "bonn.csv"
    ok("bulk", "export", str(file), "--search", "person 2")
    assert file.read_text().count("\n") == 2
