"""What several tests of the engine need."""

from pathlib import Path

import pytest
from django.conf import settings

from clarion.engine.journal.file import folder_of


@pytest.fixture
def folder() -> Path:
    """The folder of the journals, without those of other tests."""
    journals = folder_of(settings.CLARION.data)
    journals.mkdir(exist_ok=True)
    for path in journals.iterdir():
        path.unlink()
    return journals
