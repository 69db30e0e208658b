"""What load balancers and monitors ask."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from clarion.engine import heartbeat, reap
from clarion.hooks import freshness, health
from clarion.hooks.health import Health, Readiness
from clarion.hooks.wire import Request
from clarion.kit.db import schema
from support.programs import ProgramClient

ASKED = Request("GET", "/healthz", "", (), b"")


class Database:
    """Counts the questions; answers none until it may, or refuses them."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.refuses = False

    async def run(self, _work: Callable[..., Any], *_: Any) -> None:
        self.asked += 1
        await self.may_answer.wait()
        if self.refuses:
            raise OperationalError("gone")


@pytest.mark.django_db
def test_n7_it_is_ok_without_a_log_in() -> None:
    answered = ProgramClient().get("/healthz")
    assert (answered.status_code, answered.content) == (200, b"ok")
    assert ProgramClient().head("/healthz").content == b""
    assert ProgramClient().post("/healthz").status_code == 405


async def test_the_database_is_asked_once_however_many_ask_us() -> None:
    database = Database()
    database.may_answer.set()
    asked = Health(database)
    answers = await asyncio.gather(*(asked.answer(ASKED) for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert database.asked == 1


async def test_a_database_that_refuses_is_503_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    database = Database()
    database.may_answer.set()
    database.refuses = True
    asked = Health(database)
    assert (await asked.answer(ASKED)).status == 503
    database.refuses = False
    assert (await asked.answer(ASKED)).status == 200


async def test_a_database_that_says_nothing_is_503_and_not_asked_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0.01)
    monkeypatch.setattr(health, "FRESH", 0.0)
    database = Database()
    asked = Health(database)
    for _ in range(3):
        assert (await asked.answer(ASKED)).status == 503
    assert database.asked == 1
    database.may_answer.set()
    monkeypatch.setattr(freshness, "PATIENCE", 60.0)
    assert (await asked.answer(ASKED)).status == 200


class TestReadiness:
    @pytest.mark.django_db
    def test_it_says_what_is_missing(self) -> None:
        answered = ProgramClient().get("/readyz")
        assert answered.status_code == 503
        body = json.loads(answered.content)
        assert (body["ready"], body["database"], body["migrations"]) == (False, "ok", "ok")
        assert body["worker"].startswith("no worker is running")

        heartbeat.beat()
        answered = ProgramClient().get("/readyz")
        assert answered.status_code == 200
        assert json.loads(answered.content)["ready"] is True

    @pytest.mark.django_db
    def test_a_worker_that_can_not_send(self) -> None:
        reap.report_trouble(reap.register(), "The disk is full: /secret/path")
        answered = ProgramClient().get("/readyz")
        assert answered.status_code == 503
        assert json.loads(answered.content)["worker"].startswith("running, but it can't send")
        assert b"secret" not in answered.content

    @pytest.mark.django_db
    def test_a_database_that_is_not_up_to_date(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(schema, "pending", lambda: ["records.0002_more"])
        answered = ProgramClient().get("/readyz")
        assert answered.status_code == 503
        assert json.loads(answered.content)["migrations"] == (
            "The database is not up to date. Run: clarion migrate"
        )

    async def test_a_database_that_refuses(self) -> None:
        database = Database()
        database.may_answer.set()
        database.refuses = True
        answer = await Readiness(database).answer(ASKED)
        assert answer.status == 503
        assert json.loads(answer.body)["database"] == "does not answer"
        assert b"gone" not in answer.body
