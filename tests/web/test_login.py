"""Logging in and out."""

import pytest
from django.test import Client

from web.conftest import PASSWORD, MakeAgent

pytestmark = pytest.mark.django_db


def test_log_in_and_out(client: Client, make_agent: MakeAgent) -> None:
    make_agent("viewer", PASSWORD)
    given = {"login": "viewer@example.org", "password": PASSWORD}

    response = client.post("/account/login/?next=/contacts/", given)
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
    given = {"login": "viewer@example.org", "password": "wrong"}

    html = client.post("/account/login/", given).content.decode()

    assert 'value="viewer@example.org"' in html
    assert 'role="alert"' in html


def test_next_leads_nowhere_else(client: Client, make_agent: MakeAgent) -> None:
    make_agent("viewer", PASSWORD)
    given = {"login": "viewer@example.org", "password": PASSWORD}

    response = client.post("/account/login/?next=https://evil.example/", given)

    assert response["Location"] == "/"


@pytest.mark.parametrize("address", ["signup/", "password/reset/", "email/", "2fa/"])
def test_nothing_of_allauth_is_reachable_unstyled(admin: Client, address: str) -> None:
    assert admin.get(f"/account/{address}").status_code == 404


def test_change_the_password(client: Client, make_agent: MakeAgent) -> None:
    agent = make_agent("viewer", PASSWORD)
    client.force_login(agent)
    given = {"oldpassword": PASSWORD, "password1": "quite another one", "password2": "no"}

    assert b"same password" in client.post("/account/password/", given).content
    response = client.post("/account/password/", given | {"password2": given["password1"]})

    agent.refresh_from_db()
    assert response["Location"] == "/account/"
    assert agent.check_password("quite another one")


def test_the_time_zone_is_chosen(client: Client, make_agent: MakeAgent) -> None:
    agent = make_agent("viewer", PASSWORD)
    client.force_login(agent)

    wrong = client.post("/account/", {"name": "V", "time_zone": "Mars/Base"})
    right = client.post("/account/", {"name": "V", "time_zone": "Asia/Tokyo"})

    agent.refresh_from_db()
    assert wrong.status_code == 200
    assert right.status_code == 302
    assert (agent.name, agent.time_zone) == ("V", "Asia/Tokyo")
