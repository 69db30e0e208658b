"""Messages that arrive at the same moment are sent together, and answered as if each came alone."""

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from api.conftest import MakeToken, Program
from api.test_foundation import problem
from clarion.accounts import idempotency
from clarion.accounts.idempotency import Claim
from clarion.accounts.models import ApiToken, StoredAnswer
from clarion.api import gathering
from clarion.api.gathering import LARGEST, PATH, Gathering
from clarion.broadcasts import singles
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.addresses import mark
from clarion.engine.group_commit import Bounds
from clarion.kit import clock
from clarion.records.models import Delivery
from clarion.records.tallies import counts
from clarion.server.bodies import Message, Receive, Scope, Send
from support import factory
from support.programs import Answered, Visitor, exchange

TEXT = {"type": "text", "text": "Hi"}
Call = tuple[Any, dict[str, str]]  # a body and headers


class Crowd:
    """Programs that send their requests at the same moment, through the lean way in."""

    def __init__(self, secret: str, **more: Any) -> None:
        self.secret = secret
        self.visitor = Visitor()
        self.application = Gathering(_elsewhere, WSGIHandler(), threads=self.visitor, **more)

    def send(self, *calls: Call, method: str = "POST", path: str = PATH) -> list[Answered]:
        """The answers to requests that are here before the first is carried out."""

        async def all_at_once() -> list[Answered]:
            return await asyncio.gather(*(self._sent(call, method, path) for call in calls))

        return self.visitor.drive(all_at_once())

    async def _sent(self, call: Call, method: str, path: str) -> Answered:
        body, headers = call
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {
            "authorization": f"Bearer {self.secret}",
            "content-type": "application/json",
            "content-length": str(len(sent)),
        } | headers
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path,
            "query_string": b"", "headers": [(k.encode(), v.encode()) for k, v in named.items()],
        }  # fmt: skip
        return await exchange(self.application, scope, sent)


async def _elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(autouse=True)
def _one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection of the test, which is in a transaction, is not closed."""
    monkeypatch.setattr(gathering, "close_old_connections", lambda: None)


@pytest.fixture
def crowd(call: Program) -> Crowd:
    """Programs that may do everything."""
    return Crowd(call.token)


def _to(number: int, text: str = "Hi", **more: Any) -> dict[str, Any]:
    return {"chat_number": number, "content": {"type": "text", "text": text}, **more}


def test_an_answer_is_the_same_as_without_others(
    call: Program, crowd: Crowd, channel: Channel
) -> None:
    """Whatever is asked: by the lean way in, and by Django as every other operation."""
    anna, blocked = factory.people(channel, 2)
    mark(blocked.pk, "blocked", clock.now())
    mail = factory.channel("Mail", "email")
    dana = factory.address(mail, "dana@x.example", "Dana")
    by_id = {"channel_id": channel.pk, "user_id": "u0", "content": TEXT}
    calls: list[Call] = [
        (_to(anna.pk), {}),
        (_to(anna.pk), {"idempotency-key": "first"}),
        (by_id, {}),
        (by_id | {"user_id": "nobody"}, {}),
        (by_id | {"channel_id": 999_999}, {}),
        (by_id | {"chat_number": anna.pk}, {}),
        (_to(blocked.pk), {}),
        (_to(999_999), {}),
        (_to(anna.pk, "Hi {{ contact.nickname }}"), {}),
        (_to(anna.pk, "Hi {{"), {}),
        (_to(anna.pk, " "), {}),
        (_to(anna.pk, more=1), {}),
        (_to(anna.pk, data={"a": "\0"}), {}),
        (_to(anna.pk, mail={"from_name": "Shop"}), {}),
        (_to(dana.pk, title="Hi", mail={"from_name": "Shop", "reply_to": "no mailbox"}), {}),
        (_to(anna.pk, content={"type": "story", "story_id": 999_999}), {}),
        (_to(anna.pk), {"idempotency-key": "ä"}),
        (_to(anna.pk), {"authorization": "Bearer clarion_abcdefgh_x"}),
        (_to(anna.pk), {"authorization": ""}),
        (_to(anna.pk), {"content-type": "text/plain"}),
        (b"{", {}),
        (b"[]", {}),
        (b"", {}),
    ]
    together_answered = crowd.send(*calls)
    statuses = set()
    for (body, headers), answer in zip(calls, together_answered, strict=True):
        alone = _by_django(call, body, headers)
        assert answer.status_code == alone.status_code, (body, answer.content)
        assert _comparable(answer.headers, answer.content) == _comparable(
            {name.lower(): value for name, value in alone.headers.items()}, alone.content
        )
        statuses.add(answer.status_code)
    assert statuses == {202, 400, 401, 415, 422}


def _by_django(call: Program, body: Any, headers: dict[str, str]) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"authorization": f"Bearer {call.token}"} | headers
    if "idempotency-key" in named:
        named["idempotency-key"] += " again"
    content_type = named.pop("content-type", "application/json")
    return Client().generic("POST", PATH, sent, content_type, headers=named)


def _comparable(headers: dict[str, str], body: bytes) -> tuple[dict[str, str], Any]:
    """Without what differs from one request to the next."""
    shown = json.loads(body)
    for name in ("delivery_id", "broadcast_id", "status_url"):
        shown.pop(name, None)
    kept = {name: value for name, value in headers.items() if name != "content-length"}
    if "location" in kept:
        kept["location"] = "a delivery"
    if "ratelimit" in kept:
        kept["ratelimit"] = "some"
    return kept, shown


def test_one_that_is_refused_changes_nothing_for_the_others(crowd: Crowd, channel: Channel) -> None:
    people = factory.people(channel, 5)
    calls = [(_to(person.pk), {"idempotency-key": f"k{person.pk}"}) for person in people]
    calls[2] = (_to(people[2].pk, "{{ data.code }}"), calls[2][1])
    answers = crowd.send(*calls)
    assert [answer.status_code for answer in answers] == [202, 202, 422, 202, 202]
    sent = [people[index] for index in (0, 1, 3, 4)]
    deliveries = {delivery.address_id: delivery for delivery in Delivery.objects.all()}
    assert deliveries.keys() == {person.pk for person in sent}
    shown = [json.loads(answers[index].content) for index in (0, 1, 3, 4)]
    for person, message in zip(sent, shown, strict=True):
        delivery = deliveries[person.pk]
        assert (message["chat_number"], message["delivery_id"], message["broadcast_id"]) == (
            person.pk, delivery.pk, delivery.broadcast_id,
        )  # fmt: skip
        single = Broadcast.objects.get(pk=delivery.broadcast_id)
        assert list(single.picks.values_list("address", flat=True)) == [person.pk]
        assert list(single.channels.all()) == [channel]
        assert counts([single.pk])[single.pk]["queued"] == 1
    assert set(StoredAnswer.objects.values_list("key", flat=True)) == {
        f"k{person.pk}" for person in sent
    }
    # What was refused is looked at again.
    [again] = crowd.send((_to(people[2].pk), calls[2][1]))
    assert again.status_code == 202


def test_repeats_at_the_same_moment_get_the_first_answer(crowd: Crowd, channel: Channel) -> None:
    [anna, bert] = factory.people(channel, 2)
    same = {"idempotency-key": "once"}
    answers = crowd.send(
        (_to(anna.pk), same), (_to(bert.pk), {}), (_to(anna.pk), same), (_to(bert.pk), same),
        (_to(anna.pk, "{{ data.x }}"), {"idempotency-key": "x"}),
        (_to(anna.pk, "Hi {{ data.x }}", data={"x": 1}), {"idempotency-key": "x"}),
    )  # fmt: skip
    assert [answer.status_code for answer in answers] == [202, 202, 202, 422, 422, 202]
    assert answers[2].content == answers[0].content
    assert answers[2].headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in answers[0].headers
    assert json.loads(answers[3].content)["code"] == "key_reused"
    assert Delivery.objects.count() == 3
    [later] = crowd.send((_to(anna.pk), same))
    assert later.content == answers[0].content


def test_an_unexpected_error_is_that_of_one_request(
    crowd: Crowd, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = factory.people(channel, 4)
    fill = singles._fill

    def breaks(text: str, *rest: Any) -> None:
        if text == "break":
            raise RuntimeError("a fault of Clarion")
        fill(text, *rest)

    monkeypatch.setattr(singles, "_fill", breaks)
    texts = ("Hi", "break", "Hi", "Hi")
    calls = [
        (_to(person.pk, text), {"idempotency-key": f"k{person.pk}"})
        for person, text in zip(people, texts, strict=True)
    ]
    answers = crowd.send(*calls)
    assert [answer.status_code for answer in answers] == [202, 500, 202, 202]
    assert Delivery.objects.count() == StoredAnswer.objects.count() == 3
    assert len({answer.headers["ratelimit"] for answer in answers}) == 4  # each counted once


def test_while_the_database_is_away_nothing_is_sent(
    crowd: Crowd, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = factory.people(channel, 3)

    def away(_singles: Sequence[Any]) -> None:
        raise OperationalError("the database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(singles, "write_singles", away)
        answers = crowd.send(*((_to(person.pk), {}) for person in people))
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} == {"5"}
    assert not Broadcast.objects.exists()


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("a fault"), 500), (OperationalError("locked"), 503)]
)
def test_what_happens_to_a_repeat_changes_nothing_of_what_was_sent(
    crowd: Crowd, channel: Channel, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    [anna, bert] = factory.people(channel, 2)
    fill = singles._fill

    def breaks(text: str, *rest: Any) -> None:
        if text == "break":
            raise error
        fill(text, *rest)

    monkeypatch.setattr(singles, "_fill", breaks)
    key = {"idempotency-key": "once"}
    answers = crowd.send(
        (_to(anna.pk), {}), (_to(bert.pk, "{{ data.x }}"), key), (_to(bert.pk, "break"), key)
    )
    assert [answer.status_code for answer in answers] == [202, 422, status]
    [delivery] = Delivery.objects.all()
    assert json.loads(answers[0].content)["delivery_id"] == delivery.pk


def test_more_than_can_wait_is_refused(crowd: Crowd, channel: Channel) -> None:
    [anna] = factory.people(channel, 1)
    small = Crowd(crowd.secret, bounds=Bounds(waiting=2))
    answers = small.send(*((_to(anna.pk), {}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [202, 202, 503]
    [busy] = [answer for answer in answers if answer.status_code == 503]
    assert problem(busy)["code"] == "busy"
    assert busy.headers["retry-after"] == "60"


def test_many_take_no_more_statements_than_a_few(crowd: Crowd, channel: Channel) -> None:
    people = factory.people(channel, 40)
    took = []
    for some in (people[:3], people[3:]):
        with CaptureQueriesContext(connection) as queries:
            answers = crowd.send(
                *((_to(person.pk), {"idempotency-key": f"k{person.pk}"}) for person in some)
            )
        assert {answer.status_code for answer in answers} == {202}
        took.append(len(queries))
    assert took[1] <= took[0] <= 25


def test_what_is_no_message_of_moderate_size_goes_on(crowd: Crowd, channel: Channel) -> None:
    [anna] = factory.people(channel, 1)
    passed_on = [
        *crowd.send((_to(anna.pk), {}), method="GET"),
        *crowd.send((_to(anna.pk), {}), path="/api/v1/contacts"),
        *crowd.send((b" " * (LARGEST + 1), {})),
    ]
    assert [answer.status_code for answer in passed_on] == [418, 418, 418]


def test_a_client_that_leaves_before_its_end_sends_nothing(crowd: Crowd) -> None:
    async def leaves() -> None:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            raise AssertionError(message)

        headers = [(b"content-length", b"2")]
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
        await crowd.application(scope, receive, send)

    crowd.visitor.drive(leaves())
    assert not Broadcast.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_groups_that_claim_the_same_keys_do_not_wait_for_each_other(
    make_token: MakeToken,
) -> None:
    """Two web processes, whose groups have the keys in a different order."""
    make_token()
    token = ApiToken.objects.get()
    keys = [f"k{number}" for number in range(200)]
    new: list[int] = []
    ready = threading.Barrier(2)

    def claims(of: Sequence[str]) -> None:
        try:
            ready.wait()
            with transaction.atomic():
                stored = idempotency.claim_all([Claim(token, key, "digest") for key in of])
                assert not any(isinstance(answer, Exception) for answer in stored)
                fresh = [answer for answer in stored if isinstance(answer, StoredAnswer)]
                new.append(sum(answer.status == 0 for answer in fresh))
                idempotency.keep_all([(answer, 202, {}, "{}") for answer in fresh])
        finally:
            connection.close()

    threads = [
        threading.Thread(target=claims, args=(order,)) for order in (keys, list(reversed(keys)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [0, 200]
