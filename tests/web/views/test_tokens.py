"""The pages of API tokens."""

import pytest
from django.test import Client

from clarion.accounts.models import ApiToken
from clarion.accounts.tokens import find_token
from web.conftest import LogIn

FORM = {"name": "Web shop", "expires": "30", "scopes": ["contacts:read", "messages:write"]}


def test_a_token_is_created_and_shown_once(admin: Client) -> None:
    assert "No API tokens yet" in admin.get("/account/tokens/").content.decode()
    page = admin.post("/account/tokens/new/", FORM)
    token = ApiToken.objects.get()
    secret = page.context["secret"]

    assert f"<code>{secret}</code>" in page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    assert find_token(secret) == token
    assert token.scopes == FORM["scopes"]
    assert token.expires_at is not None
    listed = admin.get("/account/tokens/").content.decode()
    assert token.prefix in listed
    assert secret not in listed


def test_it_links_to_the_documentation(admin: Client) -> None:
    page = admin.get("/account/tokens/")
    documentation = page.context["documentation"]
    assert f'href="{documentation}"' in page.content.decode()
    assert b"OpenAPI 3.1" in admin.get(documentation).content


def test_what_is_wrong_is_said_beside_its_field(admin: Client) -> None:
    admin.post("/account/tokens/new/", FORM)
    html = admin.post("/account/tokens/new/", FORM).content.decode()
    assert "There is already a token called “Web shop”." in html
    html = admin.post("/account/tokens/new/", {"name": "B", "scopes": ["everything"]})
    assert ApiToken.objects.count() == 1
    assert html.status_code == 200


def test_a_token_is_revoked_after_a_question(admin: Client) -> None:
    admin.post("/account/tokens/new/", FORM)
    path = f"/account/tokens/{ApiToken.objects.get().pk}/revoke/"
    assert "Revoke “Web shop”?" in admin.get(path).content.decode()
    assert ApiToken.objects.get().revoked_at is None
    admin.post(path)
    assert ApiToken.objects.get().revoked_at is not None
    assert admin.post(path).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("sender", 403), ("manager", 200)])
def test_managers_and_admins_only(log_in: LogIn, role: str, status: int) -> None:
    client = log_in(role)
    assert client.get("/account/tokens/").status_code == status
    assert client.post("/account/tokens/new/", FORM).status_code == status
    assert ("audit:read" in client.get("/account/tokens/new/").content.decode()) is False
