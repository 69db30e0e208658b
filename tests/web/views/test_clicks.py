"""The page of clicks, its filters and its export; clicks in the details of a delivery."""

import re

import pytest
from django.test import Client

from clarion.clicks.links import number_links
from clarion.clicks.store import Visit, store
from clarion.records.models import Delivery
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db
TARGET = "https://shop.example/sale"


@pytest.fixture
def delivery() -> Delivery:
    """Person 0 clicked, 60 times; a scanner opened person 1's link, and was the last."""
    channel = factory.channel("Shop")
    broadcast = factory.broadcast("<b>Spring</b>")
    first, second = (factory.delivery(broadcast, who) for who in factory.people(channel, 2))
    (link,) = number_links(broadcast.pk, [TARGET]).values()
    store([Visit(first.pk, link, factory.START + n) for n in range(60)])
    store([Visit(second.pk, link, factory.START + 99, "agent")])
    return first


def test_without_clicks_the_page_says_how_to_get_them(admin: Client) -> None:
    html = words(admin.get("/clicks/").content.decode())
    assert "No clicks yet" in html
    assert "Track clicks on links" in html


def test_i6_the_list_its_pages_and_filters(admin: Client, delivery: Delivery) -> None:
    html = admin.get("/clicks/").content.decode()
    assert html.count('<tr id="click-') == 50
    assert "&lt;b&gt;Spring&lt;/b&gt;" in html
    assert "Scanners are mail gateways" in words(html)
    older = re.search(r'href="(/clicks/\?cursor=[^"]+)" rel="next"', html)
    assert older
    assert admin.get(older[1]).content.decode().count('<tr id="click-') == 11

    html = admin.get("/clicks/?clicked_by=scanner&name=").content.decode()
    assert not html  # the empty condition is taken out of the address
    html = admin.get("/clicks/?clicked_by=scanner").content.decode()
    assert html.count('<tr id="click-') == 1
    assert "Done by: Scanner" in html
    assert 'href="/clicks/export.csv?clicked_by=scanner"' in html
    html = admin.get(f"/clicks/?first=yes&broadcast={delivery.broadcast_id}").content.decode()
    assert html.count('<tr id="click-') == 1
    assert "First of each contact" in html
    assert "No clicks found" in admin.get("/clicks/?user=nobody").content.decode()


def test_a_wrong_filter_is_named_beside_its_field(admin: Client, delivery: Delivery) -> None:
    html = admin.get("/clicks/?broadcast=abc").content.decode()
    assert "A broadcast id is a number, such as 17." in html
    assert 'id="f-broadcast-problem"' in html
    assert admin.get("/clicks/?cursor=x", follow=True).status_code == 200


def test_i6_export(admin: Client, delivery: Delivery) -> None:
    response = admin.get("/clicks/export.csv?clicked_by=person")
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert response["Content-Disposition"] == 'attachment; filename="clicks.csv"'
    assert len(body.splitlines()) == 61
    assert admin.get("/clicks/export.csv?broadcast=abc").status_code == 302


def test_the_details_of_a_delivery_show_each_click(admin: Client, delivery: Delivery) -> None:
    record = factory.record(delivery)
    for url in (f"/records/{record.pk}/", f"/logs/{delivery.broadcast_id}/chats/{delivery.pk}/"):
        html = admin.get(url).content.decode()
        assert html.count(TARGET) == 60, url


def test_records_lead_to_clicks(admin: Client) -> None:
    assert 'href="/clicks/"' in admin.get("/records/").content.decode()
