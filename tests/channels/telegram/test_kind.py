"""The Telegram kind, with the Bot API's exact texts."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from channels.fixtures import HTML, NOW, reply
from channels.telegram.fixtures import CASE, SECRET, TOKEN, update
from clarion.channels.contract import (
    Accepted,
    Event,
    Inbound,
    OptOut,
    Outgoing,
    Refusal,
    Refused,
    RegistersWebhook,
)
from clarion.channels.telegram.config import TelegramConfig
from clarion.channels.telegram.kind import TelegramKind
from clarion.transport.messages import HttpReply

GONE = Refusal.UNREACHABLE


def make(**settings: Any) -> TelegramKind:
    return TelegramKind(TelegramConfig.model_validate({**CASE.settings, **settings}))


def error(code: int, description: str, **parameters: object) -> HttpReply:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return reply(code, body)


def refused(http: HttpReply) -> Refused:
    outcome = make().outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


def events(update_fields: dict[str, Any]) -> list[Event]:
    return list(make().events(update({"update_id": 9, **update_fields})))


def written(**fields: Any) -> dict[str, Any]:
    person = {"id": 42, "is_bot": False, "first_name": "Anna"}
    message = {"message_id": 7, "from": person, "chat": {"id": 42, "type": "private"}}
    return {"message": {**message, "date": int(NOW.timestamp()), **fields}}


def test_a_message() -> None:
    request = make().request(Outgoing("abc-17", 3, "42", "1 < 2 & *bold*\n“ü”"))
    assert request.method == "POST"
    assert request.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    assert json.loads(request.body) == {"chat_id": "42", "text": "1 < 2 & *bold*\n“ü”"}
    assert not request.allow_private


def test_a_server_of_ones_own_may_stand_in_ones_own_network() -> None:
    request = make(api_root="http://10.0.0.5:8081/").request(Outgoing("a", 3, "42", "x"))
    assert request.url == f"http://10.0.0.5:8081/bot{TOKEN}/sendMessage"
    assert request.allow_private


def test_an_accepted_message_keeps_no_id_because_nothing_ever_refers_to_it() -> None:
    assert make().outcome(CASE.accepted) == Accepted(None)


@pytest.mark.parametrize(
    ("code", "description", "refusal", "mark"),
    [
        (403, "Forbidden: bot was blocked by the user", GONE, "blocked"),
        (403, "Forbidden: user is deactivated", GONE, "deactivated"),
        (403, "Forbidden: bot was kicked from the group chat", GONE, "blocked"),
        (403, "Forbidden: bot was kicked from the supergroup chat", GONE, "blocked"),
        (403, "Forbidden: bot was kicked from the channel chat", GONE, "blocked"),
        (403, "Forbidden: the group chat was deleted", GONE, "deactivated"),
        (403, "Forbidden: bot is not a member of the channel chat", GONE, "unreachable"),
        (403, "Forbidden: bot can't initiate conversation with a user", GONE, "unreachable"),
        (403, "Forbidden: bots can't send messages to bots", GONE, "unreachable"),
        (400, "Bad Request: chat not found", GONE, "unreachable"),
        (400, "Bad Request: user not found", GONE, "unreachable"),
        (400, "Bad Request: PEER_ID_INVALID", GONE, "unreachable"),
        (400, "Bad Request: chat_id is empty", GONE, "unreachable"),
        (400, "Bad Request: group chat was deactivated", GONE, "deactivated"),
        (400, "Bad Request: have no rights to send a message", GONE, "unreachable"),
        (400, "Bad Request: not enough rights to send text messages", GONE, "unreachable"),
        (400, "Bad Request: CHAT_WRITE_FORBIDDEN", GONE, "unreachable"),
        (400, "Bad Request: message text is empty", Refusal.REJECTED, None),
        (400, "Bad Request: message is too long", Refusal.REJECTED, None),
        (400, "Bad Request: wrong HTTP URL specified", Refusal.REJECTED, None),
        (400, "Bad Request: failed to get HTTP URL content", Refusal.REJECTED, None),
        (400, "Bad Request: wrong type of the web page content", Refusal.REJECTED, None),
        (400, "Bad Request: IMAGE_PROCESS_FAILED", Refusal.REJECTED, None),
        (400, "Bad Request: BUTTON_DATA_INVALID", Refusal.REJECTED, None),
        (400, "Bad Request: not enough rights to send photos to the chat", GONE, "unreachable"),
        (413, "Request Entity Too Large", Refusal.REJECTED, None),
        (400, "Logged out", Refusal.MISCONFIGURED, None),
        (403, "Forbidden: something new", Refusal.REJECTED, None),
        (401, "Unauthorized", Refusal.MISCONFIGURED, None),
        (401, "Unauthorized: invalid api-id/api-hash", Refusal.MISCONFIGURED, None),
        (404, "Not Found", Refusal.MISCONFIGURED, None),
        (500, "Internal Server Error", Refusal.UNKNOWN, None),
        (500, "Internal Server Error: restart", Refusal.UNKNOWN, None),
        (500, "Internal Server Error: sent message was immediately deleted", Refusal.UNKNOWN, None),
        (502, "Bad Gateway", Refusal.UNKNOWN, None),
        (504, "Gateway Timeout", Refusal.UNKNOWN, None),
    ],
)  # fmt: skip
def test_texts(code: int, description: str, refusal: Refusal, mark: str | None) -> None:
    outcome = refused(error(code, description))
    assert outcome.refusal is refusal
    assert outcome.code == str(code)
    if mark:
        assert outcome.mark == mark


def test_a_group_that_became_a_supergroup_has_another_address() -> None:
    description = "Bad Request: group chat was upgraded to a supergroup chat"
    outcome = refused(error(400, description, migrate_to_chat_id=-1001234567890))
    assert outcome.refusal is Refusal.UNREACHABLE
    assert "new id" in outcome.reason
    assert "1234567890" not in outcome.reason


@pytest.mark.parametrize(
    ("http", "wait"),
    [
        (error(429, "Too Many Requests: retry after 7", retry_after=7), 7.0),
        (error(429, "Too Many Requests: retry after 7"), 7.0),
        (error(429, "Too Many Requests"), 1.0),
        (error(429, "Too Many Requests", retry_after="soon"), 1.0),
        (reply(429, HTML, retry_after="5"), 5.0),
        (reply(429), 1.0),
        # What the server answers when it can't read its own waiting time (Client.cpp).
        (error(500, "Too Many Requests: retry after a while"), 1.0),
    ],
)
def test_throttling_is_for_the_whole_bot(http: HttpReply, wait: float) -> None:
    outcome = refused(http)
    assert outcome.refusal is Refusal.THROTTLED
    assert outcome.retry_after == wait
    assert outcome.whole_channel


@pytest.mark.parametrize("http", [reply(403, HTML), reply(404, HTML), reply(302)])
def test_what_is_no_bot_api_server_stops_the_channel_not_the_people(http: HttpReply) -> None:
    assert refused(http).refusal is Refusal.MISCONFIGURED


def test_a_file_that_is_too_large_is_the_messages_fault_even_where_a_proxy_says_so() -> None:
    outcome = refused(reply(413, HTML))
    assert outcome.refusal is Refusal.REJECTED
    assert "Use a smaller one" in outcome.reason


def test_a_link_that_telegram_does_not_take_is_one_reason_for_everybody() -> None:
    reasons = {
        refused(
            error(400, f"Bad Request: inline keyboard button URL 'https://x/{n}' is invalid: ?")
        ).reason
        for n in (1, 2)
    }
    assert reasons == {"Telegram does not accept the URL of a link button. Correct it."}


def test_unknown_words_are_passed_on_without_what_is_one_persons() -> None:
    outcome = refused(error(400, 'Bad Request: can\'t parse entities: end tag "b" at byte 123456'))
    assert outcome.reason == (
        "Telegram refused the message (400): can't parse entities: end tag … at byte …."
    )


@pytest.mark.parametrize(
    "body", [{"ok": True}, {"ok": "true", "result": {}}, {"ok": 1}, {"result": {"message_id": 1}}]
)
def test_only_ok_true_is_accepted(body: dict[str, Any]) -> None:
    accepted = isinstance(make().outcome(reply(200, body)), Accepted)
    assert accepted is (body["ok"] is True if "ok" in body else False)


def test_check_asks_who_the_bot_is() -> None:
    kind = make()
    assert kind.check().url.endswith("/getMe")
    good = reply(200, {"ok": True, "result": {"id": 1, "username": "clarion_123456_bot"}})
    assert kind.checked(good) == "The token is valid. The bot is @clarion_123456_bot."
    with pytest.raises(ValueError, match="BotFather"):
        kind.checked(error(401, "Unauthorized"))
    with pytest.raises(ValueError, match="not a Bot API server"):
        kind.checked(reply(404, HTML))


def test_registering() -> None:
    kind = make()
    assert isinstance(kind, RegistersWebhook)
    request = kind.register("https://clarion.example/hooks/3/")
    assert request.url.endswith("/setWebhook")
    assert json.loads(request.body) == {
        "url": "https://clarion.example/hooks/3/",
        "secret_token": SECRET,
        "allowed_updates": ["message", "callback_query", "my_chat_member"],
    }
    assert "now sends new messages" in kind.registered(reply(200, {"ok": True, "result": True}))


def test_registering_that_fails_says_why() -> None:
    kind = make()
    bad = error(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook")
    with pytest.raises(ValueError, match="HTTPS url must be provided"):
        kind.registered(bad)
    with pytest.raises(ValueError, match="BotFather"):
        kind.registered(error(404, "Not Found"))
    with pytest.raises(ValueError, match="webhook secret"):
        make(webhook_secret="").register("https://clarion.example/hooks/3/")


def test_a_webhook_secret_is_made_when_there_is_none() -> None:
    first = TelegramConfig.model_validate({"token": TOKEN})
    second = TelegramConfig.model_validate({"token": TOKEN})
    assert len(first.webhook_secret.get_secret_value()) >= 40
    assert first.webhook_secret != second.webhook_secret


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "abc"}, "BotFather"),
        ({"token": "123456:abc/../x"}, "BotFather"),
        ({"api_root": "api.telegram.org"}, "must begin with https://"),
        ({"api_root": "https://api.telegram.org/?x=1"}, "must not contain"),
        ({"webhook_secret": "with space"}, "letters, digits"),
        ({"webhook_secret": "x" * 257}, "letters, digits"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**settings)


def test_a_message_of_a_person() -> None:
    person = {"id": 42, "first_name": "Anna", "last_name": "Berg", "language_code": "pt-br"}
    assert events(written(text="Hi", **{"from": person})) == [
        Inbound("42", "7", "Hi", NOW, "Anna Berg", "pt-br")
    ]


def test_a_photo_counts_with_its_caption() -> None:
    (event,) = events(written(photo=[{"file_id": "x"}], caption="look"))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == ("look", {"media": "photo"})


def test_a_sticker_has_no_text_but_is_not_lost() -> None:
    (event,) = events(written(sticker={}))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == ("", {"media": "sticker"})


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("/start", "active"),
        ("/start spring", "active"),
        ("START", "active"),
        ("/stop", "opted_out"),
        ("Stop", "opted_out"),
        ("unsubscribe", "opted_out"),
    ],
)
def test_keywords(text: str, state: str) -> None:
    message, wish = events(written(text=text))
    assert isinstance(message, Inbound)
    assert wish == OptOut("42", state, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("kicked", "blocked"),
        ("left", "blocked"),
        ("member", "reachable"),
        ("administrator", "reachable"),
    ],
)
def test_a_person_blocks_the_bot_and_comes_back(status: str, state: str) -> None:
    change = {
        "chat": {"id": 42, "type": "private"},
        "date": int(NOW.timestamp()) - 1,
        "new_chat_member": {"status": status},
    }
    (event,) = events({"my_chat_member": change})
    assert isinstance(event, OptOut)
    assert (event.sender, event.state) == ("42", state)


@pytest.mark.parametrize(
    "fields",
    [
        {"edited_message": written(text="x")["message"]},
        {"channel_post": written(text="x")["message"]},
        {"callback_query": {"id": "1"}},
        written(text="x", chat={"id": -5, "type": "supergroup"}),
        written(text="x", chat={"id": True, "type": "private"}),
        written(text="x", message_id=None),
        {"my_chat_member": {"chat": {"id": 42}, "new_chat_member": {"status": "restricted"}}},
        {"my_chat_member": {"chat": {}, "new_chat_member": {"status": "kicked"}}},
        {},
    ],
)
def test_everything_else_tells_nothing(fields: dict[str, Any]) -> None:
    assert events(fields) == []


@pytest.mark.parametrize("date", [None, "x", 10**30, -(10**30), True, 1.5])
def test_a_strange_date_is_the_moment_it_came(date: object) -> None:
    (event,) = events(written(text="Hi", date=date))
    assert event.at == NOW
