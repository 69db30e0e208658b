"""Tracked links are followed: where they lead, what is kept of it, what is refused."""

from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from clarion.clicks.links import count_opens, number_links
from clarion.clicks.models import OPENED, Click
from clarion.clicks.tokens import image_url, make_token
from clarion.hooks import clicks
from clarion.records.models import Delivery
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}
TARGET, PERSONAL = "https://shop.example/sale?a=1", "https://shop.example/{{ contact.id }}"


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> ProgramClient:
    """A browser, at a server with a data folder of its own."""
    settings.CLARION = settings.CLARION.model_copy(update={"data": tmp_path})
    return ProgramClient()


@pytest.fixture
def delivery() -> Delivery:
    address = factory.address(factory.channel(), "7", "Anna")
    return factory.delivery(factory.broadcast("Spring"), address)


@pytest.fixture
def links(delivery: Delivery) -> dict[str, int]:
    return dict(number_links(delivery.broadcast_id, [TARGET, PERSONAL]))


def opened(client: ProgramClient, token: str, method: str = "GET", **headers: str) -> Any:
    return client.request(method, f"/c/{token}", headers=BROWSER | headers)


def test_i6_a_click_leads_on_and_is_kept(
    client: ProgramClient, delivery: Delivery, links: dict[str, int]
) -> None:
    response = opened(client, make_token(delivery.pk, links[TARGET]))
    assert (response.status_code, response["Location"]) == (302, TARGET)
    assert response["Cache-Control"] == "no-store"
    click = Click.objects.get()
    assert (click.delivery_id, click.broadcast_id) == (delivery.pk, delivery.broadcast_id)
    assert (click.link_id, click.address_id) == (links[TARGET], delivery.address_id)
    assert (click.clicked_by, click.sign) == ("person", "")


def test_what_is_personal_is_carried_in_the_link(
    client: ProgramClient, delivery: Delivery, links: dict[str, int]
) -> None:
    response = opened(client, make_token(delivery.pk, links[PERSONAL], ["a b/../c"]))
    assert response["Location"] == "https://shop.example/a%20b/../c"


@pytest.mark.parametrize(
    ("method", "headers", "sign"),
    [
        ("HEAD", {}, "head"),
        ("GET", {"Sec-Purpose": "prefetch;anonymous-client-ip"}, "prefetch"),
        ("GET", {"User-Agent": "Googlebot/2.1"}, "agent"),
    ],
)
def test_scanners_are_led_on_and_told_apart(
    client: ProgramClient, delivery: Delivery, links: dict[str, int], method: str,
    headers: dict[str, str], sign: str,
) -> None:  # fmt: skip
    response = opened(client, make_token(delivery.pk, links[TARGET]), method, **headers)
    assert (response.status_code, response["Location"]) == (302, TARGET)
    click = Click.objects.get()
    assert (click.clicked_by, click.sign) == ("scanner", sign)


def test_nothing_leads_to_what_was_not_written(
    client: ProgramClient, delivery: Delivery, links: dict[str, int]
) -> None:
    good = make_token(delivery.pk, links[TARGET])
    tokens = [
        "", "x", good[:-1], f"{good}x", f"{good}=", f"{good}/", f"{good}?url=https://evil.example",
        make_token(delivery.pk, 10**9), make_token(delivery.pk, links[TARGET], ["evil"]),
        make_token(delivery.pk, links[PERSONAL]), "https://evil.example", "//evil.example",
        "%0d%0aLocation:%20https://evil.example", "\x00", "é", "x" * 20_000,
    ]  # fmt: skip
    for token in tokens:
        response = opened(client, token)
        if "?" in token:
            assert response["Location"] == TARGET
            continue
        assert response.status_code == 404, token
        assert "location" not in response.headers
        assert b"This link is not complete." in response.content
    assert Click.objects.count() == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_are_refused(
    client: ProgramClient, delivery: Delivery, links: dict[str, int], method: str
) -> None:
    response = opened(client, make_token(delivery.pk, links[TARGET]), method)
    assert response.status_code == 405
    assert Click.objects.count() == 0


def test_after_the_broadcast_is_deleted_its_links_still_lead(
    client: ProgramClient, delivery: Delivery, links: dict[str, int]
) -> None:
    Delivery.objects.all().delete()
    response = opened(client, make_token(delivery.pk, links[TARGET]))
    assert (response.status_code, response["Location"]) == (302, TARGET)
    assert Click.objects.count() == 0


def test_a_loop_does_not_fill_the_database(
    client: ProgramClient, delivery: Delivery, links: dict[str, int]
) -> None:
    token = make_token(delivery.pk, links[TARGET])
    for _ in range(clicks.MOST_A_MINUTE + 5):
        assert opened(client, token).status_code == 302
    # A minute may have ended meanwhile.
    assert clicks.MOST_A_MINUTE <= Click.objects.count() < clicks.MOST_A_MINUTE + 5


def test_while_the_database_is_away_people_are_led_on_and_no_click_is_lost(
    client: ProgramClient, delivery: Delivery, links: dict[str, int],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    token = make_token(delivery.pk, links[TARGET])
    with monkeypatch.context() as away:
        away.setattr(clicks, "store", _away)
        away.setattr(clicks, "target_of", _away)
        response = opened(client, token)
        assert response.status_code == 503  # where it leads is not known yet
        assert response["Retry-After"] == "5"
    assert opened(client, token).status_code == 302
    with monkeypatch.context() as away:
        away.setattr(clicks, "store", _away)
        for _ in range(2):
            response = opened(client, token)
            assert (response.status_code, response["Location"]) == (302, TARGET)
    assert Click.objects.count() == 1
    # The next click that the database takes brings what the file holds.
    assert opened(client, token).status_code == 302
    assert Click.objects.count() == 4
    assert list((tmp_path / "clicks").iterdir()) == []


def _away(*_: object, **__: object) -> None:
    raise OperationalError("the database is away")


def test_i6_an_opened_e_mail_is_kept_and_the_image_is_not(
    client: ProgramClient, delivery: Delivery, settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    count_opens(delivery.broadcast_id)
    token = image_url(delivery.pk).removeprefix("https://c.example/c/")
    image = opened(client, token)
    assert (image.status_code, image["Content-Type"]) == (200, "image/gif")
    assert image["Cache-Control"] == "no-store"  # each opening is asked for again
    assert image.content.startswith(b"GIF89a")
    opened(client, token, **{"User-Agent": "Mozilla/5.0"})
    rows = Click.objects.order_by("pk").values_list("link_id", "delivery_id", "clicked_by", "sign")
    assert list(rows) == [
        (OPENED, delivery.pk, "person", ""),
        (OPENED, delivery.pk, "scanner", "privacy"),
    ]
    assert opened(client, f"{token[:-1]}x").status_code == 404
