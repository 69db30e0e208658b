"""What is special about LINE: multicasts, retry keys, limits in words, its published schema."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from channels.fixtures import reply
from channels.line.fixtures import ANNA, BERT, CASE, callback, error, event, make, text
from channels.line.schema import problems
from clarion.channels.contract import (
    Inbound,
    OptOut,
    Outgoing,
    Refused,
    SendsBatches,
    Unsendable,
)
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpRequest

PEOPLE = [replace(CASE.message, to=person, id=person) for person in (ANNA, BERT)]
PICTURE = Media("image", "https://pictures.example/anna.png", "anna.png", "image/png")
LINK, REPLY = Button("link", "Look", "https://shop.example/"), Button("reply", "Yes", "story:7")
PARTS: dict[str, dict[str, Any]] = {
    "text": {},
    "emoji to the limit": {"text": "😀" * 2_500},
    "picture": {"media": PICTURE},
    "picture alone": {"media": PICTURE, "text": ""},
    "buttons": {"buttons": (LINK, REPLY)},
    "buttons under a long text": {"text": "x" * 161, "buttons": (LINK, REPLY)},
    "many buttons": {"buttons": (REPLY,) * 13},
    "everything": {"media": PICTURE, "buttons": (LINK, REPLY)},
    "buttons under a picture": {"media": PICTURE, "text": "", "buttons": (REPLY,)},
}


def body_of(request: HttpRequest) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(request.body)
    return fields


def key_of(request: HttpRequest) -> str:
    return dict(request.headers)["X-Line-Retry-Key"]


@pytest.mark.parametrize("name", PARTS)
def test_requests_are_those_of_the_published_schema(name: str) -> None:
    """github.com/line/line-openapi: PushMessageRequest and MulticastRequest."""
    some = [replace(message, **PARTS[name]) for message in PEOPLE]
    push, multicast = make().request(some[0]), make().batch_request(some)

    assert problems(body_of(push), "PushMessageRequest") == []
    assert problems(body_of(multicast), "MulticastRequest") == []
    assert (push.url, multicast.url) == (
        "https://api.line.me/v2/bot/message/push",
        "https://api.line.me/v2/bot/message/multicast",
    )
    assert body_of(push)["messages"] == body_of(multicast)["messages"]
    assert UUID(key_of(push)) != UUID(key_of(multicast))


def test_the_schema_refuses_what_is_wrong() -> None:
    good = body_of(make().request(replace(CASE.message, buttons=(LINK,))))
    assert problems({**good, "to": [ANNA]}, "PushMessageRequest")
    assert problems({**good, "messages": []}, "PushMessageRequest")
    assert problems({**good, "text": "Hello"}, "PushMessageRequest")
    assert problems({"messages": [{"type": "text"}], "to": ANNA}, "PushMessageRequest")
    assert problems({"messages": [{"type": "poem"}], "to": ANNA}, "PushMessageRequest")
    assert problems({**good, "to": [ANNA] * 501}, "MulticastRequest")


@pytest.mark.parametrize(
    "fields",
    [
        event("follow", follow={"isUnblocked": True}, replyToken="x"),
        event("unfollow"),
        event("postback", replyToken="x", postback={"data": "yes-7\nYes, please"}),
        text("Hello"),
    ],
)
def test_the_callbacks_of_these_tests_are_those_of_the_published_schema(
    fields: dict[str, Any],
) -> None:
    """github.com/line/line-openapi: CallbackRequest."""
    body = json.loads(callback(fields).body)
    assert problems(body, "CallbackRequest") == []


def test_a_repeat_has_the_same_retry_key_and_nothing_else_has() -> None:
    kind = make()
    assert isinstance(kind, SendsBatches)
    first, second = PEOPLE
    assert key_of(kind.request(first)) == key_of(make().request(first))
    assert key_of(kind.batch_request(PEOPLE)) == key_of(make().batch_request(PEOPLE))
    keys = {
        key_of(request)
        for request in (
            kind.request(first),
            kind.request(second),
            kind.batch_request(PEOPLE),
            kind.batch_request([second, first]),
        )
    }
    assert len(keys) == 4


def test_what_messages_share_is_all_but_the_recipient() -> None:
    kind = make()
    first, second = PEOPLE
    assert kind.shared(first) == kind.shared(second)
    for parts in ({"text": "Hello Bert"}, {"media": PICTURE}, {"buttons": (REPLY,)}):
        assert kind.shared(replace(first, **parts)) != kind.shared(second)
    assert body_of(kind.batch_request(PEOPLE))["to"] == [ANNA, BERT]


def test_buttons_stay_in_the_chat_where_they_fit() -> None:
    (object_,) = body_of(make().request(replace(CASE.message, buttons=(LINK, REPLY))))["messages"]
    assert object_["template"]["text"] == "Hello Anna"
    long = replace(CASE.message, text="x" * 161, buttons=(LINK, REPLY))
    (object_,) = body_of(make().request(long))["messages"]
    assert (object_["type"], len(object_["quickReply"]["items"])) == ("text", 2)


def test_a_multicast_is_accepted_or_refused_for_all() -> None:
    for answer, refusal in CASE.replies.values():
        outcomes = make().batch_outcomes(PEOPLE, answer)
        assert len(outcomes) == 2
        assert outcomes[0] is outcomes[1]
        assert (outcomes[0].refusal if isinstance(outcomes[0], Refused) else None) == refusal


def test_a_used_up_quota_is_no_reason_to_try_again_soon() -> None:
    outcome = make().outcome(error(429, "You have reached your monthly limit."))
    assert isinstance(outcome, Refused)
    assert "this month" in outcome.reason
    assert outcome.retry_after is None


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "😀" * 2_501}, "5,000"),
        ({"media": replace(PICTURE, url="http://pictures.example/a.png")}, "https"),
        ({"media": replace(PICTURE, content_type="image/gif")}, "JPEG and PNG"),
        ({"media": Media("image", "", "a.png", "image/png", b"png")}, "public URL"),
        ({"media": Media("file", "https://shop.example/a.pdf")}, "no files"),
        ({"buttons": (Button("reply", "x" * 21, "1"),)}, "label"),
        ({"buttons": (Button("reply", "Yes", "x" * 300),)}, "sends back more"),
        ({"buttons": (Button("link", "Look", f"https://x.example/{'x' * 1_000}"),)}, "1,000"),
    ],
)
def test_what_line_does_not_take_is_refused_beforehand(parts: dict[str, Any], words: str) -> None:
    message: Outgoing = replace(CASE.message, **parts)
    with pytest.raises(Unsendable, match=words):
        make().request(message)
    assert make().shared(message) is None


def test_who_adds_and_who_blocks_the_account() -> None:
    (added,) = make().events(callback(event("follow", follow={"isUnblocked": False})))
    (back,) = make().events(callback(event("follow", follow={"isUnblocked": True})))
    (left,) = make().events(callback(event("unfollow")))
    states = [told.state for told in (added, back, left) if isinstance(told, OptOut)]
    assert states == ["active", "reachable", "blocked"]


def test_one_callback_may_report_several_events() -> None:
    told = list(make().events(callback(text("Hello"), event("unfollow", BERT))))
    assert [type(each) for each in told] == [Inbound, OptOut]
    assert [each.sender for each in told] == [ANNA, BERT]  # type: ignore[union-attr]


def test_the_webhook_is_registered() -> None:
    request = make().register("https://clarion.example/hooks/3/")
    assert (request.method, request.url) == (
        "PUT",
        "https://api.line.me/v2/bot/channel/webhook/endpoint",
    )
    assert problems(body_of(request), "SetWebhookEndpointRequest") == []
    assert make().registered(reply(200, b"{}")).endswith(".")
    with pytest.raises(ValueError, match="channel secret"):
        make(secret="").register("https://clarion.example/hooks/3/")
    for answer, words in (
        (error(400, "Invalid webhook endpoint URL"), "https://"),
        (error(401, "Authentication failed"), "token"),
        (reply(502), "502"),
    ):
        with pytest.raises(ValueError, match=words):
            make().registered(answer)
