"""Set the environment first, then load the fixtures; what each one gives stands in its module."""

from collections.abc import Iterator

import pytest
from django.core.signals import setting_changed

from support import environment

# Here and not in a hook: the modules below and the tests import models as soon as they load.
environment.prepare()

from clarion.channels.models import Channel  # noqa: E402
from clarion.contacts import signed_links  # noqa: E402
from clarion.engine import snapshot  # noqa: E402
from clarion.engine.process import ThreadedWorker  # noqa: E402
from clarion.records import reasons  # noqa: E402
from clarion.records.deliveries import shared  # noqa: E402
from support import factory  # noqa: E402

pytest_plugins = (
    "support.plugins.memory",
    "support.plugins.engines",
    "support.plugins.database",
    "support.plugins.processes",
    "support.plugins.network",
    "support.plugins.tls",
    "support.plugins.browser",
)


@pytest.fixture
def channel(db: None) -> Channel:
    """A webhook channel with nobody on it."""
    return factory.channel()


@pytest.fixture
def engine(database_url: str) -> Iterator[None]:
    """A worker in a thread of the test's process."""
    with ThreadedWorker():
        yield


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Forget what is remembered of tables that are emptied between tests."""
    reasons.forget()
    shared.forget()
    snapshot.forget_jobs()


def _forget_public_url(**_change: object) -> None:
    signed_links._base.cache_clear()


setting_changed.connect(_forget_public_url)
