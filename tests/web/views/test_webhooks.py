"""Pages of webhook endpoints."""

import pytest
from django.test import Client
from django.urls import reverse

from clarion.channels.models import Channel
from clarion.webhooks import endpoints, queue
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint, EndpointRequest
from support import factory
from web.conftest import LogIn

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Shop",
    "url": "https://shop.example/events",
    "event_types": ["delivery.sent", "message.received"],
}


def added(admin: Client) -> Endpoint:
    admin.post("/account/webhooks/new/", FORM)
    return Endpoint.objects.get()


def test_an_endpoint_is_added_and_its_secret_shown_once(admin: Client) -> None:
    assert "No webhook endpoints yet" in admin.get("/account/webhooks/").content.decode()
    page = admin.post("/account/webhooks/new/", FORM)
    endpoint = Endpoint.objects.get()
    secret = page.context["secret"]
    assert endpoint.secret["current"] == secret
    assert f"<code>{secret}</code>" in page.content.decode()
    assert page["Cache-Control"] == "private, no-store"
    for path in ("/account/webhooks/", f"/account/webhooks/{endpoint.pk}/"):
        html = admin.get(path).content.decode()
        assert "Shop" in html
        assert secret not in html


def test_what_is_wrong_is_said_beside_its_field(admin: Client) -> None:
    added(admin)
    html = admin.post("/account/webhooks/new/", FORM).content.decode()
    assert "There is already an endpoint called “Shop”." in html
    html = admin.post("/account/webhooks/new/", FORM | {"name": "B", "url": "shop"})
    assert "The address must begin with https:// or http://." in html.content.decode()
    assert Endpoint.objects.count() == 1


def test_it_is_edited_paused_resumed_and_deleted(admin: Client) -> None:
    endpoint = added(admin)
    path = f"/account/webhooks/{endpoint.pk}/"
    admin.post(f"{path}edit/", FORM | {"name": "Store", "event_types": list(EVENT_TYPES)})
    endpoint.refresh_from_db()
    assert (endpoint.name, len(endpoint.event_types)) == ("Store", len(EVENT_TYPES))
    admin.post(f"{path}pause")
    endpoint.refresh_from_db()
    assert endpoint.state == "paused"
    assert "is not active" in admin.post(f"{path}pause", follow=True).content.decode()
    assert "Skip to now" in admin.get(f"{path}resume/").content.decode()
    admin.post(f"{path}resume/", {"skip": "yes"})
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert "Delete “Store”?" in admin.get(f"{path}delete/").content.decode()
    admin.post(f"{path}delete/")
    assert not Endpoint.objects.exists()


def test_the_secret_is_replaced_after_a_question(admin: Client) -> None:
    endpoint = added(admin)
    before = endpoint.secret["current"]
    path = f"/account/webhooks/{endpoint.pk}/secret/"
    assert "Replace the secret of “Shop”?" in admin.get(path).content.decode()
    secret = admin.post(path).context["secret"]
    endpoint.refresh_from_db()
    assert endpoint.secret["current"] == secret != before


def test_the_log_shows_each_request_and_posts_it_again(admin: Client) -> None:
    endpoint = added(admin)
    path = f"/account/webhooks/{endpoint.pk}/"
    assert "No requests yet" in admin.get(path).content.decode()
    admin.post(f"{path}test")
    request = EndpointRequest.objects.get()
    queue.settle(endpoint.pk, [queue.Outcome(request.pk, 500, "The receiver answered 500.", 7)])
    for shown in (path, "/account/webhooks/"):
        assert "Failing" in admin.get(shown).content.decode()
    html = admin.get(f"{path}?part=log").content.decode()
    assert "The receiver answered 500." in html
    assert "csrf" not in html
    EndpointRequest.objects.update(state="failed")
    assert "Post all failed again" in admin.get(path).content.decode()
    one = f"{path}requests/{request.pk}/"
    page = admin.get(one).content.decode()
    assert "This is a test event from Clarion." in page
    assert request.token in page
    admin.post(one)
    request.refresh_from_db()
    assert (request.state, request.attempts) == ("waiting", 0)
    EndpointRequest.objects.update(state="failed")
    answer = admin.post(f"{path}repeat-failed", follow=True).content.decode()
    assert "1 request will be posted again." in answer
    assert admin.post(f"{path}explode").status_code == 404


def test_the_log_has_pages(admin: Client) -> None:
    endpoint = added(admin)
    for _ in range(51):
        endpoints.send_test(endpoint, by=factory.BY)
    page = admin.get(f"/account/webhooks/{endpoint.pk}/")
    assert len(page.context["rows"]) == 50
    older = admin.get(page.context["next_url"])
    assert len(older.context["rows"]) == 1
    damaged = admin.get(f"/account/webhooks/{endpoint.pk}/?after=x")
    assert damaged.headers["Location"] == f"/account/webhooks/{endpoint.pk}/"


def test_a_disabled_endpoint_needs_attention(log_in: LogIn) -> None:
    factory.sending([channel_with_people()])
    endpoints.add_endpoint(**FORM, by=factory.BY)
    endpoints.disable(Endpoint.objects.get(), "No request was accepted for three days.")
    words = "The webhook endpoint Shop is disabled."
    admin = log_in("admin")
    html = admin.get("/").content.decode()
    assert words in html
    assert reverse("webhook", args=[Endpoint.objects.get().pk]) in html
    assert words not in log_in("sender").get("/").content.decode()
    page = admin.get(f"/account/webhooks/{Endpoint.objects.get().pk}/").content.decode()
    assert "No request was accepted for three days." in page


def channel_with_people() -> Channel:
    channel = factory.channel()
    factory.people(channel, 1)
    return channel


@pytest.mark.parametrize(("role", "status"), [("sender", 403), ("manager", 200)])
def test_managers_and_admins_only(log_in: LogIn, role: str, status: int) -> None:
    client = log_in(role)
    endpoint, _ = endpoints.add_endpoint(**FORM, by=factory.BY)
    path = f"/account/webhooks/{endpoint.pk}/"
    for address in ("/account/webhooks/", path, f"{path}edit/", f"{path}delete/"):
        assert client.get(address).status_code == status
