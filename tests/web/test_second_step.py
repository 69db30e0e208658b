"""The second step of a log-in, and setting it up."""

import json
import re
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from clarion.accounts import second_factor
from clarion.accounts.models import Agent, AuditEntry, AuthenticatorApp
from clarion.kit import clock
from support.authenticator import Authenticator
from web.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db
HOME, STEP, SETUP = "/account/two-factor/", "/account/second-step/", "/account/two-factor/app/"


def code_now(secret: str) -> str:
    return second_factor.code_at(secret, clock.now_us() // clock.SECOND // second_factor.STEP)


def log_in(client: Client, role: str = "viewer", **more: str) -> HttpResponse:
    form = {"login": f"{role}@example.org", "password": PASSWORD} | more
    return client.post("/account/login/", form)


def set_up(client: Client) -> list[str]:
    """Set up an app on the pages; return the recovery codes."""
    html = client.get(SETUP).content.decode()
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", html)[1]
    html = client.post(SETUP, {"code": code_now(secret)}).content.decode()
    AuthenticatorApp.objects.update(last_step=0)  # as if half a minute had passed
    return re.findall(r"<code>([a-z0-9]{4}(?:-[a-z0-9]{4}){3})</code>", html)


def secret_of(agent: Agent) -> str:
    return str(AuthenticatorApp.objects.get(agent=agent).secret["base32"])


@pytest.fixture
def agent(make_agent: MakeAgent) -> Agent:
    return make_agent("viewer", PASSWORD)


def test_a_log_in_with_an_app(client: Client, agent: Agent) -> None:
    log_in(client)
    assert len(set_up(client)) == second_factor.RECOVERY_CODES
    other = Client()
    answer = log_in(other, next="/contacts/")
    assert answer["Location"] == STEP
    assert other.get("/").status_code == 302  # not logged in yet
    assert b"Second step" in other.get(STEP).content
    assert b"wrong or was used" in other.post(STEP, {"code": "000000"}).content
    code = code_now(secret_of(agent))
    assert other.post(STEP, {"code": code})["Location"] == "/contacts/"
    assert other.get("/").status_code == 200

    third = Client()
    log_in(third)
    assert b"wrong or was used" in third.post(STEP, {"code": code}).content
    assert third.get("/").status_code == 302


def test_a_recovery_code_logs_in_once(client: Client, agent: Agent) -> None:
    log_in(client)
    codes = set_up(client)
    assert codes[0] not in client.get(HOME).content.decode()
    other = Client()
    log_in(other)
    assert other.post(STEP, {"code": codes[0]})["Location"] == "/"
    assert b"9 codes are left" in other.get(HOME).content
    third = Client()
    log_in(third)
    assert third.post(STEP, {"code": codes[0]}).status_code == 200


def test_setting_up_ends_the_other_sessions(client: Client, agent: Agent) -> None:
    other = Client()
    other.force_login(agent)
    log_in(client)
    set_up(client)
    assert (client.get("/").status_code, other.get("/").status_code) == (200, 302)


def test_a_wrong_code_sets_nothing_up(client: Client, agent: Agent) -> None:
    log_in(client)
    first, again = client.get(SETUP).content, client.post(SETUP, {"code": "1"}).content
    assert b"This code is wrong" in again
    secret = rb"<code>([A-Z2-7]{32})</code>"
    assert re.search(secret, first)[1] == re.search(secret, again)[1]
    assert not second_factor.has_second_factor(agent)


def test_five_wrong_codes_lock_the_step_from_everywhere(client: Client, agent: Agent) -> None:
    log_in(client)
    set_up(client)
    for number in range(5):
        other = Client(REMOTE_ADDR=f"203.0.113.{number}")
        log_in(other)
        assert b"wrong or was used" in other.post(STEP, {"code": "000000"}).content
    last = Client(REMOTE_ADDR="203.0.113.9")
    log_in(last)
    page = last.post(STEP, {"code": code_now(secret_of(agent))})
    assert b"Too many failed attempts" in page.content
    assert last.get("/").status_code == 302
    failures = AuditEntry.objects.filter(action="agent.second_step_failed")
    assert (failures.count(), failures[0].actor) == (5, "a person who is not logged in")


def test_the_step_alone_is_nothing(client: Client, agent: Agent) -> None:
    assert client.get(STEP)["Location"] == "/account/login/"
    assert client.post(STEP, {"code": "1"})["Location"] == "/account/login/"


@pytest.mark.parametrize("change", ["password", "deactivate"])
def test_a_step_is_void_when_the_password_is_changed(
    client: Client, agent: Agent, change: str
) -> None:
    log_in(client)
    set_up(client)
    other = Client()
    log_in(other)
    if change == "password":
        agent.set_password("another good password")
    else:
        agent.is_active = False
    agent.save()
    code = code_now(secret_of(agent))
    assert other.post(STEP, {"code": code})["Location"] == "/account/login/"
    assert other.get("/").status_code == 302


class TestRequired:
    """Who needs a second factor and has none can do nothing else."""

    def test_everything_leads_to_the_set_up(self, client: Client, agent: Agent) -> None:
        second_factor.require_for(["viewer"], by="a test")
        log_in(client)
        for path in ("/", "/contacts/", "/account/", "/account/password/"):
            assert client.get(path)["Location"] == HOME
        assert client.post("/account/", {"name": "x"})["Location"] == HOME
        part = client.get("/broadcasts/live", headers={"HX-Request": "true"})
        assert part["HX-Redirect"] == HOME
        assert b"Your role requires a second factor" in client.get(HOME).content
        set_up(client)
        assert client.get("/").status_code == 200

    def test_others_and_logging_out_are_free(self, client: Client, agent: Agent) -> None:
        second_factor.require_for(["sender"], by="a test")
        log_in(client)
        assert client.get("/").status_code == 200
        second_factor.require_for(["viewer"], by="a test")
        assert client.get("/")["Location"] == HOME
        assert client.post("/account/logout/")["Location"] == "/"

    def test_removing_the_last_one_leads_back(self, client: Client, agent: Agent) -> None:
        second_factor.require_for(["viewer"], by="a test")
        log_in(client)
        set_up(client)
        assert b"your only second factor" in client.get(f"{SETUP}remove/").content
        client.post(f"{SETUP}remove/")
        assert client.get("/")["Location"] == HOME

    def test_tokens_are_not_asked(self, client: Client, agent: Agent) -> None:
        from clarion.accounts.tokens import create_token

        second_factor.require_for(["viewer", "sender", "manager", "admin"], by="a test")
        _, secret = create_token(
            name="Shop", scopes=["contacts:read"], expires_at=None, by="a test"
        )
        headers = {"Authorization": f"Bearer {secret}"}
        assert client.get("/api/v1/tags", headers=headers).status_code == 200


def test_changes_need_the_password_again(client: Client, agent: Agent) -> None:
    client.force_login(agent)  # long ago
    for path in (SETUP, f"{SETUP}remove/", f"{HOME}passkey/", f"{HOME}codes/"):
        assert client.get(path)["Location"].startswith("/account/confirm/")
        assert client.post(path)["Location"].startswith("/account/confirm/")
    answer = client.post(f"/account/confirm/?next={SETUP}", {"password": PASSWORD})
    assert answer["Location"] == SETUP
    assert client.get(SETUP).status_code == 200


def options_in(html: str) -> dict[str, object]:
    options: dict[str, object] = json.loads(unescape(re.search(r'data-options="(.*?)"', html)[1]))
    return options


def test_a_log_in_with_a_passkey(client: Client, agent: Agent) -> None:
    log_in(client)
    authenticator = Authenticator("http://testserver", "testserver")
    page = f"{HOME}passkey/"
    answer = authenticator.create(options_in(client.get(page).content.decode()))
    form = {"name": "Phone <b>", "passkey": json.dumps(answer)}
    assert b"Your recovery codes" in client.post(page, form).content
    assert b"Phone &lt;b&gt;" in client.get(HOME).content
    assert b"could not be used" in client.post(page, form).content  # the same answer again

    other = Client()
    log_in(other)
    wrong = other.post(STEP, {"passkey": "[]", "code": ""})
    assert b"wrong or was used" in wrong.content
    html = other.get(STEP).content.decode()
    used = json.dumps(authenticator.get(options_in(html)))
    assert other.post(STEP, {"passkey": used})["Location"] == "/"
    third = Client()
    log_in(third)
    third.get(STEP)
    assert b"was not accepted" in third.post(STEP, {"passkey": used}).content

    pk = agent.passkeys.get().pk
    assert b"Remove" in client.get(f"{HOME}passkeys/{pk}/remove/").content
    client.post(f"{HOME}passkeys/{pk}/remove/")
    assert not second_factor.has_second_factor(agent)


def test_new_recovery_codes_are_shown_once(client: Client, agent: Agent) -> None:
    log_in(client)
    assert client.get(f"{HOME}codes/")["Location"] == HOME
    before = set_up(client)
    assert b"stop working" in client.get(f"{HOME}codes/").content
    html = client.post(f"{HOME}codes/").content.decode()
    assert html.count("<li><code>") == second_factor.RECOVERY_CODES
    assert before[0] not in html


def test_another_admin_resets_it(client: Client, agent: Agent, admin: Client) -> None:
    log_in(client)
    set_up(client)
    assert admin.get("/agents/").content.count(b"On\n") == 1
    page = f"/agents/{agent.pk}/reset-two-factor/"
    assert b"Make sure that it is the agent" in admin.get(page).content
    admin.post(page)
    assert client.get("/").status_code == 302
    assert log_in(client)["Location"] == "/"


def test_who_waits_at_the_step_while_it_is_reset_logs_in_again(
    client: Client, agent: Agent
) -> None:
    log_in(client)
    set_up(client)
    waiting = Client()
    log_in(waiting)
    second_factor.reset(agent, by="command line")
    assert waiting.get(STEP)["Location"] == "/account/login/"
    assert log_in(waiting)["Location"] == "/"


def test_another_agent_logs_in_where_one_stopped_at_the_step(
    client: Client, agent: Agent, make_agent: MakeAgent
) -> None:
    make_agent("sender", PASSWORD)
    log_in(client)
    set_up(client)
    shared = Client()
    log_in(shared)
    assert b'href="/account/login/"' in shared.get(STEP).content
    assert b"Password" in shared.get("/account/login/").content
    assert log_in(shared, "sender")["Location"] == "/"
    assert b"sender@example.org" in shared.get("/account/").content


def test_admins_choose_who_needs_it(admin: Client) -> None:
    admin.post("/agents/two-factor/", {"roles": ["viewer", "manager"]})
    assert b"required for: Viewer, Manager." in admin.get("/agents/").content
    assert b"checked" in admin.get("/agents/two-factor/").content
    assert admin.post("/agents/two-factor/", {"roles": ["boss"]}).status_code == 200
    admin.post("/agents/two-factor/")
    assert second_factor.required_roles() == []
