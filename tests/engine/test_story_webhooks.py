"""A story's webhook in trouble: the broadcast waits or pauses, and nobody is charged for it."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import control, history
from clarion.broadcasts.models import Broadcast, Event
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Attribute, Contact
from clarion.engine.process import ThreadedWorker
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.models import Delivery, Record
from crash.rehearsal import wait_completed
from engine.stories import launch, story, webhook
from support import factory
from support.listener import Heard, Listener
from support.ports import closed_port
from support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """Takes messages at /hook, and answers /ask with ``status``."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked = 0
        self.failing: set[str] = set()  # the people for whom it answers 500

    def __call__(self, heard: Heard) -> tuple[int, Any]:
        if heard.path == "/hook":
            return 200, {}
        self.asked += 1
        if heard.body["to"] in self.failing:
            return 500, {}
        return self.status, {"responses": ["Hello"]} if self.status == 200 else {}


def to_people(listener: Listener, count: int, url: str = "", **more: Any) -> Broadcast:
    channel = factory.channel(url=f"{listener.url}/hook", **more)
    factory.people(channel, count)
    return launch(channel, story(webhook(url or f"{listener.url}/ask")))


def waits(broadcast: Broadcast) -> bool:
    broadcast.refresh_from_db()
    return broadcast.waits_until is not None


def is_untouched(broadcast: Broadcast, people: int) -> bool:
    """Everybody is queued, and nobody has used up anything."""
    return (
        factory.states(broadcast) == {"queued": people}
        and not Delivery.objects.filter(attempts__gt=0).exists()
        and not Record.objects.exists()
    )


@pytest.mark.parametrize("people", [3, 1_000])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_b3_a_webhook_in_trouble_makes_its_broadcast_wait(
    engine: None, people: int, status: int
) -> None:
    server = Server(status)
    with Listener(server) as listener:
        broadcast = to_people(listener, people, attempts=1)
        eventually(lambda: waits(broadcast), 60)
        eventually(lambda: is_untouched(broadcast, people), 60)
        assert broadcast.waits_reason == (
            f"The story's webhook answered {status}. Look for the fault there."
        )
        assert server.asked < 500  # what was on its way when it was found out
        (facts,) = history.facts([broadcast])
        assert (broadcast.state, facts["outcome"]) == ("sending", "waiting")
        assert [one["reason"] for one in facts["waits_for"]] == [broadcast.waits_reason]
        channel = Channel.objects.get()
        assert (channel.state, channel.waits_until) == ("active", None)

        server.status = 200
        wait_completed(broadcast, 120)

    assert factory.states(broadcast) == {"sent": people}
    assert not waits(broadcast)
    assert not Record.objects.filter(status="error").exists()
    assert reconcile(broadcast.pk).ok


@pytest.mark.parametrize("people", [3, 1_000])
def test_b3_a_webhook_that_is_not_there_makes_its_broadcast_wait(engine: None, people: int) -> None:
    with Listener() as listener, closed_port() as port:
        broadcast = to_people(listener, people, f"http://127.0.0.1:{port}/ask", attempts=1)
        eventually(lambda: waits(broadcast), 60)
        eventually(lambda: is_untouched(broadcast, people), 60)

    assert broadcast.waits_reason.startswith(
        "The story's webhook did not answer: No connection to the server: nothing"
    )


def test_while_it_waits_the_webhook_is_asked_for_one_person_at_a_time(engine: None) -> None:
    server = Server(500)
    with Listener(server) as listener:
        broadcast = to_people(listener, 300)
        eventually(lambda: waits(broadcast), 60)
        eventually(lambda: is_untouched(broadcast, 300), 60)
        before = server.asked
        eventually(lambda: server.asked >= before + 2, 60)

        assert server.asked == before + 2
        assert control.end_wait(broadcast, by=factory.BY)
        eventually(lambda: waits(broadcast), 60)
        control.stop(broadcast, by=factory.BY)
        eventually(lambda: factory.states(broadcast) == {"unsent": 300}, 60)


def test_a_wait_is_ended_by_resuming(engine: None) -> None:
    server = Server(500)
    with Listener(server) as listener:
        broadcast = to_people(listener, 3)
        eventually(lambda: waits(broadcast), 60)
        Broadcast.objects.update(waits_until=clock.now() + timedelta(days=1))
        server.status = 200
        broadcast.refresh_from_db()
        assert "end_wait" in control.actions(broadcast)
        control.resume(broadcast, by=factory.BY)
        wait_completed(broadcast, 60)

    assert "end_wait" not in control.actions(Broadcast.objects.get())


def test_who_a_working_webhook_fails_for_uses_up_their_own_attempts(engine: None) -> None:
    server = Server()
    server.failing = {"u0", "u50"}
    with Listener(server) as listener:
        broadcast = to_people(listener, 150, attempts=2, backoff=0.01, rate=100.0)
        wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"sent": 148, "failed": 2}
    failed = Record.objects.filter(status="error", reason__code="story_webhook")
    assert failed.count() == 4
    assert not waits(broadcast)


@pytest.mark.parametrize(("people", "step", "rows"), [(3, 3, 1), (1_000, 67, 15)])
def test_b9_whom_a_webhook_always_fails_for_holds_up_nobody(
    engine: None, people: int, step: int, rows: int
) -> None:
    server = Server()
    server.failing = {f"u{n}" for n in range(2, people, step)}
    server.failing |= {f"u{n}" for n in range(people // 2, people // 2 + rows)} - {"u1"}
    with Listener(server) as listener:
        broadcast = to_people(listener, people, attempts=2, backoff=0.01)
        wait_completed(broadcast, 60)

    bad = len(server.failing)
    assert bad == (1 if people == 3 else 30)
    assert factory.states(broadcast) == {"sent": people - bad, "failed": bad}
    failed = Delivery.objects.filter(state="failed").select_related("address", "reason")
    assert {delivery.address.value for delivery in failed} == server.failing
    assert {delivery.reason.text for delivery in failed if delivery.reason} == {
        "The story's webhook answered 500. Look for the fault there."
    }
    assert Record.objects.filter(status="error").count() == 2 * bad
    assert not Event.objects.filter(kind="webhook_waits").exists()
    assert reconcile(broadcast.pk).ok


def test_b12_a_webhook_that_goes_down_in_the_middle_uses_up_nobodys_attempts(engine: None) -> None:
    server = Server()
    with Listener(server) as listener:

        def answer(heard: Heard) -> tuple[int, Any]:
            if server.asked == 20:
                server.status = 503
            return server(heard)

        listener.answer = answer
        broadcast = to_people(listener, 60, attempts=1)
        eventually(lambda: waits(broadcast), 60)
        eventually(lambda: factory.states(broadcast) == {"sent": 20, "queued": 40}, 60)
        assert not Delivery.objects.filter(attempts__gt=0, state="queued").exists()

        left = Delivery.objects.filter(broadcast=broadcast, state="queued")
        failing = left.values_list("address__value", flat=True)[:1]  # claimed in any order
        listener.answer, server.status, server.failing = server, 200, set(failing)
        control.end_wait(broadcast, by=factory.BY)
        wait_completed(broadcast, 60)

    assert factory.states(broadcast) == {"sent": 59, "failed": 1}


def test_a_worker_that_has_heard_no_answer_asks_for_somebody_who_was_answered_earlier(
    database_url: str,
) -> None:
    server = Server()
    server.failing = {"u2"}
    with Listener(server) as listener:
        broadcast = to_people(listener, 3, attempts=1, backoff=0.01)
        with ThreadedWorker():
            eventually(lambda: factory.states(broadcast) == {"sent": 2, "failed": 1}, 60)
        Delivery.objects.filter(state="failed").update(state="queued", attempts=0)
        tallies.correct(broadcast.pk)
        Broadcast.objects.update(state="sending", finished_at=None)
        before = len(listener.heard)
        with ThreadedWorker():
            wait_completed(broadcast, 60)

    asked = [heard.body["to"] for heard in listener.heard[before:]]
    assert asked[0] == "u2"
    assert asked[1] in {"u0", "u1"}
    assert listener.heard[-1].headers["idempotency-key"] in {
        heard.headers.get("idempotency-key") for heard in listener.heard[:before]
    }
    assert factory.states(broadcast) == {"sent": 2, "failed": 1}


def test_one_webhook_of_a_story_says_nothing_of_another(engine: None) -> None:
    server = Server()
    down = Server(503)
    with Listener(lambda heard: (down if heard.path == "/down" else server)(heard)) as listener:
        channel = factory.channel(url=f"{listener.url}/hook", attempts=1)
        factory.people(channel, 30)
        version = story(webhook(f"{listener.url}/ask"), webhook(f"{listener.url}/down"))
        broadcast = launch(channel, version)
        eventually(lambda: down.asked and waits(broadcast), 60)

        assert not Record.objects.filter(status="error").exists()
        down.status = 200
        wait_completed(broadcast, 60)
    assert factory.states(broadcast) == {"sent": 30}


@pytest.mark.parametrize("people", [3, 1_000])
@pytest.mark.parametrize("status", [404, 401])
def test_a_webhook_that_refuses_everybody_pauses_its_broadcast(
    engine: None, people: int, status: int
) -> None:
    with Listener(Server(status)) as listener:
        broadcast = to_people(listener, people)

        def is_paused() -> bool:
            broadcast.refresh_from_db()
            return broadcast.state == "paused"

        eventually(is_paused, 60)
        eventually(lambda: is_untouched(broadcast, people), 60)

    assert f"The story's webhook answered {status}." in broadcast.state_reason
    assert broadcast.state_reason.endswith("Correct the webhook, then resume the broadcast.")


def test_n1_a_webhook_sets_attributes_that_the_next_message_shows(engine: None) -> None:
    """It may answer twice, and what it sets must fit the attribute."""
    Attribute.objects.create(name="points", type="number")
    texts: dict[str, str] = {}

    def answers(heard: Heard) -> tuple[int, Any]:
        if heard.path == "/hook":
            texts[heard.body["to"]] = heard.body["text"]
            return 200, {}
        good = heard.body["to"] == "u0"
        return 200, {"attributes": {"points": "7" if good else "many", "city": None}}

    with Listener(answers) as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        good, wrong = factory.people(channel, 2)
        Contact.objects.update(attributes={"city": "Bonn"})
        shown = {"kind": "text", "text": "{{ contact.points | default('none') }}"}
        broadcast = launch(channel, story(webhook(f"{listener.url}/ask"), shown))
        wait_completed(broadcast, 60)

    assert texts == {"u0": "7"}
    assert Contact.objects.get(pk=good.contact_id).attributes == {"points": 7}
    assert Contact.objects.get(pk=wrong.contact_id).attributes == {"city": "Bonn"}
    record = Record.objects.get(status="error")
    assert record.reason is not None
    assert record.reason.text == (
        "The webhook's answer can't set attributes. “points”: “many” is not a number; "
        "use one like 30 or 1.5."
    )
