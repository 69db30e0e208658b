"""Channels: the form of each kind, secrets, check, pause."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape

from clarion.channels.condition import condition
from clarion.channels.contract import HookRequest
from clarion.channels.limits import DEFAULT
from clarion.channels.manage import pause_channel, update_channel
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS, adapter
from clarion.channels.settings import config_fields
from clarion.engine.callbacks import Verified, store
from clarion.engine.inbox import apply_waiting
from clarion.kit import clock
from support import factory
from support.listener import reachable
from web.conftest import LogIn

pytestmark = pytest.mark.django_db

PACE = {"rate": "20", "attempts": "3", "backoff": "0.5"}


def test_an_empty_list_leads_on(admin: Client) -> None:
    assert b'href="/channels/add/"' in admin.get("/channels/").content


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_form_made_from_its_settings(admin: Client, kind: str) -> None:
    html = admin.get(f"/channels/add/{kind}/").content.decode()

    for field in config_fields(kind):
        assert f'name="setting-{field.name}"' in html
        assert escape(field.label) in html


def test_what_costs_money_is_asked_before_it_is_turned_on(admin: Client) -> None:
    channel = factory.channel("bot", "telegram")
    url, form = f"/channels/{channel.pk}/", {"setting-paid_broadcasts": "on"}
    asked = admin.post(url, form).content.decode()
    assert "0.1 Telegram Stars for each message over 30 a second" in asked
    assert 'name="confirmed"' in asked
    channel.refresh_from_db()
    assert not channel.config["paid_broadcasts"]
    admin.post(url, form | {"confirmed": "yes"})
    channel.refresh_from_db()
    assert channel.config["paid_broadcasts"]
    assert 'name="confirmed"' not in admin.get(url).content.decode()


def test_an_unknown_kind_is_not_found(admin: Client) -> None:
    assert admin.get("/channels/add/pigeon/").status_code == 404


def test_add_a_channel(admin: Client) -> None:
    form = {"name": "Shop", "setting-url": "http://127.0.0.1:9/in", "setting-idempotent": "on"}

    response = admin.post("/channels/add/webhook/", form | PACE)

    channel = Channel.objects.get()
    assert response["Location"] == f"/channels/{channel.pk}/"
    assert (channel.rate, channel.attempts, channel.backoff) == (20.0, 3, 0.5)
    assert channel.config["idempotent"] is True
    assert channel.config["allow_private"] is False


def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(admin: Client) -> None:
    form = {"name": "Shop", "setting-url": "not an address", "setting-secret": "hush"}

    html = admin.post("/channels/add/webhook/", form | PACE).content.decode()

    assert not Channel.objects.exists()
    assert 'value="not an address"' in html
    assert 'id="id_setting-url_error"' in html
    assert "hush" not in html


def test_a_name_that_is_taken_is_refused(admin: Client) -> None:
    factory.channel("Shop")
    form = {"name": "Shop", "setting-url": "http://127.0.0.1:9/in"}

    html = admin.post("/channels/add/webhook/", form | PACE).content.decode()

    assert "There is already a channel called “Shop”." in html


def test_secrets_are_never_shown_and_kept_when_left_empty(admin: Client) -> None:
    form = {"name": "S", "setting-url": "http://127.0.0.1:9/in", "setting-secret": "hush-hush"}
    admin.post("/channels/add/webhook/", form | PACE)
    channel = Channel.objects.get()

    html = admin.get(f"/channels/{channel.pk}/").content.decode()
    assert "hush-hush" not in html
    assert "Leave empty to keep it" in html

    changed = {"setting-url": "http://127.0.0.1:9/other", "setting-secret": ""}
    admin.post(f"/channels/{channel.pk}/", changed | PACE | {"rate": ""})
    channel.refresh_from_db()
    assert channel.config["secret"] == "hush-hush"
    assert channel.config["url"] == "http://127.0.0.1:9/other"
    assert channel.rate is None


def test_a_paused_channel_is_told_on_every_page(admin: Client) -> None:
    channel = factory.channel("Shop")
    pause_channel(channel, reason="The token is wrong.", by="worker")

    for address in ("/", "/records/", "/contacts/", "/account/"):
        html = admin.get(address).content.decode()
        assert "Channel Shop is paused." in html
        assert "The token is wrong." in html


def test_pause_and_resume(admin: Client) -> None:
    channel = factory.channel()

    admin.post(f"/channels/{channel.pk}/pause")
    channel.refresh_from_db()
    assert (channel.state, channel.paused_reason) == ("paused", "Paused by Admin Example.")

    admin.post(f"/channels/{channel.pk}/resume")
    channel.refresh_from_db()
    assert channel.state == "active"
    assert admin.get(f"/channels/{channel.pk}/pause").status_code == 405


@pytest.fixture
def receiver() -> Iterator[str]:
    with reachable() as url:
        yield url


@pytest.mark.django_db(transaction=True)
def test_the_check_asks_the_provider(admin: Client, receiver: str) -> None:
    channel = factory.channel(url=receiver)

    html = admin.post(f"/channels/{channel.pk}/check").content.decode()

    assert "alert-success" in html
    assert "can be reached" in html


@pytest.mark.django_db(transaction=True)
def test_a_failed_check_says_why(admin: Client, free_port: int) -> None:
    channel = factory.channel(url=f"http://127.0.0.1:{free_port}/in")

    html = admin.post(f"/channels/{channel.pk}/check").content.decode()

    assert "alert-danger" in html


@pytest.mark.django_db(transaction=True)
def test_a_channel_is_checked_on_adding_and_the_answer_is_kept(
    admin: Client, receiver: str
) -> None:
    given = {"name": "Shop", "setting-url": receiver, "setting-allow_private": "on"}

    html = admin.post("/channels/add/webhook/", given | PACE, follow=True).content.decode()

    channel = Channel.objects.get()
    assert (channel.check_failed, condition(channel).state) == (False, "active")
    assert "The receiver can be reached" in channel.check_result
    assert html.count("The receiver can be reached") == 2  # the notice, and what is kept
    assert "Last check" in admin.get(f"/channels/{channel.pk}/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_failed_check_keeps_the_channel_and_is_shown_everywhere(
    admin: Client, receiver: str, free_port: int
) -> None:
    dead = {"setting-url": f"http://127.0.0.1:{free_port}/in", "setting-allow_private": "on"}
    html = admin.post(
        "/channels/add/webhook/", {"name": "Shop"} | dead | PACE, follow=True
    ).content.decode()
    channel = Channel.objects.get()
    assert "The check failed: No connection to" in html
    assert condition(channel).state == "check_failed"
    assert channel.check_result == (
        "No connection to the server: nothing accepts connections there."
    )
    html = admin.get("/channels/").content.decode()
    assert "Check failed" in html
    assert "nothing accepts connections there" in html

    good = {"setting-url": receiver, "setting-allow_private": "on"}
    admin.post(f"/channels/{channel.pk}/", good | PACE)
    channel.refresh_from_db()
    assert condition(channel).state == "active"


def test_a_webhook_url_that_nobody_can_reach_is_called_so(admin: Client, settings: Any) -> None:
    channel = factory.channel("bot", "telegram")
    said = "this server has no public URL"
    assert said in admin.get(f"/channels/{channel.pk}/").content.decode()

    public = {"public_url": "https://news.example.org"}
    settings.CLARION = settings.CLARION.model_copy(update=public)
    html = admin.get(f"/channels/{channel.pk}/").content.decode()
    assert "https://news.example.org/hooks/" in html
    assert said not in html


def waiting(channel: Channel, hours: float) -> None:
    now = clock.now()
    Channel.objects.filter(pk=channel.pk).update(
        waits_since=now - timedelta(hours=1),
        waits_until=now + timedelta(hours=hours),
        waits_reason="Telegram asks us to wait (429, too many requests).",
    )


def test_a_waiting_channel_is_told_where_it_matters_and_the_wait_can_be_ended(
    admin: Client,
) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    waiting(channel, 2.8)

    own = f"/channels/{channel.pk}/"
    pages = ("/", "/records/", "/channels/", own, f"/broadcasts/{broadcast.pk}/")
    for address in pages:
        html = admin.get(address).content.decode()
        assert "Telegram asks us to wait" in html, address
        assert "Next attempt:" in html, address
    html = admin.get(f"/broadcasts/{broadcast.pk}/").content.decode()
    assert html.count("Channel Shop is waiting.") == 1  # not once more on top of the page
    assert "Sending continues by itself." in html
    assert "Waiting" in admin.get("/broadcasts/?section=active").content.decode()

    admin.post(f"/channels/{channel.pk}/resume")
    channel.refresh_from_db()
    assert (channel.waits_until, channel.state) == (None, "active")
    assert "Telegram asks" not in admin.get(f"/broadcasts/{broadcast.pk}/").content.decode()


def test_a_broadcast_through_a_channel_that_is_not_checked_warns(admin: Client) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    draft = factory.draft([channel])

    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert "Channel Shop is not checked." in html

    Channel.objects.update(checked_at=clock.now(), check_failed=True, check_result="No such token.")
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert "The last check of channel Shop failed." in html
    assert "No such token." in html

    Channel.objects.update(check_failed=False)
    html = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    assert "channel shop" not in html.lower()


def test_i5_defaults_of_the_workspace_and_of_a_channel(admin: Client) -> None:
    channel = factory.channel("Shop", attempts=DEFAULT, backoff=DEFAULT)
    assert "E-mail 300" in admin.get("/channels/defaults/").content.decode()

    given = {"rate": "40", "attempts": "3", "backoff": ""}
    assert admin.post("/channels/defaults/", given)["Location"] == "/channels/"
    channel.refresh_from_db()
    assert (channel.rate, channel.attempts, channel.backoff) == (40.0, 3, 0.1)
    html = admin.get(f"/channels/{channel.pk}/").content.decode()
    assert "Leave empty for the default: 40." in html
    assert "Leave empty for the default: 3." in html

    same = {"setting-url": channel.config["url"], "setting-allow_private": "on"}
    admin.post(f"/channels/{channel.pk}/", same | {"rate": "none", "attempts": "7", "backoff": ""})
    channel.refresh_from_db()
    assert (channel.rate, channel.attempts, channel.backoff) == (None, 7, 0.1)
    assert (channel.own_rate, channel.own_attempts, channel.own_backoff) == (True, True, False)
    html = admin.get(f"/channels/{channel.pk}/").content.decode()
    assert 'value="none"' in html
    assert 'value="7"' in html

    admin.post(f"/channels/{channel.pk}/", same | {"rate": "", "attempts": "", "backoff": ""})
    channel.refresh_from_db()
    assert (channel.rate, channel.attempts, channel.own_rate) == (40.0, 3, False)
    for wrong in ({"rate": "none"}, {"rate": "x"}, {"attempts": "0"}, {"backoff": "-1"}):
        html = admin.post("/channels/defaults/", given | wrong).content.decode()
        assert "_error" in html


def test_a8_whom_a_channel_sends_to(admin: Client) -> None:
    bot = factory.channel("Bot", "telegram")
    page = admin.get(f"/channels/{bot.pk}/").content.decode()
    assert "Default: Only contacts who have written to this channel" in page
    assert "All contacts" in page
    form = {"setting-token": "", "setting-api_root": bot.config["api_root"]}

    for typed, stored in (("no", False), ("yes", True), ("", None)):
        admin.post(f"/channels/{bot.pk}/", form | {"only_written": typed})
        bot.refresh_from_db()
        assert bot.only_written is stored
    hook = factory.channel("Hook")
    assert "Default: All contacts" in admin.get(f"/channels/{hook.pk}/").content.decode()


def test_what_was_dropped_of_callbacks_is_on_the_page_for_managers(
    admin: Client, log_in: LogIn
) -> None:
    channel = factory.channel(secret="whsec_c2VjcmV0IG9mIHRoZSBzaG9w")
    body = b'{"type": "shop.closed", "token": "t-1", "note": "<b>whsec_c2VjcmV0IG9mIHRoZSBzaG9w"}'
    path = f"/channels/{channel.pk}/"
    assert "Nothing was dropped" in admin.get(path).content.decode()
    store([Verified(channel.pk, HookRequest({}, "", body, clock.now()), "people")] * 2)
    apply_waiting()

    html = admin.get(path).content.decode()

    assert "A callback of the type “shop.closed” is not used." in html
    assert '<td class="num" data-label="Times">2</td>' in html
    assert html.count('<pre class="payload"') == 2
    assert "&lt;b&gt;•••" in html
    assert "t-1" not in html
    assert "shop.closed" not in log_in("viewer").get(path).content.decode()


def test_a_channel_that_cant_be_decrypted_is_shown_and_repaired_by_new_settings(
    admin: Client,
) -> None:
    sealed = factory.sealed(factory.channel("Lost"))
    assert admin.get("/channels/").status_code == 200
    page = admin.get(f"/channels/{sealed.pk}/").content.decode()
    assert "Or enter the settings of this channel again." in page
    settings = {"url": "http://127.0.0.1:9/hook", "allow_private": "true"}
    update_channel(sealed, settings=settings, by="test")
    sealed = Channel.objects.get(pk=sealed.pk)
    assert adapter(sealed).kind == "webhook"
    assert "enter the settings" not in admin.get(f"/channels/{sealed.pk}/").content.decode()


def test_a_channel_for_websites_shows_what_to_put_there(admin: Client, log_in: LogIn) -> None:
    channel = factory.channel("push", "webpush")
    for client in (admin, log_in("viewer")):
        html = client.get(f"/channels/{channel.pk}/").content.decode()
        assert "On your website" in html
        assert f"/subscribe/{channel.pk}/worker.js" in html
        assert channel.config["private_key"] not in html
    assert "On your website" not in admin.get(f"/channels/{factory.channel().pk}/").content.decode()


def test_prices_are_imported_on_their_page(admin: Client) -> None:
    shop = factory.channel("shop", "whatsapp", phone_number_id="1", token="EAA")
    url = f"/channels/{shop.pk}/prices/"
    assert url in admin.get(f"/channels/{shop.pk}/").content.decode()
    assert b"No prices yet" in admin.get(url).content
    file = SimpleUploadedFile("r.csv", b"calling_code,category,price\n49,marketing,0.1131\n")
    html = admin.post(url, {"file": file}, follow=True).content.decode()
    for words in ("1 price imported.", "+49 (DE)", "0.1131", "set the currency of the channel"):
        assert words in html
    exported = admin.get(f"/channels/{shop.pk}/prices.csv")
    assert b"49,marketing,0.1131" in b"".join(exported)  # type: ignore[arg-type]
    wrong = SimpleUploadedFile("r.csv", b"calling_code,price\nDE,1\n")
    assert "Line 2: “DE” is not a calling code" in admin.post(url, {"file": wrong}).content.decode()
    hook = factory.channel("hook")
    assert admin.get(f"/channels/{hook.pk}/prices/").status_code == 404
    assert f"/channels/{hook.pk}/prices/" not in admin.get(f"/channels/{hook.pk}/").content.decode()


def groups_of(page: str) -> dict[str, tuple[bool, list[str]]]:
    """The titles of a form, each with whether it is folded, and its settings."""
    groups = re.findall(
        r"<(?:legend|(summary))>([^<]+)</(?:legend|summary)>(.+?)</(?:fieldset|details)>",
        page.partition('<form class="card')[2],
        re.DOTALL,
    )
    return {
        title: (bool(folded), re.findall(r'name="setting-(\w+)"', fields))
        for folded, title, fields in groups
    }


def test_settings_of_one_purpose_are_grouped_in_the_form(admin: Client) -> None:
    page = admin.get("/channels/add/email/").content.decode()
    groups = groups_of(page)
    assert list(groups) == ["OAuth 2", "DKIM", "Bounces", "Sending", "Advanced"]
    assert all(name.startswith("oauth_") for name in groups["OAuth 2"][1])
    assert groups["DKIM"] == (True, ["dkim_domain", "dkim_selector", "dkim_key"])
    assert groups["Bounces"][1][0] == "bounce_address"
    assert all(name.startswith("bounce_") for name in groups["Bounces"][1])
    assert page.count('name="setting-bounce_host"') == 1


def test_a_group_is_open_where_something_of_it_is_set_or_wrong(admin: Client) -> None:
    login = {"host": "smpp.example.org", "system_id": "u", "password": "p"}
    plain, deep = (
        factory.channel(name, "smpp", **login, window=window, allow_private=False)
        for name, window in (("plain", 10), ("deep", 50))
    )
    page = {each: admin.get(f"/channels/{each.pk}/").content.decode() for each in (plain, deep)}
    assert groups_of(page[plain])["Advanced"][0]
    assert not groups_of(page[deep])["Advanced"][0]
    wrong = admin.post(
        "/channels/add/smpp/",
        {"name": "S", **{f"setting-{n}": v for n, v in login.items()}, "setting-window": "0"},
    ).content.decode()
    assert not groups_of(wrong)["Advanced"][0]


def test_choices_are_shown_by_their_names(admin: Client) -> None:
    page = admin.get("/channels/add/smpp/").content.decode()
    assert '<option value="udh" selected>Parts with headers (udh)</option>' in page
