"""Checks, registering, the handshake and the signature of a WhatsApp channel."""

import json
from typing import Any

import pytest

from channels.fixtures import HTML, NOW, reply
from channels.graph import signed
from channels.whatsapp.fixtures import (
    PHONE_NUMBER_ID,
    VERIFY_TOKEN,
    WAMID,
    make,
)
from clarion.channels.abilities import AnswersHandshake
from clarion.channels.contract import (
    BadSignature,
    HookRequest,
    RegistersWebhook,
)
from clarion.channels.graph.settings import OFFICIAL
from clarion.transport.messages import HttpReply

ANNA = "16505551234"


def error(code: int, status: int = 400, message: str = "words", **more: Any) -> HttpReply:
    return reply(status, {"error": {"message": message, "code": code, **more}})


def status(word: str, **fields: Any) -> dict[str, Any]:
    about = {"id": WAMID, "status": word, "timestamp": str(int(NOW.timestamp()) - 5)}
    return {"statuses": [{**about, "recipient_id": ANNA, **fields}]}


def test_check_asks_which_number_it_is() -> None:
    kind = make()
    assert kind.check().method == "GET"
    assert kind.check().url.startswith(f"{OFFICIAL}/{PHONE_NUMBER_ID}?fields=")
    said = {"display_phone_number": "+1 555-078-3881", "verified_name": "Spring & Co."}
    assert kind.checked(reply(200, said)) == (
        "The token is valid. The number is +1 555-078-3881 (Spring & Co)."
    )
    assert kind.checked(reply(200, {**said, "quality_rating": "RED"})).endswith("quality is red.")
    strange = {"display_phone_number": "1", "verified_name": 3, "quality_rating": []}
    assert kind.checked(reply(200, strange)) == "The token is valid. The number is 1."
    assert kind.checked(reply(200, {"display_phone_number": "<b>"})).endswith("number is ?.")
    with pytest.raises(ValueError, match="system user"):
        kind.checked(error(190, 401))
    with pytest.raises(ValueError, match="not Meta's Graph API"):
        kind.checked(reply(404, HTML))


def test_registering_sets_the_callback_of_this_number() -> None:
    kind = make()
    assert isinstance(kind, RegistersWebhook)
    request = kind.register("https://clarion.example/hooks/3/")
    assert (request.method, request.url) == ("POST", f"{OFFICIAL}/{PHONE_NUMBER_ID}")
    assert json.loads(request.body) == {
        "webhook_configuration": {
            "override_callback_uri": "https://clarion.example/hooks/3/",
            "verify_token": VERIFY_TOKEN,
        }
    }
    assert "now sends messages" in kind.registered(reply(200, {"success": True}))


def test_registering_that_fails_says_why() -> None:
    kind = make()
    with pytest.raises(ValueError, match="verification failed"):
        kind.registered(error(2200, 400, "(#2200) Callback verification failed: HTTP 404"))
    with pytest.raises(ValueError, match="system user"):
        kind.registered(error(190, 401))
    with pytest.raises(ValueError, match="app secret"):
        make(app_secret="").register("https://clarion.example/hooks/3/")
    with pytest.raises(ValueError, match="verify token"):
        make(verify_token="").register("https://clarion.example/hooks/3/")


def asked(**more: str) -> str:
    query = {"mode": "subscribe", "verify_token": VERIFY_TOKEN, "challenge": "1158201444"}
    return "&".join(f"hub.{name}={value}" for name, value in {**query, **more}.items() if value)


def test_the_challenge_goes_back_to_who_knows_the_token() -> None:
    kind = make()
    assert isinstance(kind, AnswersHandshake)
    assert kind.handshake(asked()) == "1158201444"


@pytest.mark.parametrize(
    "query",
    [
        "",
        asked(mode=""),
        asked(mode="unsubscribe"),
        asked(verify_token=""),
        asked(verify_token="another"),
        asked(verify_token="%ff%00ü"),
        asked(challenge=""),
        asked(challenge="%3Cscript%3E"),
        asked(challenge="1%0d%0aX: y"),
        asked(challenge="1" * 201),
        "&" * 1000,
    ],
)
def test_a_handshake_that_proves_nothing(query: str) -> None:
    with pytest.raises(BadSignature) as refusal:
        make().handshake(query)
    assert VERIFY_TOKEN not in str(refusal.value)


def test_without_a_verify_token_no_handshake_is_answered() -> None:
    for query in (asked(), asked(verify_token="")):
        with pytest.raises(BadSignature):
            make(verify_token="").handshake(query)


def test_the_signature_is_metas_over_the_raw_body() -> None:
    kind = make()
    hook = signed(b'{"object":\n "x"}')
    kind.verify(hook)
    upper = hook.headers["x-hub-signature-256"].upper()
    for value in ("", upper, "sha1=" + upper[7:], hook.headers["x-hub-signature-256"] + " "):
        with pytest.raises(BadSignature):
            kind.verify(HookRequest({"x-hub-signature-256": value}, "", hook.body, NOW))
    empty = signed(hook.body, "")
    with pytest.raises(BadSignature):
        make(app_secret="").verify(empty)
