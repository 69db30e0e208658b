"""No test leaves this machine."""

from collections.abc import Iterator

import pytest

from support.guard import loopback_only


@pytest.fixture(scope="session", autouse=True)
def refused_connections() -> Iterator[list[str]]:
    with loopback_only() as refused:
        yield refused


@pytest.fixture(autouse=True)
def _reaches_only_loopback(refused_connections: list[str]) -> Iterator[None]:
    """Fail the test that tried to leave, even where its code swallowed the refusal."""
    refused_connections.clear()
    yield
    if refused_connections:
        pytest.fail("\n".join(refused_connections))
