"""``clarion contacts``: merging by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.contacts.models import Contact
from support import factory

pytestmark = pytest.mark.django_db


def test_likely_duplicates_are_merged_and_separated(
    ok: Callable[..., str],
    ok_json: Callable[..., Any],
    refused: Callable[..., str],
    clarion: Callable[..., Any],
) -> None:
    ada = factory.address(factory.channel("Shop"), "1001", "Ada").contact
    other = factory.address(factory.channel("Mail", "email"), "ada@example.org", "Ada").contact
    [pair] = ok_json("contacts", "duplicates")
    assert (pair["contact"], pair["other"]) == (ada.pk, other.pk)
    assert "Same name: Ada" in ok("contacts", "duplicates")
    asked = clarion("contacts", "merge", "1001", f"#{other.pk}", stdin="n\n")
    assert "RESULT" in asked.stdout
    assert Contact.objects.count() == 2

    done = ok_json("contacts", "merge", "1001", "ada@example.org", "--yes")

    assert (done["kept"], done["merged"]) == (ada.pk, other.pk)
    assert [row["merge"] for row in ok_json("contacts", "merges")] == [done["merge"]]
    assert "exists again" in ok("contacts", "unmerge", str(done["merge"]))
    assert Contact.objects.count() == 2
    assert "undone already" in refused("contacts", "unmerge", str(done["merge"]))
    assert "same contact" in refused("contacts", "merge", "1001", "1001", "--yes")
    assert "There are no merges" in ok("contacts", "merges")
