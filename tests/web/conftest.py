"""Agents who are logged in, and something to look at."""

from collections.abc import Callable

import pytest
from django.test import Client

from clarion.accounts.models import Agent, Role
from clarion.broadcasts.models import Broadcast
from support import factory

PASSWORD = "a long enough password"
MakeAgent = Callable[..., Agent]
LogIn = Callable[[str], Client]


@pytest.fixture
def make_agent(db: None) -> MakeAgent:
    """Make an agent of a role; the e-mail begins with the role. Hashing a password takes long."""

    def make(role: str, password: str | None = None) -> Agent:
        return Agent.objects.create_agent(
            name=f"{role.capitalize()} Example",
            email=f"{role}@example.org",
            role=role,
            password=password,
        )

    return make


@pytest.fixture
def log_in(make_agent: MakeAgent) -> LogIn:
    """Make an agent of a role and return its browser."""

    def logged_in(role: str) -> Client:
        client = Client()
        client.force_login(make_agent(role))
        return client

    return logged_in


@pytest.fixture
def sending(db: None) -> Broadcast:
    """A broadcast to three people that is being sent, with nothing claimed yet."""
    channel = factory.channel()
    factory.people(channel, 3)
    return factory.sending([channel])


@pytest.fixture
def admin(log_in: LogIn) -> Client:
    """The browser of an admin."""
    return log_in(Role.ADMIN)
