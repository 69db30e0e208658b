"""Numbers and search texts of any size are answered, never with a 500."""

import pytest
from django.test import Client

from support import factory

DIGITS = "9" * 5_000
LONG = "x" * 60_000
PAGES = ("/", "/contacts/", "/chats/", "/stories/", "/broadcasts/compose/contacts", "/records/")


@pytest.mark.parametrize("q", [DIGITS, LONG, "é" * 60_000, "٣" * 30, "9" * 19])
@pytest.mark.parametrize("path", PAGES)
def test_any_search_text(admin: Client, path: str, q: str) -> None:
    assert admin.get(path, {"q": q, "user": q}).status_code == 200


@pytest.mark.parametrize("number", [DIGITS, "9" * 19, "-1", "٣", "x"])
def test_any_number(admin: Client, number: str) -> None:
    broadcast = factory.draft([factory.channel()])
    for path in PAGES:
        assert admin.get(path, {"after": number, "section": "drafts"}).status_code < 500
    assert admin.get(f"/broadcasts/{broadcast.pk}/runs/", {"after": number}).status_code == 200
    assert admin.get("/stories/1/", {"version": number}).status_code == 404


@pytest.mark.parametrize("pk", [2**63 - 1, 2**63, 10**30])
@pytest.mark.parametrize("path", ["/records/{}/", "/broadcasts/{}/", "/chats/{}/", "/contacts/{}/"])
def test_any_number_in_an_address(admin: Client, path: str, pk: int) -> None:
    assert admin.get(path.format(pk)).status_code == 404
