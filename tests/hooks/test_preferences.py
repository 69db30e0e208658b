"""The page of a contact's preferences, opened by a signed link."""

from typing import Any

import pytest

from clarion.broadcasts.query import Audience
from clarion.consents import grants
from clarion.consents.grants import counts, give
from clarion.consents.manage import define
from clarion.consents.models import Change, Consent, Grant
from clarion.consents.preferences import PREFERENCES
from clarion.contacts.models import Address, Contact
from clarion.contacts.unsubscribe import make_token
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def news() -> Consent:
    return define(name="News", text="I want <b>news</b>.", by=factory.BY)


@pytest.fixture
def offers() -> Consent:
    return define(name="Offers", by=factory.BY)


def page(client: ProgramClient, address: Address, method: str = "GET", **more: Any) -> Any:
    return client.request(method, f"/preferences/{PREFERENCES.token(address.pk)}", **more)


def post(client: ProgramClient, address: Address, body: str, **headers: str) -> Any:
    form = "application/x-www-form-urlencoded"
    return page(client, address, "POST", body=body.encode(), content_type=form, headers=headers)


def given(address: Address) -> set[str]:
    of_contact = Grant.objects.filter(contact=address.contact_id, given=True)
    return set(of_contact.values_list("consent__name", flat=True))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_opens_the_link_changes_nothing(
    client: ProgramClient, address: Address, news: Consent, method: str
) -> None:
    give(news, [address.contact_id], how="form", by=factory.BY)
    headers = {"Purpose": "prefetch", "Sec-Purpose": "prefetch", "User-Agent": "Scanner/1.0"}
    for query in ("", "?all=1", "?consent=1"):
        url = f"/preferences/{PREFERENCES.token(address.pk)}{query}"
        assert client.request(method, url, headers=headers).status_code == 200
    address.refresh_from_db()
    assert (address.state, Change.objects.count()) == ("active", 1)


def test_the_page_shows_consents_with_their_texts(
    client: ProgramClient, address: Address, news: Consent, offers: Consent
) -> None:
    give(news, [address.contact_id], how="form", by=factory.BY)
    html = page(client, address).content.decode()
    assert "I want &lt;b&gt;news&lt;/b&gt;." in html
    assert html.count("checked") == 1
    assert "anna@example.org" not in html
    assert "<script" not in html
    assert "style=" not in html


def test_what_is_chosen_is_saved_with_its_proof(
    client: ProgramClient, address: Address, news: Consent, offers: Consent
) -> None:
    give(offers, [address.contact_id], how="form", by=factory.BY)
    body = f"shown={news.pk}&shown={offers.pk}&consent={news.pk}"
    response = post(client, address, body, **{"User-Agent": "Mozilla/5.0"})
    assert "Your preferences are saved." in response.content.decode()
    assert "set-cookie" not in response.headers
    assert given(address) == {"News"}
    first, second = grants.changes(address.contact)[:2]
    assert {first.consent.name, second.consent.name} == {"News", "Offers"}
    for change in (first, second):
        assert (change.how, change.user_agent) == ("page", "Mozilla/5.0")
        assert change.ip == "192.0.2.7"
    post(client, address, body)
    assert Change.objects.count() == 3  # saved again: nothing is new


def test_a_consent_that_was_added_meanwhile_stays_as_it_is(
    client: ProgramClient, address: Address, news: Consent, offers: Consent
) -> None:
    give(offers, [address.contact_id], how="form", by=factory.BY)
    post(client, address, f"shown={news.pk}&consent={offers.pk}&shown=999&shown=x")
    assert given(address) == {"Offers"}


def test_unsubscribing_from_everything_and_coming_back(
    client: ProgramClient, address: Address, news: Consent
) -> None:
    other = Address.objects.create(
        contact=address.contact, channel=factory.channel("bot", "telegram"), value="7"
    )
    give(news, [address.contact_id], how="form", by=factory.BY)
    broadcast = factory.sending([address.channel], audience=Audience(kind="all", consents=["News"]))
    said = post(client, address, "all=1").content.decode()
    assert "You are unsubscribed from everything." in said
    assert given(address) == set()
    assert counts()[news.pk].withdrawn == 1
    for each in (address, other):
        each.refresh_from_db()
        assert each.state == "opted_out"
    assert factory.states(broadcast) == {"skipped": 1}
    assert "You are unsubscribed from everything." in page(client, address).content.decode()
    post(client, address, f"shown={news.pk}&consent={news.pk}")
    address.refresh_from_db()
    assert (address.state, given(address)) == ("active", {"News"})


@pytest.mark.parametrize(
    ("language", "accepts", "said"),
    [
        ("de", "", "Einstellungen speichern"),
        ("fr-CA", "de", "Enregistrer les préférences"),
        ("es", "", "Guardar preferencias"),
        ("", "de-AT,de;q=0.9", "Einstellungen speichern"),
        ("xx", "", "Save preferences"),
        ("", "", "Save preferences"),
    ],
)
def test_it_is_in_the_language_of_the_contact(
    client: ProgramClient,
    address: Address,
    news: Consent,
    language: str,
    accepts: str,
    said: str,
) -> None:
    Contact.objects.update(language=language)
    html = page(client, address, headers={"Accept-Language": accepts}).content.decode()
    assert said in html


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_links_of_another_kind_are_not_ours(
    client: ProgramClient, address: Address, method: str
) -> None:
    for token in (make_token(address.pk), "x", f"{address.pk}:abc"):
        assert client.request(method, f"/preferences/{token}").status_code == 404
    address.refresh_from_db()
    assert address.state == "active"


def test_somebody_deleted_and_other_methods(client: ProgramClient, address: Address) -> None:
    assert page(client, address, "PUT").status_code == 405
    token = PREFERENCES.token(address.pk)
    address.delete()
    for method in ("GET", "POST"):
        assert client.request(method, f"/preferences/{token}").status_code == 404


def test_withdrawing_a_consent_does_not_lift_an_opt_out(
    client: ProgramClient, address: Address, news: Consent, offers: Consent
) -> None:
    for consent in (news, offers):
        give(consent, [address.contact_id], how="form", by=factory.BY)
    client.post(f"/unsubscribe/{make_token(address.pk)}")
    shown = f"shown={news.pk}&shown={offers.pk}"

    post(client, address, f"{shown}&consent={news.pk}")

    address.refresh_from_db()
    assert (address.state, given(address)) == ("opted_out", {"News"})
    post(client, address, f"{shown}&consent={news.pk}")  # nothing but this: they want it
    address.refresh_from_db()
    assert address.state == "active"
