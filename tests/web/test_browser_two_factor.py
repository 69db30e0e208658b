"""Passkeys, in a real browser with an authenticator of its own."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from web.browsing import EMAIL, PASSWORD, add_admin, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


def test_n6_a_passkey_is_added_and_confirms_a_login(page: Page, live_server: LiveServer) -> None:
    add_admin()
    url = live_server.url.replace("127.0.0.1", "localhost")  # passkeys need the name of a host
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def log_in() -> None:
        page.goto(url + "/account/login/")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()

    log_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    page.goto(url + "/account/two-factor/passkey/")
    look(page)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    look(page)
    page.context.clear_cookies()
    log_in()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    look(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
