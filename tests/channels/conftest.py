"""The simulated provider of the rehearsals."""

from collections.abc import AsyncIterator

import pytest

from channels.rehearsal import Stage
from clarion.transport.clients import Clients
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A running simulator and clients to it."""
    behaviour = Behaviour(slow_seconds=0.1, keep_text=5000)
    async with Simulator(behaviour, smpp_port=0, imap_port=0) as simulator, Clients() as clients:
        yield Stage(simulator, clients)
