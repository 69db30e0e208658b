"""The unsubscribe page and RFC 8058's one-click POST."""

from typing import Any

import pytest

from clarion.contacts.models import Address
from clarion.contacts.unsubscribe import make_token
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db


def state(address: Address) -> str:
    address.refresh_from_db()
    return address.state


def page(client: ProgramClient, address: Address, method: str = "get", **more: Any) -> Any:
    return client.request(method.upper(), f"/unsubscribe/{make_token(address.pk)}", **more)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_the_page_unsubscribes_nobody(
    client: ProgramClient, address: Address, method: str
) -> None:
    response = page(client, address, method)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert state(address) == "active"
    if method == "get":
        assert b'<form method="post">' in response.content
        assert b"anna@example.org" not in response.content


@pytest.mark.parametrize(
    "more",
    [
        {
            "body": b"List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
            "headers": {"Origin": "https://mail.example", "Referer": "https://mail.example/"},
        },
        {},
    ],
)
def test_a_post_unsubscribes_without_log_in_cookie_or_redirect(
    client: ProgramClient, address: Address, more: dict[str, Any]
) -> None:
    response = page(client, address, "post", **more)
    assert response.status_code == 200
    assert b"You are unsubscribed" in response.content
    assert state(address) == "opted_out"
    assert "set-cookie" not in response.headers


def test_twice_is_as_good_as_once(client: ProgramClient, address: Address) -> None:
    for _ in range(2):
        assert page(client, address, "post").status_code == 200
    assert state(address) == "opted_out"


def test_others_stay(client: ProgramClient, address: Address) -> None:
    other = Address.objects.create(
        channel=address.channel, contact=address.contact, value="bob@example.org"
    )
    page(client, address, "post")
    assert state(other) == "active"


def test_somebody_deleted_meanwhile_is_unsubscribed_all_the_same(
    client: ProgramClient, address: Address
) -> None:
    token = make_token(address.pk)
    address.delete()
    assert client.post(f"/unsubscribe/{token}").status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "token", ["{id}", "{id}:abc", "x", "%00", ":", "{good}x", "{good}%20", "1" * 5000]
)
def test_a_link_that_is_not_ours_is_404_and_does_nothing(
    client: ProgramClient, address: Address, method: str, token: str
) -> None:
    token = token.format(id=address.pk, good=make_token(address.pk))
    response = client.request(method.upper(), f"/unsubscribe/{token}")
    assert response.status_code == 404
    assert b"This link is not complete." in response.content
    assert state(address) == "active"


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(client: ProgramClient, address: Address, method: str) -> None:
    assert page(client, address, method).status_code == 405
    assert state(address) == "active"


def test_the_page_holds_no_script_and_no_inline_style(
    client: ProgramClient, address: Address
) -> None:
    html = page(client, address).content.decode()
    assert "<script" not in html
    assert "<style" not in html
    assert "style=" not in html
    assert '<html lang="en' in html
    assert "<title>Unsubscribe</title>" in html
