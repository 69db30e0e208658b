"""What the Bot API's answers mean, with its exact texts."""

from typing import Any

import pytest

from channels.fixtures import HTML, reply
from channels.telegram.fixtures import CASE, make
from clarion.channels.contract import (
    Accepted,
    Refusal,
    Refused,
)
from clarion.transport.messages import HttpReply

GONE = Refusal.UNREACHABLE


def error(code: int, description: str, **parameters: object) -> HttpReply:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return reply(code, body)


def refused(http: HttpReply) -> Refused:
    outcome = make().outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


def test_an_accepted_message_keeps_no_id_because_nothing_ever_refers_to_it() -> None:
    assert make().outcome(CASE.accepted) == Accepted(None)


@pytest.mark.parametrize(
    ("fields", "kept_id"),
    [
        ({"photo": [{"file_id": "small"}, {"file_id": "large"}]}, "large"),
        ({"document": {"file_id": "doc"}}, "doc"),
        ({"animation": {"file_id": "gif"}, "document": {"file_id": "gif"}}, "gif"),
        ({"video": {"file_id": "film"}}, "film"),
        ({"audio": {"file_id": "song"}}, "song"),
        ({"photo": []}, ""),
        ({"photo": ["?"]}, ""),
        ({"document": {"file_id": 7}}, ""),
    ],
)
def test_the_id_of_a_file_that_was_sent(fields: dict[str, Any], kept_id: str) -> None:
    sent = reply(200, {"ok": True, "result": {"message_id": 5, **fields}})
    assert make().outcome(sent) == Accepted(kept_id=kept_id)


@pytest.mark.parametrize(
    "description",
    [
        "Bad Request: wrong file identifier/HTTP URL specified",
        "Bad Request: wrong remote file identifier specified: Wrong padding in the string",
        "Bad Request: wrong file_id or the file is temporarily unavailable",
        "Bad Request: FILE_REFERENCE_EXPIRED",
        "Bad Request: FILE_REFERENCE_0_EXPIRED",
        "Bad Request: can't use file of type Document as Photo",
    ],
)
def test_an_id_that_telegram_does_not_know_any_more(description: str) -> None:
    outcome = refused(error(400, description))
    assert (outcome.refusal, outcome.file_gone) == (Refusal.REJECTED, True)


def test_markup_that_cannot_be_parsed_is_wrong_for_everybody() -> None:
    for place in (5, 2_000):
        words = f"can't parse entities: Can't find end of Bold entity at byte offset {place}"
        outcome = refused(error(400, f"Bad Request: {words}"))
        assert (outcome.refusal, outcome.for_everybody) == (Refusal.REJECTED, True)
        assert "byte" not in outcome.reason


def test_other_refusals_are_not_about_the_id_of_a_file() -> None:
    assert not refused(error(400, "Bad Request: wrong HTTP URL specified")).file_gone


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
    assert outcome.refusal is Refusal.THROTTLED  # certainly not sent, and uses no attempt
    assert outcome.moved_to == "-1001234567890"
    assert not outcome.whole_channel
    assert "1234567890" not in outcome.reason


@pytest.mark.parametrize("new", [None, 0, True, "x", 2**63, [1]])
def test_a_supergroup_whose_new_id_nobody_says_is_out_of_reach(new: object) -> None:
    description = "Bad Request: group chat was upgraded to a supergroup chat"
    outcome = refused(error(400, description, migrate_to_chat_id=new))
    assert (outcome.refusal, outcome.moved_to) == (Refusal.UNREACHABLE, "")
    assert "new id" in outcome.reason


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
    outcome = refused(error(400, 'Bad Request: can\'t parse poll: option "b" at byte 123456'))
    assert outcome.reason == (
        "Telegram refused the message (400): can't parse poll: option … at byte …."
    )


@pytest.mark.parametrize(
    "body", [{"ok": True}, {"ok": "true", "result": {}}, {"ok": 1}, {"result": {"message_id": 1}}]
)
def test_only_ok_true_is_accepted(body: dict[str, Any]) -> None:
    accepted = isinstance(make().outcome(reply(200, body)), Accepted)
    assert accepted is (body["ok"] is True if "ok" in body else False)
