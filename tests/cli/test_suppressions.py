"""``clarion suppressions``: the list, by hand and as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.channels.contract import AddressReport
from clarion.contacts import addresses
from clarion.contacts.models import Address
from clarion.contacts.suppressions import reports
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mail() -> list[Address]:
    channel = factory.channel("mail", "email")
    values = ("ada@example.com", "bob@example.com", "cem@example.org")
    return [factory.address(channel, value) for value in values]


def test_added_listed_and_removed(
    mail: list[Address],
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    clarion: Callable[..., Any],
) -> None:
    assert "Nothing is on the suppression list." in ok("suppressions", "list")
    said = ok("suppressions", "add", "*@example.com", "--kind", "email", "--note", "Competitor")
    assert said.strip() == "*@example.com is on the list. It matches 2 addresses."
    addresses.mark(mail[2].pk, "opted_out", clock.now())
    entry, stopped = ok_json("suppressions", "list")
    assert (entry["address"], entry["reason"], entry["addresses"], entry["note"]) == (
        "*@example.com", "blocked", 2, "Competitor",
    )  # fmt: skip
    assert (stopped["address"], stopped["reason"], stopped["source"], stopped["channel"]) == (
        "cem@example.org", "opted_out", "contact", "mail",
    )  # fmt: skip
    assert ok_json("suppressions", "list", "--reason", "opted_out") == [stopped]
    assert ok_json("suppressions", "list", "--search", "EXAMPLE.com", "--kind", "email") == [entry]
    asked = clarion("suppressions", "remove", "*@example.com", "--kind", "email")
    assert "Broadcasts are sent to 2 addresses again" in asked.stderr
    assert Address.objects.exclude(suppression=None).count() == 2
    ok("suppressions", "remove", "*@Example.com", "--kind", "email", "--yes")
    assert not Address.objects.exclude(suppression=None).exists()
    unknown = clarion("suppressions", "remove", "x@y.zz", "--kind", "email", "--yes")
    assert "There is no entry “x@y.zz” for email" in unknown.stderr


def test_from_a_file_and_back_into_one(
    mail: list[Address], ok: Callable[..., str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    path, rejects, out = (tmp_path / name for name in ("in.csv", "rejects.csv", "out.csv"))
    path.write_text(
        "Address,Reason,note,other\n"
        "ada@example.com,Opted out,left,1\n"
        "*@example.org,,,\n"
        "nobody,gone,,\n"
        "ADA@example.com,gone,later,\n"
        "x@example.net,rumour,,\n"
    )
    options = ("--kind", "email", "--reason", "complained", "--rejects", str(rejects))
    counts = ok_json("suppressions", "import", str(path), *options)
    assert counts == {"lines": 5, "added": 2, "known": 1, "rejected": 2}
    assert [line.split(",")[0] for line in rejects.read_text().splitlines()] == ["line", "4", "6"]
    ok("suppressions", "add", "+44*", "--kind", "webhook")
    listed = ok_json("suppressions", "list")
    assert {(row["address"], row["reason"]) for row in listed} == {
        ("ada@example.com", "gone"), ("*@example.org", "complained"), ("+44*", "blocked"),
    }  # fmt: skip
    assert Address.objects.exclude(suppression=None).count() == 2
    ok("suppressions", "export", str(out))
    ok("suppressions", "remove", "ada@example.com", "*@example.org", "--kind", "email", "--yes")
    ok("suppressions", "import", str(out))
    again = ok_json("suppressions", "list")
    assert {(row["address"], row["kind"], row["reason"], row["note"]) for row in again} == {
        (row["address"], row["kind"], row["reason"], row["note"]) for row in listed
    }


def test_a_file_without_what_it_needs(clarion: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a,b\n1,2\n")
    assert (
        "Give the column of addresses the title “address”"
        in clarion("suppressions", "import", str(path)).stderr
    )
    path.write_text("address\n1\n")
    assert (
        "The file has no column “kind”. Choose the kind for all."
        in clarion("suppressions", "import", str(path)).stderr
    )


def test_removing_a_hard_bounce_can_make_the_address_active_again(
    mail: list[Address], ok: Callable[..., str], clarion: Callable[..., Any]
) -> None:
    for address in mail[:2]:
        reports.note(address.channel, AddressReport(address.value, "hard_bounce", clock.now()))
    reports.list_pending()

    ok("suppressions", "remove", mail[0].value, "--kind", "email", "--reachable", "--yes")
    ok("suppressions", "remove", mail[1].value, "--kind", "email", "--yes")

    states = Address.objects.filter(pk__in=[row.pk for row in mail[:2]]).order_by("pk")
    assert [row.effective_state for row in states] == ["active", "unreachable"]
