"""What the Cloud API's answers mean, by its codes."""

from typing import Any

import pytest

from channels.fixtures import HTML, NOW, reply
from channels.whatsapp.fixtures import (
    CASE,
    WAMID,
    make,
)
from clarion.channels.contract import (
    Accepted,
    Refusal,
    Refused,
)
from clarion.transport.messages import HttpReply

ANNA = "16505551234"
GONE, WAIT, NEVER = Refusal.UNREACHABLE, Refusal.THROTTLED, Refusal.REJECTED
CHANNEL, PERHAPS = Refusal.MISCONFIGURED, Refusal.UNKNOWN


def error(code: int, status: int = 400, message: str = "words", **more: Any) -> HttpReply:
    return reply(status, {"error": {"message": message, "code": code, **more}})


def refused(http: HttpReply) -> Refused:
    outcome = make().outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


def status(word: str, **fields: Any) -> dict[str, Any]:
    about = {"id": WAMID, "status": word, "timestamp": str(int(NOW.timestamp()) - 5)}
    return {"statuses": [{**about, "recipient_id": ANNA, **fields}]}


def test_an_accepted_message_keeps_the_id_that_statuses_refer_to() -> None:
    assert make().outcome(CASE.accepted) == Accepted(WAMID)


@pytest.mark.parametrize(
    ("code", "status", "refusal"),
    [
        (4, 400, WAIT), (80007, 400, WAIT), (130429, 400, WAIT), (130429, 429, WAIT),
        (131048, 400, WAIT), (131056, 400, WAIT), (131057, 500, WAIT), (133016, 400, WAIT),
        (131053, 400, Refusal.RETRY),
        (131026, 400, GONE), (131050, 400, GONE),
        (131047, 400, NEVER), (131049, 400, NEVER), (130472, 400, NEVER), (130497, 403, NEVER),
        (131021, 400, NEVER), (131030, 400, NEVER), (131008, 400, NEVER), (131009, 400, NEVER),
        (131051, 400, NEVER), (100, 400, NEVER), (135000, 400, NEVER), (999999, 400, NEVER),
        (132000, 400, NEVER), (132001, 404, NEVER), (132005, 400, NEVER), (132007, 400, NEVER),
        (132012, 400, NEVER), (132015, 400, NEVER), (132016, 400, NEVER), (132018, 400, NEVER),
        (0, 401, CHANNEL), (190, 401, CHANNEL), (3, 500, CHANNEL), (10, 403, CHANNEL),
        (200, 403, CHANNEL), (294, 403, CHANNEL), (33, 400, CHANNEL), (368, 403, CHANNEL),
        (131005, 403, CHANNEL), (131031, 403, CHANNEL), (131037, 400, CHANNEL),
        (131042, 400, CHANNEL), (131045, 500, CHANNEL), (133010, 400, CHANNEL),
        (999999, 401, CHANNEL),
        (1, 400, PERHAPS), (2, 503, PERHAPS), (131000, 500, PERHAPS), (131016, 500, PERHAPS),
        (133004, 503, PERHAPS), (999999, 500, PERHAPS), (999999, 200, PERHAPS),
    ],
)  # fmt: skip
def test_codes(code: int, status: int, refusal: Refusal) -> None:
    outcome = refused(error(code, status))
    assert (outcome.refusal, outcome.code) == (refusal, str(code))
    assert ("may have sent" in outcome.reason) is (refusal is PERHAPS)


def test_who_stopped_marketing_is_marked_as_opted_out() -> None:
    assert refused(error(131050)).mark == "opted_out"
    assert refused(error(131026)).mark == "unreachable"


def test_outside_the_24_hours_the_reason_says_what_to_do() -> None:
    assert "Send a template" in refused(error(131047)).reason


@pytest.mark.parametrize(
    ("http", "wait", "whole"),
    [
        (error(130429), 1.0, True),
        (reply(429, {"error": {"code": 130429}}, retry_after="7"), 7.0, True),
        (error(131056), 6.0, False),
        (error(131048), 600.0, True),
        (error(80007), 60.0, True),
        (reply(429, HTML, retry_after="9"), 9.0, True),
        (error(999999, 429), 1.0, True),
    ],
)
def test_how_long_to_wait_and_who_waits(http: HttpReply, wait: float, whole: bool) -> None:
    outcome = refused(http)
    assert outcome.refusal is WAIT
    assert (outcome.retry_after, outcome.whole_channel) == (wait, whole)


def test_a_wrong_phone_number_id_stops_the_channel_not_the_people() -> None:
    outcome = refused(error(100, 400, "Unsupported post request.", error_subcode=33))
    assert outcome.refusal is CHANNEL
    assert "phone number id" in outcome.reason


@pytest.mark.parametrize("http", [reply(403, HTML), reply(404, HTML), reply(302), reply(413, HTML)])
def test_what_is_no_graph_api_stops_the_channel_not_the_people(http: HttpReply) -> None:
    assert refused(http).refusal is CHANNEL


def test_unknown_codes_are_passed_on_without_what_is_one_persons() -> None:
    details = 'Parameter value is not valid: "16505551234" for user 16505551234'
    outcome = refused(error(131009, message="(#131009) x", error_data={"details": details}))
    assert outcome.reason == (
        "WhatsApp refused the message (131009): Parameter value is not valid: … for user …."
    )


@pytest.mark.parametrize("code", [None, True, "190", 1.5, -1, 10**30, [190]])
def test_codes_that_are_none(code: object) -> None:
    assert refused(reply(400, {"error": {"code": code}})).refusal is CHANNEL
    assert refused(reply(500, {"error": {"code": code}})).refusal is PERHAPS


@pytest.mark.parametrize("body", [{"messages": {}}, {"messages": [{}]}, {"messages": [{"id": ""}]}])
def test_only_a_message_id_is_accepted(body: dict[str, Any]) -> None:
    assert refused(reply(200, body)).refusal is PERHAPS
