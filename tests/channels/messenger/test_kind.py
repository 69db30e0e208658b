"""Checks, registering and the handshake of the kinds with direct messages."""

from typing import Any

import pytest

from channels.direct import ACCOUNT, PERSON, TOKEN, VERIFY_TOKEN
from channels.fixtures import reply
from channels.graph import graph_error
from channels.instagram.fixtures import make as make_instagram
from channels.messenger.fixtures import make as make_messenger
from clarion.channels.abilities import AnswersHandshake
from clarion.channels.contract import (
    Accepted,
    BadSignature,
    Refused,
    RegistersWebhook,
)

EACH = pytest.mark.parametrize("make", [make_messenger, make_instagram])
OF_PAGE = {"api_root": "https://graph.facebook.com/v26.0"}


@pytest.mark.parametrize(
    ("make", "changes", "fields", "answer"),
    [
        (make_messenger, {}, "id,name", {"id": ACCOUNT, "name": "Shop"}),
        (make_instagram, {}, "user_id,username", {"user_id": ACCOUNT, "username": "Shop"}),
        (make_instagram, OF_PAGE, "instagram_business_account{id,username}",
         {"instagram_business_account": {"id": ACCOUNT, "username": "Shop"}}),
    ],
)  # fmt: skip
def test_a_check_asks_whose_token_it_is(
    make: Any, changes: dict[str, str], fields: str, answer: dict[str, Any]
) -> None:
    kind = make(**changes)
    request = kind.check()
    assert request.url.endswith(f"/v26.0/me?fields={fields}")
    assert "is Shop." in kind.checked(reply(200, answer))
    other = make(account_id="77", **changes)
    with pytest.raises(ValueError, match=r"of another .* \(Shop\)"):
        other.checked(reply(200, answer))
    with pytest.raises(ValueError, match="does not accept the access token"):
        kind.checked(graph_error(400, 190))


@EACH
def test_the_app_is_subscribed_to_the_account(make: Any) -> None:
    kind = make()
    assert isinstance(kind, RegistersWebhook)
    request = kind.register("https://clarion.example/hooks/7/")
    assert request.method == "POST"
    path, _, fields = request.url.partition("?subscribed_fields=")
    assert path.endswith("/me/subscribed_apps")
    assert {"messages", "messaging_postbacks", "message_reactions"} <= set(fields.split(","))
    assert "webhook URL" in kind.registered(reply(200, {"success": True}))
    with pytest.raises(ValueError, match="not allowed"):
        kind.registered(graph_error(403, 200))
    with pytest.raises(ValueError, match="app secret"):
        make(app_secret="").register("https://clarion.example/hooks/7/")


@EACH
def test_meta_tries_the_url_with_the_verify_token(make: Any) -> None:
    kind = make()
    assert isinstance(kind, AnswersHandshake)
    query = f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444"
    assert kind.handshake(query) == "1158201444"
    with pytest.raises(BadSignature):
        kind.handshake(query.replace(VERIFY_TOKEN, "another"))


@EACH
def test_an_answer_names_the_message_and_the_person(make: Any) -> None:
    answer = reply(200, {"recipient_id": PERSON, "message_id": "m_1"})
    assert make().outcome(answer) == Accepted("m_1", (PERSON,))
    assert make().outcome(reply(200, {"message_id": "m_1"})) == Accepted("m_1")


@EACH
def test_reasons_name_what_to_do_and_no_secret(make: Any) -> None:
    outside = make().outcome(graph_error(403, 10, error_subcode=2018278))
    assert outside.reason == "More than 24 hours have passed since this contact last wrote."
    unlisted = make().outcome(graph_error(400, 100, f"Invalid parameter {TOKEN}"))
    assert isinstance(unlisted, Refused)
    assert unlisted.reason.startswith(f"{make().label} refused the message (100): Invalid")
    assert TOKEN not in unlisted.reason
    blocked = make().outcome(graph_error(403, 10, error_subcode=2018108))
    assert blocked.mark == "blocked"


@pytest.mark.parametrize("account", ["", "shop", "12 34", "+49"])
@EACH
def test_an_account_is_named_by_digits(make: Any, account: str) -> None:
    with pytest.raises(ValueError, match="digits only"):
        make(account_id=account)
