"""The door alone: its own addresses, behind the real middleware."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings


@pytest.fixture(autouse=True)
def _door(settings: Settings) -> None:
    settings.ROOT_URLCONF = "clarion.hooks.urls"
    # WhiteNoise warns when there is none, and here a warning is an error.
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
