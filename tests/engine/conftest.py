"""What several tests of the engine need."""

from collections.abc import Iterator
from contextlib import ExitStack
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


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """Mail servers that are stopped at the end."""
    with ExitStack() as stack:
        yield stack
