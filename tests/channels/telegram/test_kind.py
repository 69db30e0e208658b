"""A text as the Bot API takes it, checks and registering."""

import json

import pytest

from channels.fixtures import HTML, reply
from channels.telegram.fixtures import SECRET, TOKEN, make
from clarion.channels.contract import (
    Outgoing,
    RegistersWebhook,
)
from clarion.transport.messages import HttpReply


def error(code: int, description: str, **parameters: object) -> HttpReply:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return reply(code, body)


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
        "allowed_updates": ["message", "edited_message", "callback_query", "my_chat_member"],
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
