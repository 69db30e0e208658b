"""Uploads, as anybody who knows their token gets them."""

import pytest
from django.test import Client

from clarion.content import media

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20


@pytest.fixture
def client() -> Client:
    """A browser."""
    return Client()


@pytest.mark.parametrize("method", ["get", "head"])
def test_an_image_is_shown_to_anybody(client: Client, method: str) -> None:
    row = media.save_upload("a cat.png", "", [PNG])
    response = getattr(client, method)(media.address(row))
    assert response.status_code == 200
    assert response.content == (PNG if method == "get" else b"")
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not response.cookies


@pytest.mark.parametrize("name", ["menu.pdf", "page.html", "Ünal “1”.txt", "%2e%2e", "a;b=c.txt"])
def test_everything_else_is_saved_and_never_run(client: Client, name: str) -> None:
    row = media.save_upload(name, "text/html", [b"<script>alert(1)</script>"])
    response = client.get(media.address(row))
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment; filename")
    assert "html" not in response["Content-Type"]


def test_what_is_not_there(client: Client) -> None:
    row = media.save_upload("cat.png", "", [PNG])
    for address in (
        "/media/abcdefghjkmnpqrs/cat.png",
        f"/media/{row.token}/dog.png",
        f"/media/{row.token}/",
        f"/media/{row.token}/cat.png%00",
        f"/media/{row.token}/..%2f..%2fsecret.key",
        "/media/..%2fsecret.key/cat.png",
    ):
        assert client.get(address).status_code == 404, address
    media.path(row.token).unlink()
    assert client.get(media.address(row)).status_code == 404
    assert client.post(media.address(row)).status_code == 405


def test_a_file_that_can_not_be_read_now_is_asked_for_again(client: Client) -> None:
    row = media.save_upload("cat.png", "", [PNG])
    media.path(row.token).unlink()
    media.path(row.token).mkdir()  # a folder can't be read, whoever the tests run as
    response = client.get(media.address(row))
    assert (response.status_code, response["Retry-After"]) == (503, "60")
