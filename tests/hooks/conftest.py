"""The callbacks alone: their own addresses, behind the real middleware."""

import pytest
from pytest_django.fixtures import Settings

from clarion.contacts.models import Address
from clarion.hooks import clicks, freshness
from support import factory
from support.programs import ProgramClient


@pytest.fixture(autouse=True)
def _only_hooks(settings: Settings) -> None:
    settings.ROOT_URLCONF = "clarion.hooks.urls"


@pytest.fixture(autouse=True)
def _everybody_is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, the tables may take longer to read than monitors and browsers wait."""
    monkeypatch.setattr(freshness, "PATIENCE", 60.0)
    monkeypatch.setattr(clicks, "_PATIENCE", 60.0)


@pytest.fixture
def client() -> ProgramClient:
    """A provider, a mail program, or a browser without cookies."""
    return ProgramClient()


@pytest.fixture
def address(db: None) -> Address:
    """Somebody who gets e-mails."""
    return factory.address(factory.channel("mail", "email"), "anna@example.org", "Anna")
