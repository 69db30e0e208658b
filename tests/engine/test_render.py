"""Stories on their way: several messages in order, webhooks, failures in the middle, restarts."""

from typing import Any

import pytest

from clarion.broadcasts import control, restarts
from clarion.broadcasts import launch as launching
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Contact
from clarion.content import media
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.message_ids import message_id
from clarion.records.models import Delivery, DeliveryProgress, Part, Record
from clarion.records.progress import Progress
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from crash.rehearsal import wait_completed
from engine.stories import launch, story, text, webhook
from support import factory
from support.listener import Heard, Listener
from support.waiting import eventually

pytestmark = pytest.mark.django_db


def texts_of(listener: Listener) -> dict[str, list[str]]:
    """What each person was sent, in the order it arrived."""
    got: dict[str, list[str]] = {}
    for heard in listener.heard:
        if heard.path == "/hook":
            got.setdefault(heard.body["to"], []).append(heard.body["text"])
    return got


def sink(listener: Listener, **more: Any) -> Channel:
    return factory.channel(url=f"{listener.url}/hook", **more)


def test_b3_several_messages_arrive_in_order_as_one_record(engine: None) -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 20)
        three = story(text("Hello {{ contact.name }}"), text("Second"), text("Third"))
        broadcast = launch(channel, three)
        wait_completed(broadcast, 60)

        got = texts_of(listener)
    assert len(got) == 20
    assert got["u7"] == ["Hello Person 7", "Second", "Third"]
    assert all(messages[1:] == ["Second", "Third"] for messages in got.values())
    record = Record.objects.get(address__value="u7")
    assert (record.status, record.responses) == ("completed", 3)
    assert record.content == "Third"
    before = Part.objects.filter(delivery=record.delivery_id).order_by("number")
    assert [(part.content, part.attempt) for part in before] == [
        ("Hello Person 7", 1),
        ("Second", 1),
    ]
    assert Record.objects.count() == 20
    assert not DeliveryProgress.objects.exists()
    assert reconcile(broadcast.pk).ok


def test_b3_a_webhook_answers_for_each_person(engine: None) -> None:
    def answer(heard: Heard) -> tuple[int, Any]:
        if heard.path == "/hook":
            return 200, {}
        number = int(heard.body["to"][1:])
        return 200, {
            "responses": [f"Offer {n} for {heard.body['contact']['name']}" for n in range(number)],
            "memory": {"offers": number},
        }

    with Listener(answer) as listener:
        channel = sink(listener)
        factory.people(channel, 3)
        broadcast = launch(channel, story(webhook(f"{listener.url}/ask")), data={"a": 1})
        wait_completed(broadcast, 60)

        got = texts_of(listener)
        asked = [heard for heard in listener.heard if heard.path == "/ask"]
    assert got == {
        "u1": ["Offer 0 for Person 1"],
        "u2": ["Offer 0 for Person 2", "Offer 1 for Person 2"],
    }
    assert len(asked) == 3
    assert asked[0].body["data"] == {"a": 1}
    assert len({heard.headers["idempotency-key"] for heard in asked}) == 3
    none = Record.objects.get(address__value="u0")
    assert (none.status, none.responses, none.content) == ("completed", 0, "")
    assert Delivery.objects.filter(state="sent").count() == 3
    assert reconcile(broadcast.pk).ok


def test_b3_what_a_webhook_remembers_is_said_by_the_next_message(engine: None) -> None:
    def answer(heard: Heard) -> tuple[int, Any]:
        return 200, {"responses": [], "memory": {"city": "Oslo"}}

    with Listener(answer) as listener:
        channel = sink(listener)
        factory.people(channel, 1)
        both = story(webhook(f"{listener.url}/ask"), text("See you in {{ memory.city }}"))
        broadcast = launch(channel, both)
        wait_completed(broadcast, 60)

        assert texts_of(listener) == {"u0": ["See you in Oslo"]}


def test_b3_a_failure_in_the_middle_resumes_at_the_message_that_failed(engine: None) -> None:
    failures = iter([500, 408, 200])

    def answer(heard: Heard) -> tuple[int, Any]:
        return (next(failures), {}) if heard.body["text"] == "Two" else (200, {})

    with Listener(answer) as listener:
        channel = sink(listener, backoff=0.01)
        factory.people(channel, 1)
        broadcast = launch(channel, story(text("One"), text("Two"), text("Three")))
        wait_completed(broadcast, 60)

        assert texts_of(listener) == {"u0": ["One", "Two", "Two", "Two", "Three"]}
        ids = [heard.headers["idempotency-key"] for heard in listener.heard]
    assert len(set(ids)) == 3
    errors = Record.objects.filter(status="error")
    assert [(e.responses, e.content) for e in errors.order_by("id")] == [(1, "Two"), (0, "Two")]
    done = Record.objects.get(status="completed")
    assert (done.attempt, done.responses, done.content) == (3, 2, "Three")
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.recovered) == ("sent", True)


def test_f3_a_restart_goes_on_with_the_message_that_failed(engine: None) -> None:
    refusing = [True]

    def answer(heard: Heard) -> tuple[int, Any]:
        return (400 if heard.body["text"] == "Two" and refusing[0] else 200), {}

    with Listener(answer) as listener:
        channel = sink(listener)
        factory.people(channel, 1)
        broadcast = launch(channel, story(text("One"), text("Two")))
        wait_completed(broadcast, 60)
        assert Delivery.objects.get().state == "failed"
        refusing[0] = False
        again = restarts.restart(broadcast, by=factory.BY, undo_seconds=0)
        wait_completed(again, 60)

        assert texts_of(listener) == {"u0": ["One", "Two", "Two"]}
    record = Record.objects.get(broadcast=again.pk)
    assert (record.responses, record.content) == (1, "Two")
    assert Part.objects.get().broadcast_id == broadcast.pk


def test_a_webhook_that_may_not_be_asked_pauses_its_broadcast_and_uses_up_nothing(
    engine: None,
) -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 30)
        private = {"kind": "webhook", "url": f"{listener.url}/ask"}
        broadcast = launch(channel, story(private, text("Hello")))
        eventually(lambda: _state(broadcast) == "paused", 60)
        other = launch(channel, story(text("Hello")))
        wait_completed(other, 60)

        assert len(listener.heard) == 30
    broadcast.refresh_from_db()
    assert "The story's webhook can't be asked: The server is not on" in broadcast.state_reason
    mine = Delivery.objects.filter(broadcast=broadcast)
    assert set(mine.values_list("state", "attempts")) == {("queued", 0)}
    assert not Record.objects.filter(broadcast=broadcast.pk).exists()
    channel.refresh_from_db()
    assert channel.state == "active"


def test_a_channel_with_a_private_address_pauses_and_uses_up_nothing(engine: None) -> None:
    with Listener() as listener:
        channel = sink(listener)
        Channel.objects.update(config={**channel.config, "allow_private": False})
        factory.people(channel, 30)
        broadcast = launch(channel, story(text("Hello")))
        eventually(lambda: Channel.objects.get(pk=channel.pk).state == "paused", 60)

        assert listener.heard == []
    channel.refresh_from_db()
    assert channel.paused_reason.startswith("The server is not on the public internet.")
    eventually(lambda: factory.states(broadcast) == {"queued": 30}, 60)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert not Record.objects.exists()


def _state(broadcast: Broadcast) -> str:
    return Broadcast.objects.get(pk=broadcast.pk).state


@pytest.mark.parametrize("people", [1, 3, 1_000])
def test_an_upload_that_is_gone_pauses_the_broadcast_and_uses_up_nothing(
    engine: None, people: int
) -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, people)
        image = {"kind": "image", "media": "f" * 32}
        broadcast = launch(channel, story(text("Look"), image))
        eventually(lambda: _state(broadcast) == "paused", 60)
        eventually(lambda: factory.states(broadcast) == {"queued": people}, 60)

        assert listener.heard == []
    broadcast.refresh_from_db()
    assert "Block 2: There is no such upload. Upload it again." in broadcast.state_reason
    assert not Delivery.objects.filter(attempts__gt=0).exists()
    assert not Record.objects.exists()
    assert reconcile(broadcast.pk).ok


def test_a_file_that_a_worker_can_not_read_pauses_the_broadcast_and_uses_up_nothing(
    engine: None,
) -> None:
    upload = media.save_upload("cat.png", "", [b"\x89PNG\r\n\x1a\n"], image=True)
    away = media.path(upload.token).rename(media.path(upload.token).with_suffix(".away"))
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 30)
        broadcast = launch(channel, story(text("Look"), {"kind": "image", "media": upload.token}))
        eventually(lambda: _state(broadcast) == "paused", 60)
        eventually(lambda: factory.states(broadcast) == {"queued": 30}, 60)
        broadcast.refresh_from_db()
        assert "“cat.png” can't be read on this machine" in broadcast.state_reason
        assert "Then resume the broadcast." in broadcast.state_reason
        assert not Delivery.objects.filter(attempts__gt=0).exists()

        away.rename(media.path(upload.token))
        control.resume(broadcast, by=factory.BY)
        wait_completed(broadcast, 60)

        assert {len(messages) for messages in texts_of(listener).values()} == {2}
    assert factory.states(broadcast) == {"sent": 30}
    assert reconcile(broadcast.pk).ok


def test_a_crash_between_two_messages_leaves_only_the_second_in_doubt() -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 1)
        broadcast = launch(channel, story(text("One"), text("Two")))
        factory.expand(broadcast)
        worker = reap.register()
        assert claim(channel.pk, worker, 5).messages[0].progress.sent == 0
        reap.declare_all_dead()
        reap.reap()

    delivery = Delivery.objects.get()
    assert delivery.state == "in_doubt"
    assert Record.objects.get().content == "One"
    assert reconcile(broadcast.pk).ok


def test_what_a_dead_worker_was_about_to_send_is_in_the_record_of_the_doubt() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = launch(channel, story(text("One"), text("Two for {{ contact.name }}")))
    factory.expand(broadcast)
    worker = reap.register()
    first, *others = factory.in_order(claim(channel.pk, worker, 5).messages)
    after = Progress(sent=1)
    settle(
        worker,
        [
            factory.outcome(
                first, channel, "queued", attempts=0, attempted=False, content="One", number=0,
                progress=after,
            )
        ],
    )  # fmt: skip
    (again,) = claim(channel.pk, worker, 5).messages
    assert again.delivery == first.delivery
    reap.declare_all_dead()
    reap.reap()

    records = Record.objects.order_by("address_id")
    assert [record.content for record in records] == ["Two for Person 0", "One", "One"]
    assert [record.responses for record in records] == [1, 0, 0]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"in_doubt"}
    assert len(others) == 2


def test_a_story_that_broke_is_not_delivered_because_its_first_message_was(engine: None) -> None:
    def answer(heard: Heard) -> tuple[int, Any]:
        if heard.path == "/ask":
            return 200, {"responses": []}
        return (400 if heard.body["text"] == "Three" else 200), {"id": heard.body["text"]}

    with Listener(answer) as listener:
        channel = sink(listener)
        factory.people(channel, 1)
        broken = launch(channel, story(text("One"), text("Two"), text("Three")))
        wait_completed(broken, 60)
        ends = launch(channel, story(text("One"), webhook(f"{listener.url}/ask")))
        wait_completed(ends, 60)

    for broadcast, numbers, state in ((broken, (0, 1), "failed"), (ends, (0,), "delivered")):
        delivery = Delivery.objects.get(broadcast=broadcast.pk)
        ids = [message_id(broadcast.key, delivery.pk, number) for number in numbers]
        arrived = [ReceiptUpdate(channel.pk, "delivered", 1, 2, message_id=key) for key in ids]
        assert apply_receipts(arrived) == []
        delivery.refresh_from_db()
        assert (delivery.state, delivery.recovered) == (state, False)
    assert Record.objects.get(broadcast=broken.pk).status == "error"
    assert Record.objects.get(broadcast=ends.pk).responses == 1


def test_receipts_for_any_message_of_a_delivery_are_its_receipts() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch(channel, story(text("One"), text("Two")))
    factory.expand(broadcast)
    delivery = Delivery.objects.get()
    factory.part(delivery, "One", external_id="x1")

    early = ReceiptUpdate(channel.pk, "delivered", 1, 2, external_id="x1")
    assert apply_receipts([early]) == [early]  # the second message has not left yet
    Delivery.objects.update(state="sent")
    lifecycle.finish()
    assert apply_receipts([early]) == []
    ours = f"{broadcast.key}-{delivery.pk}-1"
    assert apply_receipts([ReceiptUpdate(channel.pk, "read", 1, 2, message_id=ours)]) == []
    assert Delivery.objects.get().state == "read"


@pytest.mark.parametrize("as_story", [False, True])
def test_b7_a_title_that_people_see_is_rendered_for_each(engine: None, as_story: bool) -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 2)
        words = "Dear {{ contact.name }}"
        title = {"title": "News for {{ contact.name }}"}
        if as_story:
            broadcast = launch(channel, story(text(words)), **title)
        else:
            broadcast = factory.sending([channel], text=words, **title)
        wait_completed(broadcast, 60)
        heard = sorted(each.body["title"] for each in listener.heard)

    assert heard == ["News for Person 0", "News for Person 1"]
    assert sorted(Record.objects.values_list("content", flat=True)) == [
        f"[subject: News for Person {number}]\nDear Person {number}" for number in range(2)
    ]


def sent_unchecked(channel: Channel, **fields: Any) -> Broadcast:
    """A broadcast of fields that would be refused before sending; a worker sends nothing else."""
    draft = factory.draft([channel])
    broadcast = launching.start(draft, by=factory.BY, undo_seconds=3_600)
    Broadcast.objects.filter(pk=broadcast.pk).update(scheduled_at=clock.now(), **fields)
    return broadcast


def test_b7_a_title_that_lacks_a_variable_fails_its_person_with_its_name(engine: None) -> None:
    with Listener() as listener:
        channel = sink(listener)
        factory.people(channel, 1)
        broadcast = sent_unchecked(channel, title="For {{ contact.town }}")
        wait_completed(broadcast, 60)

    reason = Record.objects.get().reason
    assert reason is not None
    assert reason.text.startswith("Title: Line 1: there is no variable contact.town")


def test_b4_white_space_in_a_template_s_variables_is_made_plain(engine: None) -> None:
    """WhatsApp takes no line break, no tab and no run of blanks there (its error 132018)."""
    template = {"name": "order", "language": "en", "variables": ["{{ contact.note }}"]}
    with Listener() as listener:
        channel = sink(listener)
        (person,) = factory.people(channel, 1)
        note = {"note": " a\n\tb        c "}
        Contact.objects.filter(pk=person.contact_id).update(attributes=note)
        broadcast = sent_unchecked(channel, data_type="template", template=template)
        wait_completed(broadcast, 60)
        heard = listener.heard[0].body

    assert heard["template"]["variables"] == ["a b c"]
    assert Record.objects.get().content.endswith("a b c")
