"""Logging in and out."""

import pytest
from django.http import HttpResponse
from django.test import Client

from clarion.accounts import audit
from clarion.accounts.models import Agent, AgentSession, AuditEntry, CacheEntry
from web.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db


def test_log_in_and_out(client: Client, make_agent: MakeAgent) -> None:
    make_agent("viewer", PASSWORD)
    form = {"login": "viewer@example.org", "password": PASSWORD}

    response = client.post("/account/login/?next=/contacts/", form)
    assert response["Location"] == "/contacts/"
    assert client.get("/").status_code == 200

    client.post("/account/logout/")
    assert client.get("/").status_code == 302


def test_a_link_does_not_log_out(client: Client, make_agent: MakeAgent) -> None:
    client.force_login(make_agent("viewer", PASSWORD))

    assert b"Log out?" in client.get("/account/logout/").content
    assert client.get("/").status_code == 200


def test_a_wrong_password_keeps_the_e_mail_and_says_what_is_wrong(
    client: Client, make_agent: MakeAgent
) -> None:
    make_agent("viewer", PASSWORD)
    form = {"login": "viewer@example.org", "password": "wrong"}

    html = client.post("/account/login/", form).content.decode()

    assert 'value="viewer@example.org"' in html
    assert 'role="alert"' in html


def test_next_leads_nowhere_else(client: Client, make_agent: MakeAgent) -> None:
    make_agent("viewer", PASSWORD)
    form = {"login": "viewer@example.org", "password": PASSWORD}

    response = client.post("/account/login/?next=https://evil.example/", form)

    assert response["Location"] == "/"


@pytest.mark.parametrize("address", ["signup/", "password/reset/", "email/", "2fa/"])
def test_nothing_of_allauth_is_reachable_unstyled(admin: Client, address: str) -> None:
    assert admin.get(f"/account/{address}").status_code == 404


def test_change_the_password(client: Client, make_agent: MakeAgent) -> None:
    agent = make_agent("viewer", PASSWORD)
    client.force_login(agent)
    Client().post("/account/login/", {"login": agent.email, "password": PASSWORD})
    form = {"oldpassword": PASSWORD, "password1": "quite another one", "password2": "no"}

    assert b"same password" in client.post("/account/password/", form).content
    response = client.post("/account/password/", form | {"password2": form["password1"]})

    agent.refresh_from_db()
    assert response["Location"] == "/account/"
    assert agent.check_password("quite another one")
    assert client.get("/account/").status_code == 200
    assert AuditEntry.objects.filter(action="agent.password", agent=agent).count() == 1
    assert not AgentSession.objects.filter(agent=agent).exclude(pk=client.session.session_key)


def test_what_a_password_needs_is_a_list_beside_its_field(
    client: Client, make_agent: MakeAgent
) -> None:
    client.force_login(make_agent("viewer", PASSWORD))
    html = client.get("/account/password/").content.decode()
    assert '<div class="form-hint" id="id_password1_helptext"><ul>' in html  # none within a <p>


def test_the_time_zone_is_chosen(client: Client, make_agent: MakeAgent) -> None:
    agent = make_agent("viewer", PASSWORD)
    client.force_login(agent)

    wrong = client.post("/account/", {"name": "V", "time_zone": "Mars/Base"})
    right = client.post("/account/", {"name": "V", "time_zone": "Asia/Tokyo"})

    agent.refresh_from_db()
    assert wrong.status_code == 200
    assert right.status_code == 302
    assert (agent.name, agent.time_zone) == ("V", "Asia/Tokyo")


class TestLimits:
    """Five wrong passwords are enough, and never anybody else's trouble."""

    def test_after_five_wrong_ones_the_right_one_waits_too(
        self, client: Client, make_agent: MakeAgent
    ) -> None:
        make_agent("viewer", PASSWORD)
        for _ in range(5):
            assert _try(client, "wrong").status_code == 200
        assert b"Too many failed attempts" in _try(client, PASSWORD).content

    def test_the_owner_at_another_address_logs_in_meanwhile(self, make_agent: MakeAgent) -> None:
        make_agent("viewer", PASSWORD)
        for number in range(12):
            _try(Client(REMOTE_ADDR="203.0.113.7"), f"wrong {number}")
        assert _try(Client(REMOTE_ADDR="203.0.113.8"), PASSWORD).status_code == 302

    def test_the_owner_s_own_browser_is_never_locked_out(self, make_agent: MakeAgent) -> None:
        make_agent("viewer", PASSWORD)
        make_agent("sender", PASSWORD)
        own = Client(REMOTE_ADDR="203.0.113.7")
        assert _try(own, PASSWORD).status_code == 302
        own.post("/account/logout/")
        for number in range(40):  # beyond every limit of that address
            _try(Client(REMOTE_ADDR="203.0.113.7"), f"wrong {number}")
        assert _try(Client(REMOTE_ADDR="203.0.113.7"), PASSWORD).status_code == 429
        assert _try(own, PASSWORD).status_code == 302
        # The mark is good for who has logged in there, and for nobody else.
        own.post("/account/logout/")
        assert _try(own, PASSWORD, login="sender@example.org").status_code == 429

    def test_a_browser_that_is_known_has_its_own_limit(self, make_agent: MakeAgent) -> None:
        make_agent("viewer", PASSWORD)
        own = Client(REMOTE_ADDR="203.0.113.7")
        _try(own, PASSWORD)
        own.post("/account/logout/")
        for _ in range(5):
            _try(own, "wrong")
        assert b"Too many failed attempts" in _try(own, PASSWORD).content

    def test_a_made_up_mark_counts_for_nothing(self, make_agent: MakeAgent) -> None:
        make_agent("viewer", PASSWORD)
        for number in range(30):
            stranger = Client(REMOTE_ADDR="203.0.113.7")
            stranger.cookies["device"] = f"made-up-{number}"
            _try(stranger, "wrong")
        assert _try(stranger, PASSWORD).status_code == 429

    def test_counts_are_kept_where_every_web_process_sees_them(
        self, client: Client, make_agent: MakeAgent
    ) -> None:
        make_agent("viewer", PASSWORD)
        _try(client, "wrong")
        assert CacheEntry.objects.exists()


def _try(client: Client, password: str, login: str = "viewer@example.org") -> HttpResponse:
    return client.post("/account/login/", {"login": login, "password": password})


def test_a_session_that_ended_elsewhere_has_ended_here(
    client: Client, make_agent: MakeAgent
) -> None:
    make_agent("viewer", PASSWORD)
    _try(client, PASSWORD)
    assert client.get("/").status_code == 200
    AgentSession.objects.all().delete()  # as another web process does when one logs out there
    assert client.get("/").status_code == 302


def test_log_ins_are_in_the_audit_log(client: Client, make_agent: MakeAgent) -> None:
    agent = make_agent("viewer", PASSWORD)
    _try(client, "wrong")
    _try(client, "my password", login="nobody@example.org")
    _try(client, PASSWORD)
    client.post("/account/logout/")
    entries = AuditEntry.objects.order_by("pk").values_list("action", "agent", "subject", "detail")
    subject, address = f"agent {agent.pk}", {"address": "127.0.0.1"}
    assert list(entries) == [
        ("agent.login_failed", None, subject, address),
        ("agent.login", agent.pk, subject, address),
        ("agent.logout", agent.pk, subject, {}),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "command line",
        audit.STRANGER,
        "Engine",
        "ADMIN",
        "Ａｄｍｉｎ",
        "manager",
        "Àda Lovelace",
        " ",
        "a\u202eb",
    ],
)
def test_a_name_that_would_mislead_is_refused(
    client: Client, make_agent: MakeAgent, name: str
) -> None:
    agent = make_agent("viewer", PASSWORD)
    Agent.objects.filter(pk=make_agent("admin", PASSWORD).pk).update(name="Ada Lovelace")
    client.force_login(agent)
    page = client.post("/account/", {"name": name, "time_zone": "UTC"})
    assert page.status_code == 200
    assert b'id="id_name_error"' in page.content
    assert Agent.objects.get(pk=agent.pk).name == agent.name


@pytest.mark.parametrize("password", ["viewer@example.org", "Viewer@Example.org1"])
def test_one_s_own_address_is_no_password(
    client: Client, make_agent: MakeAgent, password: str
) -> None:
    agent = make_agent("viewer", PASSWORD)
    client.force_login(agent)
    form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert b"too similar" in client.post("/account/password/", form).content
    agent.refresh_from_db()
    assert agent.check_password(PASSWORD)
