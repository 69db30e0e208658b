"""The callbacks alone: their own addresses, behind the real middleware."""

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def _only_hooks(settings: Settings) -> None:
    settings.ROOT_URLCONF = "clarion.hooks.urls"
