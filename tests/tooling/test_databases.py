"""The test databases behave as the other tests take for granted."""

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from clarion.accounts.models import AgentSession
from support.environment import ENGINES
from support.plugins.database import OwnDatabase
from support.processes import Processes

COUNT_SESSIONS = """
import django
django.setup()
from clarion.accounts.models import AgentSession
print("sessions", AgentSession.objects.count())
"""


def _add_session(key: str) -> None:
    AgentSession.objects.create(session_key=key, session_data="", expire_date=timezone.now())


@pytest.mark.django_db
def test_the_engine_is_the_one_of_this_run(engine_name: str) -> None:
    assert connection.vendor == engine_name


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.only_on(name)) for name in ENGINES]
)
def test_a_test_of_one_engine_runs_on_that_one_only(name: str, engine_name: str) -> None:
    assert engine_name == name


def test_the_settings_name_the_test_database(database_url: str, data_dir: Path) -> None:
    assert os.environ["CLARION_DATABASE_URL"] == database_url
    assert str(connection.settings_dict["NAME"]) == settings.DATABASES["default"]["NAME"]
    assert data_dir.is_dir()


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_committed_rows_are_gone_in_the_next_test(turn: int) -> None:
    assert not AgentSession.objects.exists()
    assert ContentType.objects.exists()
    _add_session(f"turn-{turn}")


def test_a_process_sees_what_a_test_committed(
    process_env: dict[str, str], processes: Processes
) -> None:
    _add_session("seen")

    counted = processes.python(COUNT_SESSIONS)

    assert counted.wait_for_line(r"sessions (\d+)").group(1) == "1"
    assert counted.wait() == 0


@pytest.mark.django_db(transaction=True)
async def test_an_async_test_uses_the_database() -> None:
    def add() -> None:
        with closing(connection):  # the thread's own: nobody else would close it
            _add_session("from-a-thread")

    await asyncio.to_thread(add)

    assert await AgentSession.objects.acount() == 1


def test_an_own_database_outlives_its_server(
    own_database: OwnDatabase, processes: Processes
) -> None:
    _add_session("kept")
    connection.close()
    if own_database.server is not None:
        own_database.server.restart("immediate")

    assert AgentSession.objects.get().session_key == "kept"
    assert processes.python(COUNT_SESSIONS).wait_for_line("sessions 1")
