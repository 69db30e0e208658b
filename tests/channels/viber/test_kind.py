"""What is special about Viber: broadcast messages, statuses in replies of 200, receipts."""

import json
from dataclasses import replace
from typing import Any

import pytest

from channels.fixtures import reply
from channels.viber.fixtures import (
    ACCEPTED,
    ANNA,
    BERT,
    CASE,
    RECEIPTS,
    TOKEN,
    event,
    make,
    status,
    written,
)
from clarion.channels.contract import (
    Accepted,
    Inbound,
    OptOut,
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    SendsBatches,
    Unsendable,
)
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest

CARLA = "pttm25kSGUo1919sBORWyA=="
PEOPLE = [replace(CASE.message, to=person, id=person) for person in (ANNA, BERT, CARLA)]
LISTED = {
    "failed_list": [
        {"receiver": BERT, "status": 6, "status_message": "Not subscribed"},
        {"receiver": CARLA, "status": 12, "status_message": "Too many requests"},
    ]
}


def body_of(request: HttpRequest) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(request.body)
    return fields


def accepted(**fields: Any) -> Any:
    return reply(200, {**json.loads(ACCEPTED.body), **fields})


def classes(outcomes: Any) -> list[str]:
    def name(outcome: Outcome) -> str:
        return outcome.refusal.value if isinstance(outcome, Refused) else "accepted"

    return [name(outcome) for outcome in outcomes]


def test_requests_have_the_fields_of_the_documentation() -> None:
    """Fields, types and which are required: creators.viber.com/docs/bots-api/data-models/message
    and …/resources/messaging/broadcast-message."""
    kind = make()
    single, many = kind.request(PEOPLE[0]), kind.batch_request(PEOPLE)

    assert single.url == "https://chatapi.viber.com/pa/send_message"
    assert many.url == "https://chatapi.viber.com/pa/broadcast_message"
    assert (
        dict(single.headers)
        == dict(many.headers)
        == {
            "Content-Type": "application/json",
            "X-Viber-Auth-Token": TOKEN,
        }
    )
    common = {
        "sender": {"name": "Spring shop"},
        "min_api_version": 1,
        "type": "text",
        "text": "Hello Anna",
    }
    assert body_of(single) == {"receiver": ANNA, **common}
    assert body_of(many) == {"broadcast_list": [ANNA, BERT, CARLA], **common}


def test_everything_but_the_recipient_is_what_messages_share() -> None:
    kind = make()
    first, *others = PEOPLE
    assert isinstance(kind, SendsBatches)
    assert {kind.shared(other) for other in others} == {kind.shared(first)}
    assert kind.shared(replace(first, text="Hello Bert")) != kind.shared(first)
    picture = Media("image", "https://shop.example/anna.png")
    assert kind.shared(replace(first, media=picture)) != kind.shared(first)
    assert kind.shared(replace(first, buttons=(Button("reply", "Yes", "1"),))) != kind.shared(
        replace(first, buttons=(Button("reply", "Yes", "2"),))
    )


def test_what_is_too_large_for_300_receivers_or_not_approved_goes_alone() -> None:
    assert make().shared(replace(PEOPLE[0], text="ü" * 7_000)) is not None
    assert make().shared(replace(PEOPLE[0], text="😀" * 7_000)) is None
    assert make(broadcasts=False).shared(PEOPLE[0]) is None
    full = [replace(PEOPLE[0], to=f"{n:022d}==", text="ü" * 7_000) for n in range(300)]
    assert len(make().batch_request(full).body) <= 30_000


def test_each_recipient_of_a_broadcast_message_has_an_outcome() -> None:
    anna, bert, carla = make().batch_outcomes(PEOPLE, accepted(**LISTED))

    assert anna == Accepted(f"5741311803571721087:{ANNA}")
    assert isinstance(bert, Refused)
    assert (bert.refusal, bert.code, bert.mark) == (Refusal.UNREACHABLE, "6", "blocked")
    assert isinstance(carla, Refused)
    assert (carla.refusal, carla.whole_channel) == (Refusal.THROTTLED, False)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"failed_list": []}, ["accepted"] * 3),
        ({"failed_list": None}, ["unknown"] * 3),
        ({"failed_list": [BERT]}, ["unknown"] * 3),
        ({"failed_list": [{"receiver": BERT, "status": "6"}]}, ["unknown"] * 3),
        ({"failed_list": [{"receiver": "nobody", "status": 6}]}, ["accepted"] * 3),
        ({"status": 20, **LISTED}, ["rejected", "unreachable", "throttled"]),
    ],
)
def test_a_list_of_failures_that_is_none_proves_nothing(
    fields: dict[str, Any], expected: list[str]
) -> None:
    assert classes(make().batch_outcomes(PEOPLE, accepted(**fields))) == expected


@pytest.mark.parametrize("name", CASE.replies)
def test_what_is_about_the_whole_request_is_the_same_for_all(name: str) -> None:
    answer, refusal = CASE.replies[name]
    outcomes = make().batch_outcomes(PEOPLE, answer)
    (outcome,) = {id(one): one for one in outcomes}.values()
    assert isinstance(outcome, Refused)
    assert outcome.refusal is refusal


def test_a_receipt_finds_the_recipient_of_a_message_that_many_got() -> None:
    kind = make()
    (sent,) = kind.batch_outcomes(PEOPLE[:1], accepted())
    assert isinstance(sent, Accepted)
    told = list(kind.events(event("seen", message_token=5741311803571721087, user_id=ANNA)))
    assert [one.external_id for one in told] == [sent.external_id]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts(name: str) -> None:
    told = make().events(event(name, user_id=ANNA, desc="message validation failed"))
    assert list(told) == [RECEIPTS[name]]


def test_subscriptions() -> None:
    (again,) = make().events(event("subscribed", user={"id": ANNA}))
    (left,) = make().events(event("unsubscribed", user_id=ANNA))
    assert isinstance(again, OptOut)
    assert isinstance(left, OptOut)
    assert (again.state, left.state) == ("active", "opted_out")


def test_a_reply_button_is_known_by_its_label_and_what_was_tracked() -> None:
    """ "The tracking_data value sent with the message will be returned with the user's reply"."""
    buttons = (Button("reply", "Yes", "story:7"), Button("link", "Look", "https://shop.example/"))
    sent = body_of(make().request(replace(CASE.message, buttons=buttons)))

    (told,) = make().events(written("Yes", sent["tracking_data"]))
    (typed,) = make().events(written("Perhaps", sent["tracking_data"]))

    assert isinstance(told, Inbound)
    assert isinstance(typed, Inbound)
    assert (told.button, typed.button) == ("story:7", "")
    reply_key, link_key = sent["keyboard"]["Buttons"]
    assert (reply_key["ActionType"], reply_key["ActionBody"]) == ("reply", "Yes")
    assert (link_key["ActionType"], link_key["ActionBody"]) == ("open-url", "https://shop.example/")


@pytest.mark.parametrize(
    ("media", "content"),
    [
        (
            Media("file", "https://shop.example/a.pdf", "Price list.pdf", "", b"pdf"),
            {"type": "file", "size": 3, "file_name": "Price list.pdf"},
        ),
        (
            Media("file", "https://shop.example/a.mp4?b", "a.mp4", unread=26_000_000),
            {"type": "video", "size": 26_000_000},
        ),
        (
            Media("file", "https://shop.example/a.mp4", "a.mp4", unread=26_000_001),
            {"type": "file", "size": 26_000_001, "file_name": "a.mp4"},
        ),
    ],
)
def test_files_and_videos_have_their_size(media: Media, content: dict[str, Any]) -> None:
    body = body_of(make().request(replace(CASE.message, text="", media=media)))
    del body["receiver"], body["sender"], body["min_api_version"]
    assert body == {**content, "media": media.url}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "x" * 7_001}, "7,000"),
        ({"media": Media("image", "https://shop.example/picture")}, "ends with"),
        ({"media": Media("image", "", "a.png", "image/png", b"png")}, "public URL"),
        ({"text": "", "media": Media("file", "https://shop.example/a.pdf")}, "Upload the file"),
        ({"text": "", "media": Media("file", "", "a.pdf", "", b"pdf")}, "public URL"),
        (
            {"text": "", "media": Media("file", "https://shop.example/a", unread=50_000_001)},
            "at most 50 MB",
        ),
        ({"media": Media("file", "https://shop.example/a", unread=5)}, "without text"),
        ({"buttons": (Button("reply", "Yes", "x" * 5_000),)}, "send back more"),
    ],
)
def test_what_viber_does_not_take_is_refused_beforehand(parts: dict[str, Any], words: str) -> None:
    message: Outgoing = replace(CASE.message, **parts)
    with pytest.raises(Unsendable, match=words):
        make().request(message)
    assert make().shared(message) is None


def test_the_webhook_is_registered_with_the_events_that_are_understood() -> None:
    request = make().register("https://clarion.example/hooks/3/")
    fields = body_of(request)
    assert request.url.endswith("/pa/set_webhook")
    assert fields["url"] == "https://clarion.example/hooks/3/"
    assert set(fields["event_types"]) == {
        "delivered", "seen", "failed", "subscribed", "unsubscribed", "conversation_started",
    }  # fmt: skip
    assert make().registered(reply(200, {"status": 0, "event_types": []})).endswith(".")
    for answer, words in (
        (status(1, "result is not ok"), "https://"),
        (status(2), "token"),
        (reply(200, {"status": 0.5}), "understood"),
        (reply(502), "502"),
    ):
        with pytest.raises(ValueError, match=words):
            make().registered(answer)
