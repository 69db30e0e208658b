"""Roles: who may do what, and what the others are told."""

import pytest
from django.test import Client

from clarion.accounts.models import Agent, Role
from clarion.broadcasts.models import Broadcast
from support import factory
from web.conftest import LogIn, MakeAgent

pytestmark = pytest.mark.django_db

LOOKING = ["/", "/records/", "/contacts/", "/channels/", "/account/"]
SENDING = ["/broadcasts/new/"]
MANAGING = ["/contacts/import/", "/channels/add/", "/channels/add/webhook/"]


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("address", LOOKING)
def test_everybody_may_look(log_in: LogIn, role: str, address: str) -> None:
    assert log_in(role).get(address).status_code == 200


@pytest.mark.parametrize(
    ("role", "address", "status"),
    [
        *((role, address, 403) for role in ("viewer",) for address in SENDING),
        *((role, address, 200) for role in ("sender", "manager", "admin") for address in SENDING),
        *((role, address, 403) for role in ("viewer", "sender") for address in MANAGING),
        *((role, address, 200) for role in ("manager", "admin") for address in MANAGING),
    ],
)
def test_pages_for_some_roles(log_in: LogIn, role: str, address: str, status: int) -> None:
    assert log_in(role).get(address).status_code == status


@pytest.mark.parametrize(
    "act", ["do/pause", "do/stop", "do/undo", "do/delete", "do/resume", "restart"]
)
def test_a_viewer_controls_nothing(log_in: LogIn, sending: Broadcast, act: str) -> None:
    response = log_in("viewer").post(f"/broadcasts/{sending.pk}/{act}")

    sending.refresh_from_db()
    assert response.status_code == 403
    assert sending.state == "sending"


@pytest.mark.parametrize("act", ["pause", "resume", "check", "register"])
def test_a_sender_leaves_channels_alone(log_in: LogIn, act: str) -> None:
    channel = factory.channel()

    assert log_in("sender").post(f"/channels/{channel.pk}/{act}").status_code == 403


def test_a_sender_can_not_edit_a_channel(log_in: LogIn) -> None:
    channel = factory.channel()
    client = log_in("sender")

    assert client.post(f"/channels/{channel.pk}/", {"rate": "1"}).status_code == 403
    assert b'<form class="card"' not in client.get(f"/channels/{channel.pk}/").content


def test_the_refusal_says_whom_to_ask(log_in: LogIn, make_agent: MakeAgent) -> None:
    make_agent("admin")

    html = log_in("viewer").get("/broadcasts/new/").content.decode()

    assert "Only senders, managers and admins can do this. Your role is viewer." in html
    assert "admin@example.org" in html


def test_buttons_that_are_not_allowed_are_not_shown(log_in: LogIn, sending: Broadcast) -> None:
    assert b"do-stop" not in log_in("viewer").get(f"/broadcasts/{sending.pk}/").content
    assert b"do-stop" in log_in("sender").get(f"/broadcasts/{sending.pk}/").content


def test_who_is_switched_off_is_out_at_once(admin: Client) -> None:
    Agent.objects.update(is_active=False)

    assert admin.get("/").status_code == 302
