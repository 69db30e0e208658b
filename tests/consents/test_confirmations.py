"""Double opt-in: a consent counts once the contact has confirmed it by a link."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clarion.broadcasts import people
from clarion.broadcasts.audience import summary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.consents import confirmations, grants
from clarion.consents.asking import LASTS
from clarion.consents.confirmations import CONFIRM, pending_counts
from clarion.consents.grants import counts, give, withdraw
from clarion.consents.manage import Confirming, ConsentError, define, update
from clarion.consents.models import Change, Confirmation, Consent
from clarion.consents.proof import Proof
from clarion.contacts import addresses
from clarion.contacts.models import Address
from clarion.kit import clock
from support import factory
from support.programs import ProgramClient

pytestmark = pytest.mark.django_db
BY = factory.BY


@pytest.fixture(autouse=True)
def _public(settings: Settings) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})


@pytest.fixture
def mail() -> Channel:
    return factory.channel("mail", "email")


@pytest.fixture
def news(mail: Channel) -> Consent:
    text = "Hello {{ contact.name }}: {{ confirm_url }}"
    return define(name="News", text="Monthly.", confirming=Confirming(mail, "Sure?", text), by=BY)


@pytest.fixture
def anna(mail: Channel) -> Address:
    return factory.address(mail, "anna@example.org", "Anna {{ x }}")


def asked() -> Confirmation:
    return Confirmation.objects.get()


def open_link(method: str = "GET", number: int = 0, **headers: str) -> Any:
    path = f"/confirm/{CONFIRM.token(number or asked().pk)}"
    return ProgramClient().request(method, path, headers=headers)


def later(**fields: Any) -> None:
    Confirmation.objects.update(**fields)


def test_it_counts_once_it_is_confirmed(mail: Channel, news: Consent, anna: Address) -> None:
    proof = Proof("shop.example/form", "198.51.100.3", "Opera")
    assert give(news, [anna.contact_id], how="form", by=BY, proof=proof) == 1
    assert counts() == {}
    assert pending_counts(clock.now()) == {news.pk: 1}
    audience = Audience(kind="all", consents=["News"])
    assert summary(audience, [mail]).dropped == {"no_consent": 1}
    people.catch_up()
    single = Broadcast.objects.get(type="single")
    assert single.title == "Sure?"
    url = f"https://c.example/confirm/{CONFIRM.token(asked().pk)}"
    claimed = factory.settle_all(mail)
    assert [one.to for one in claimed] == ["anna@example.org"]
    assert url in single.text
    update(news, text="Daily.", by=BY)
    page = open_link().content.decode()
    assert "You are about to agree to this:" in page
    assert "Monthly." in page
    assert (
        "Confirmed. Thank you." in open_link("POST", **{"User-Agent": "Firefox"}).content.decode()
    )
    assert counts()[news.pk].given == 1
    assert summary(audience, [mail]).total == 1
    change = Change.objects.get()
    assert change.version is not None
    assert (change.how, change.version.text) == ("form", "Monthly.")
    assert (change.ip, change.user_agent) == ("192.0.2.7", "Firefox")
    assert "shop.example/form, 198.51.100.3, Opera" in change.detail
    open_link("POST")
    assert Change.objects.count() == 1


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(news: Consent, anna: Address, method: str) -> None:
    give(news, [anna.contact_id], how="import", by=BY)
    assert open_link(method, Purpose="prefetch").status_code == 200
    assert not Change.objects.exists()
    assert asked().confirmed_at is None


def test_an_expired_link_confirms_nothing(news: Consent, anna: Address) -> None:
    give(news, [anna.contact_id], how="form", by=BY)
    later(expires_at=clock.now() - timedelta(seconds=1))
    for method in ("GET", "POST"):
        assert "This link has expired." in open_link(method).content.decode()
    assert not Change.objects.exists()
    assert pending_counts(clock.now()) == {}
    give(news, [anna.contact_id], how="form", by=BY)
    open_link("POST")
    assert counts()[news.pk].given == 1


def test_how_often_somebody_is_asked(news: Consent, anna: Address) -> None:
    sent = []
    for _ in range(6):
        sent.append(give(news, [anna.contact_id], how="form", by=BY))
        people.catch_up()
        give(news, [anna.contact_id], how="form", by=BY)  # a moment after: nothing more
        people.catch_up()
        later(sent_at=clock.now() - timedelta(hours=2))
    assert sent == [1, 1, 1, 0, 0, 0]
    assert Broadcast.objects.filter(type="single").count() == 3
    later(expires_at=clock.now(), sent_at=clock.now() - LASTS - timedelta(seconds=1))
    assert give(news, [anna.contact_id], how="form", by=BY) == 1


def test_giving_and_withdrawing_in_turn_sends_no_more(news: Consent, anna: Address) -> None:
    for _ in range(6):
        give(news, [anna.contact_id], how="form", by=BY)
        people.catch_up()
        withdraw(news, [anna.contact_id], how="page", by=BY)
        later(sent_at=clock.now() - timedelta(hours=2))
    assert Broadcast.objects.filter(type="single").count() == 3


def test_an_import_older_than_a_withdrawal_asks_nobody(news: Consent, anna: Address) -> None:
    withdraw(news, [anna.contact_id], how="page", by=BY)
    before = clock.now() - timedelta(days=1)
    assert give(news, [anna.contact_id], how="import", by=BY, at=before) == 0
    assert not Confirmation.objects.exists()


def test_who_opts_out_while_the_message_is_queued_does_not_get_it(
    mail: Channel, news: Consent, anna: Address
) -> None:
    give(news, [anna.contact_id], how="form", by=BY)
    people.catch_up()
    addresses.mark(anna.pk, "opted_out", clock.now())
    assert factory.states(Broadcast.objects.get(type="single")) == {"skipped": 1}
    assert factory.settle_all(mail) == []


def test_who_is_not_asked(mail: Channel, news: Consent, anna: Address) -> None:
    elsewhere = factory.address(factory.channel(), "u1", "Bob")
    assert give(news, [elsewhere.contact_id], how="form", by=BY) == 0
    assert give(news, [anna.contact_id], how="import", by=BY, is_confirmed=True) == 1
    assert give(news, [anna.contact_id], how="form", by=BY) == 0
    other = factory.address(mail, "cem@example.org", "Cem")
    give(news, [other.contact_id], how="page", by=BY)
    assert counts()[news.pk].given == 2
    assert not Confirmation.objects.exists()


def test_who_opted_out_is_sent_nothing_and_the_page_says_why(news: Consent, anna: Address) -> None:
    addresses.mark(anna.pk, "opted_out", clock.now())
    give(news, [anna.contact_id], how="agent", by=BY)
    people.catch_up()
    assert not Broadcast.objects.exists()
    assert asked().problem.startswith("The contact opted out.")
    [standing] = grants.standing(anna.contact)
    assert standing.given is None
    assert standing.asked == asked()


def test_a_withdrawal_ends_what_is_pending(news: Consent, anna: Address) -> None:
    give(news, [anna.contact_id], how="form", by=BY)
    withdraw(news, [anna.contact_id], how="page", by=BY)
    people.catch_up()
    open_link("POST")
    assert counts()[news.pk].given == 0
    assert not Broadcast.objects.exists()


def test_what_is_no_confirmation(mail: Channel, settings: Settings) -> None:
    with pytest.raises(ConsentError, match=r"Write \{\{ confirm_url \}\}"):
        define(name="A", confirming=Confirming(mail, "", "Hello"), by=BY)
    with pytest.raises(ConsentError, match="The message can't be used"):
        define(name="A", confirming=Confirming(mail, "", "{{ confirm_url"), by=BY)
    usual = define(name="A", confirming=Confirming(mail), by=BY)
    assert "{{ confirm_url }}" in usual.confirm_text
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": ""})
    with pytest.raises(ConsentError, match="Set CLARION_PUBLIC_URL first"):
        define(name="B", confirming=Confirming(mail), by=BY)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_links_that_are_not_ours(method: str, news: Consent, anna: Address) -> None:
    give(news, [anna.contact_id], how="form", by=BY)
    for path in ("x", f"{asked().pk}:abc", CONFIRM.token(10**9)):
        assert ProgramClient().request(method, f"/confirm/{path}").status_code == 404
    assert open_link("PUT").status_code == 405
    confirmations.confirm(10**9, Proof(), clock.now())
    assert not Change.objects.exists()
