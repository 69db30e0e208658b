"""The simulated provider of the rehearsals."""

from collections.abc import AsyncIterator

import pytest

from channels.rehearsal import Stage
from clarion.transport.http import HttpClient
from clarion.transport.smtp import SmtpPool
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A running simulator and clients to it."""
    async with Simulator(Behaviour(slow_seconds=0.1, keep_text=5000)) as simulator:
        http, smtp = HttpClient(), SmtpPool()
        yield Stage(simulator, http, smtp)
        await http.close()
        await smtp.close()
