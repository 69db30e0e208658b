"""Visitors of a website who subscribe to a channel: contacts and consents."""

import hmac
import json
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from channels.webpush.fixtures import CASE, ENDPOINT, PROFILE_SECRET, STORED, subscription
from clarion.channels.models import Channel
from clarion.channels.webpush.keys import encoded
from clarion.consents.manage import define
from clarion.consents.models import Change, Grant
from clarion.contacts.addresses import mark
from clarion.contacts.models import Address, Contact
from clarion.hooks.subscribing import MOST_A_MINUTE
from clarion.kit import clock
from support import factory
from support.programs import Answered, ProgramClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    define(name="News", text="News of the shop.", by=factory.BY)
    return factory.channel("push", "webpush", **{**CASE.settings, "consent": "News"})


def post(client: ProgramClient, channel: Channel, name: str = "anna", **fields: Any) -> Answered:
    endpoint = ENDPOINT if name == "anna" else f"{ENDPOINT}-{name}"
    whole = {"type": "subscribe", "subscription": subscription(name, endpoint), **fields}
    body, agent = json.dumps(whole).encode(), {"user-agent": "Browser/1.0"}
    path = f"/subscribe/{channel.pk}/"
    return client.post(path, body, content_type="text/plain", headers=agent)


def profile(**claims: Any) -> str:
    exp = int(clock.now().timestamp()) + 60
    head, payload = (
        encoded(json.dumps(part).encode()) for part in ({"alg": "HS256"}, {"exp": exp, **claims})
    )
    mac = hmac.digest(PROFILE_SECRET.encode(), f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{encoded(mac)}"


def test_a_visitor_becomes_a_contact_who_gave_the_consent(
    client: ProgramClient, channel: Channel
) -> None:
    answer = post(client, channel, attributes={"vip": True}, name="anna")
    assert answer.status_code == 204
    assert answer["access-control-allow-origin"] == "*"
    address = Address.objects.get()
    assert (address.value, address.user_id) == (STORED, CASE.message.to)
    assert (address.contact.attributes, address.has_written) == ({}, True)
    change = Change.objects.get()
    assert (change.given, change.how, change.ip) == (True, "form", "192.0.2.7")
    assert change.user_agent == "Browser/1.0"
    assert change.version is not None


def test_a_signed_profile_fills_in_the_contact(client: ProgramClient, channel: Channel) -> None:
    token = profile(name="Anna", language="de", attributes={"city": "Graz"}, tags=["vip"])
    assert post(client, channel, profile=token).status_code == 204
    contact = Contact.objects.get()
    assert (contact.name, contact.language) == ("Anna", "de")
    assert contact.attributes == {"city": "Graz"}
    assert list(contact.taggings.values_list("tag__name", flat=True)) == ["vip"]


def test_subscribing_again_adds_nobody(client: ProgramClient, channel: Channel) -> None:
    for _ in range(2):
        assert post(client, channel).status_code == 204
    assert Address.objects.count() == Change.objects.count() == 1


@pytest.mark.parametrize("state", ["opted_out", "unreachable"])
def test_who_subscribes_again_gets_messages_again(
    client: ProgramClient, channel: Channel, state: str
) -> None:
    post(client, channel)
    mark(Address.objects.get().pk, state, clock.now())
    post(client, channel)
    assert Address.objects.get().state == "active"


def test_an_update_opts_nobody_in(client: ProgramClient, channel: Channel) -> None:
    post(client, channel)
    assert post(client, channel, type="unsubscribe").status_code == 204
    assert post(client, channel, type="update", profile=profile(name="Anna")).status_code == 204
    address = Address.objects.get()
    assert (address.state, address.contact.name) == ("opted_out", "Anna")
    assert not Grant.objects.get().given
    assert post(client, channel, "ben", type="update").status_code == 204
    assert Address.objects.count() == 1


@pytest.mark.parametrize("state", ["active", "opted_out", "unreachable"])
def test_a_browser_that_replaces_its_subscription_opts_nobody_in(
    client: ProgramClient, channel: Channel, state: str
) -> None:
    post(client, channel)
    contact = Contact.objects.get()
    mark(Address.objects.get().pk, state, clock.now())
    old = subscription("anna", ENDPOINT)
    assert post(client, channel, "ben", type="renew", old=old).status_code == 204
    address = Address.objects.get(alias_of=None)
    assert address.contact == contact
    assert address.state == ("opted_out" if state == "opted_out" else "active")
    assert address.user_id.startswith(f"{ENDPOINT}-ben ")
    assert Change.objects.count() == 1


def test_a_subscription_of_which_only_the_id_was_known_gets_its_keys(
    client: ProgramClient, channel: Channel
) -> None:
    post(client, channel)
    Address.objects.update(written="")
    post(client, channel)
    assert Address.objects.get().user_id == CASE.message.to


def test_a_stranger_replaces_no_subscription(client: ProgramClient, channel: Channel) -> None:
    post(client, channel)
    forged = subscription("mallory", ENDPOINT)
    assert post(client, channel, "ben", type="renew", old=forged).status_code == 204
    assert post(client, channel, "ben", type="renew").status_code == 400
    assert Address.objects.get().user_id == CASE.message.to


def test_unsubscribing_opts_out_and_withdraws_the_consent(
    client: ProgramClient, channel: Channel
) -> None:
    post(client, channel)
    assert post(client, channel, type="unsubscribe").status_code == 204
    assert Address.objects.get().state == "opted_out"
    assert not Grant.objects.get().given


def test_who_knows_only_the_address_of_a_subscription_ends_nothing(
    client: ProgramClient, channel: Channel
) -> None:
    post(client, channel)
    forged = subscription("mallory", ENDPOINT)
    assert post(client, channel, type="unsubscribe", subscription=forged).status_code == 204
    assert Address.objects.get().state == "active"
    assert post(client, channel, "ben", type="unsubscribe").status_code == 204
    assert Address.objects.count() == 1


def test_a_consent_that_is_gone_costs_no_subscription(client: ProgramClient) -> None:
    channel = factory.channel("push", "webpush", **{**CASE.settings, "consent": "Gone"})
    assert post(client, channel).status_code == 204
    assert (Address.objects.count(), Change.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"subscription": subscription(endpoint="https://10.0.0.1/x")}, "push services"),
        ({"subscription": {"endpoint": ENDPOINT}}, "subscription"),
        ({"profile": "a.b.c"}, "signed"),
    ],
)
def test_what_cannot_be_taken_is_explained(
    client: ProgramClient, channel: Channel, fields: dict[str, Any], words: str
) -> None:
    answer = post(client, channel, **fields)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Address.objects.exists()


def test_wrong_details_in_a_profile_are_explained(client: ProgramClient, channel: Channel) -> None:
    answer = post(client, channel, profile=profile(attributes={"not a name!": "x"}))
    assert answer.status_code == 400
    assert "attributes" in answer.content.decode()
    assert not Contact.objects.exists()


def test_one_visitor_cannot_fill_the_database(client: ProgramClient, channel: Channel) -> None:
    codes = [post(client, channel, type="unsubscribe").status_code for _ in range(MOST_A_MINUTE)]
    assert set(codes) <= {204, 429}
    extra = [post(client, channel).status_code for _ in range(MOST_A_MINUTE + 1)]
    assert 429 in extra


def test_the_scripts_are_public(
    client: ProgramClient, channel: Channel, settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://clarion.example"})
    answer = client.get(f"/subscribe/{channel.pk}/worker.js")
    assert (answer.status_code, answer["access-control-allow-origin"]) == (200, "*")
    assert answer["content-type"].startswith("text/javascript")
    assert answer["cache-control"] == "public, max-age=300"
    assert f"https://clarion.example/hooks/{channel.pk}/".encode() in answer.content
    assert client.get(f"/subscribe/{channel.pk}/kind.py").status_code == 404


def test_without_a_public_url_the_scripts_say_what_is_missing(
    client: ProgramClient, channel: Channel, settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    answer = client.get(f"/subscribe/{channel.pk}/worker.js")
    assert answer.status_code == 404
    assert "CLARION_PUBLIC_URL" in answer.content.decode()


def test_a_browser_may_ask_from_any_website(client: ProgramClient, channel: Channel) -> None:
    answer = client.request("OPTIONS", f"/subscribe/{channel.pk}/")
    assert (answer.status_code, answer["access-control-allow-methods"]) == (204, "GET, POST")


def test_other_channels_take_no_subscriptions(client: ProgramClient, channel: Channel) -> None:
    webhook = factory.channel("sink")
    assert post(client, webhook).status_code == 404
    assert client.get("/subscribe/99/worker.js").status_code == 404
    assert client.get("/subscribe/").status_code == 404
    assert client.request("PUT", f"/subscribe/{channel.pk}/").status_code == 405
