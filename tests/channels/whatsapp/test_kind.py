"""The WhatsApp kind, with the Cloud API's codes and forms."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.fixtures import HTML, JUST_BEFORE, NOW, reply
from channels.whatsapp.fixtures import (
    CASE,
    PHONE_NUMBER_ID,
    TOKEN,
    VERIFY_TOKEN,
    WAMID,
    meta,
    meta_signed,
)
from clarion.channels.contract import (
    Accepted,
    AnswersHandshake,
    BadSignature,
    Event,
    HookRequest,
    Inbound,
    OptOut,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
    RegistersWebhook,
    Template,
    Unsendable,
)
from clarion.channels.whatsapp.config import OFFICIAL, WhatsAppConfig
from clarion.channels.whatsapp.kind import WhatsAppKind
from clarion.kit.parts import Button, Media
from clarion.transport.messages import HttpReply

ANNA = "16505551234"
PICTURE = Media("image", "https://clarion.example/media/t/spring.png", "spring.png", "image/png")
LINK = Button("link", "See it", "https://clarion.example/spring")
YES, NO = Button("reply", "Yes", "yes"), Button("reply", "No", "story:7")
GONE, WAIT, NEVER = Refusal.UNREACHABLE, Refusal.THROTTLED, Refusal.REJECTED
CHANNEL, PERHAPS = Refusal.MISCONFIGURED, Refusal.UNKNOWN


def make(**settings: Any) -> WhatsAppKind:
    return WhatsAppKind(WhatsAppConfig.model_validate({**CASE.settings, **settings}))


def sent(to: str = ANNA, text: str = "", **more: Any) -> dict[str, Any]:
    """What stands in the request besides what stands in every one."""
    body = json.loads(make().request(Outgoing("abc-17", 3, to, text, **more)).body)
    assert body.pop("messaging_product") == "whatsapp"
    assert body.pop("recipient_type") == "individual"
    assert body.pop("biz_opaque_callback_data") == "abc-17"
    return dict(body)


def error(code: int, status: int = 400, message: str = "words", **more: Any) -> HttpReply:
    return reply(status, {"error": {"message": message, "code": code, **more}})


def refused(http: HttpReply) -> Refused:
    outcome = make().outcome(http)
    assert isinstance(outcome, Refused)
    return outcome


def events(*changes: dict[str, Any], **more: str) -> list[Event]:
    return list(make().events(meta(*changes, **more)))


def written(**fields: Any) -> dict[str, Any]:
    message = {"from": ANNA, "id": "wamid.in-1", "timestamp": str(int(NOW.timestamp()) - 5)}
    contacts = [{"profile": {"name": "Anna Berg"}, "wa_id": ANNA, "user_id": "US.42"}]
    return {"contacts": contacts, "messages": [{**message, **fields}]}


def status(word: str, **fields: Any) -> dict[str, Any]:
    about = {"id": WAMID, "status": word, "timestamp": str(int(NOW.timestamp()) - 5)}
    return {"statuses": [{**about, "recipient_id": ANNA, **fields}]}


# Messages.


def test_a_text() -> None:
    request = make().request(Outgoing("abc-17", 3, ANNA, "1 < 2 & *bold*\n“ü” 😀"))
    assert (request.method, request.url) == ("POST", f"{OFFICIAL}/{PHONE_NUMBER_ID}/messages")
    assert dict(request.headers)["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": ANNA,
        "type": "text",
        "text": {"body": "1 < 2 & *bold*\n“ü” 😀"},
        "biz_opaque_callback_data": "abc-17",
    }
    assert not request.allow_private
    assert (
        make(api_root="http://10.0.0.5/v26.0/", allow_private=True)
        .request(Outgoing("a", 3, ANNA, "x"))
        .url.startswith(f"http://10.0.0.5/v26.0/{PHONE_NUMBER_ID}/")
    )


def test_b4_a_template_with_its_variables_in_order() -> None:
    template = Template("spring_sale", "pt_BR", ("Anna", "20 %"))
    assert sent(text="what the record shows", template=template) == {
        "to": ANNA,
        "type": "template",
        "template": {
            "name": "spring_sale",
            "language": {"code": "pt_BR"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Anna"},
                        {"type": "text", "text": "20 %"},
                    ],
                }
            ],
        },
    }


def test_b4_a_template_without_variables_has_no_components() -> None:
    assert sent(template=Template("hello", "en"))["template"] == {
        "name": "hello",
        "language": {"code": "en"},
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "Variable 2 of the template is empty"),
        (" ", "Variable 2 of the template is empty"),
        ("a\nb", "line break"),
        ("a\tb", "line break"),
        ("a     b", "line break"),
    ],
)
def test_b4_a_variable_that_whatsapp_takes_from_nobody(value: str, words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(template=Template("hello", "en", ("Anna", value)))


def test_pictures_and_files_go_by_their_address() -> None:
    assert sent(text="Spring!", media=PICTURE) == {
        "to": ANNA,
        "type": "image",
        "image": {"link": PICTURE.url, "caption": "Spring!"},
    }
    file = Media("file", "https://clarion.example/media/t/p.pdf", "prices.pdf", "application/pdf")
    assert sent(media=file)["document"] == {"link": file.url, "filename": "prices.pdf"}
    gif = Media("file", "https://clarion.example/x", "x.gif", "image/gif")
    assert sent(media=gif)["type"] == "document"


@pytest.mark.parametrize(
    ("media", "words"),
    [
        (Media("image", "", "a.png", "image/png", b"\x89PNG"), "CLARION_PUBLIC_URL"),
        (Media("image", "https://x.example/a.gif", "a.gif", "image/gif"), "JPEG and PNG"),
        (Media("image", "https://x.example/a.webp", "", "image/webp"), "JPEG and PNG"),
    ],
)
def test_media_that_whatsapp_can_not_fetch(media: Media, words: str) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(media=media)
    with pytest.raises(Unsendable, match=words):
        sent(text="Look", media=media, buttons=(YES,))


def test_reply_buttons() -> None:
    assert sent(text="Coming?", buttons=(YES, NO, Button("reply", "Later", ""))) == {
        "to": ANNA,
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "Coming?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "yes", "title": "Yes"}},
                    {"type": "reply", "reply": {"id": "story:7", "title": "No"}},
                    {"type": "reply", "reply": {"id": "Later", "title": "Later"}},
                ]
            },
        },
    }


def test_a_link_button_below_a_picture() -> None:
    assert sent(text="Spring!", media=PICTURE, buttons=(LINK,))["interactive"] == {
        "type": "cta_url",
        "header": {"type": "image", "image": {"link": PICTURE.url}},
        "body": {"text": "Spring!"},
        "action": {
            "name": "cta_url",
            "parameters": {"display_text": "See it", "url": "https://clarion.example/spring"},
        },
    }


@pytest.mark.parametrize(
    ("text", "buttons", "words"),
    [
        ("", (YES,), "requires a text above"),
        ("x" * 1025, (YES,), "1,024"),
        ("x", (YES,) * 4, "at most 3"),
        ("x", (LINK, LINK), "either one link button"),
        ("x", (LINK, YES), "either one link button"),
        ("x", (Button("reply", "x" * 21, "v"),), "20 characters"),
        ("x", (Button("link", "x" * 21, "https://x.example"),), "20 characters"),
        ("x", (Button("reply", " ", "v"),), "no label"),
        ("x", (Button("reply", "ok", "v" * 257),), "256"),
    ],
)
def test_buttons_that_whatsapp_has_no_place_for(
    text: str, buttons: tuple[Button, ...], words: str
) -> None:
    with pytest.raises(Unsendable, match=words):
        sent(text=text, buttons=buttons)


def test_texts_that_are_too_long_or_empty() -> None:
    assert sent(text="x" * 4096)["text"] == {"body": "x" * 4096}
    with pytest.raises(Unsendable, match="4,096"):
        sent(text="x" * 4097)
    with pytest.raises(Unsendable, match="1,024"):
        sent(text="x" * 1025, media=PICTURE)
    with pytest.raises(Unsendable, match="empty"):
        sent(text=" \n")


@pytest.mark.parametrize("user_id", ["US.13491208655302741918", "US.ENT.11815799212886844830"])
def test_who_keeps_the_number_to_themselves_is_reached_by_the_scoped_id(user_id: str) -> None:
    body = sent(to=user_id, text="x")
    assert body["recipient"] == user_id
    assert "to" not in body


# Replies.


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


# Checking and registering.


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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"phone_number_id": "+1 555"}, "digits only"),
        ({"phone_number_id": "1/../2"}, "digits only"),
        ({"token": "with space"}, "no spaces"),
        ({"token": "x\r\nHost: y"}, "no spaces"),
        ({"token": ""}, "no spaces"),
        ({"api_root": "graph.facebook.com"}, "must begin with https://"),
        ({"api_root": "https://graph.facebook.com/?x=1"}, "must not contain"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make(**settings)


def test_a_verify_token_is_made_when_there_is_none() -> None:
    given = {"phone_number_id": "1", "token": "t"}
    first, second = (WhatsAppConfig.model_validate(given).verify_token for _ in range(2))
    assert len(first.get_secret_value()) >= 40
    assert first != second


# The handshake.


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
    hook = meta_signed(b'{"object":\n "x"}')
    kind.verify(hook)
    upper = hook.headers["x-hub-signature-256"].upper()
    for value in ("", upper, "sha1=" + upper[7:], hook.headers["x-hub-signature-256"] + " "):
        with pytest.raises(BadSignature):
            kind.verify(HookRequest({"x-hub-signature-256": value}, "", hook.body, NOW))
    empty = meta_signed(hook.body, "")
    with pytest.raises(BadSignature):
        make(app_secret="").verify(empty)


# Statuses.


@pytest.mark.parametrize("word", ["delivered", "read"])
def test_statuses_name_the_message_by_both_ids(word: str) -> None:
    (event,) = events(status(word, biz_opaque_callback_data="abc-17"))
    assert event == Receipt(word, JUST_BEFORE, WAMID, "abc-17")  # type: ignore[arg-type]
    (event,) = events(status(word))
    assert event == Receipt(word, JUST_BEFORE, WAMID)  # type: ignore[arg-type]


def test_a_failure_says_why_in_our_words_or_in_metas() -> None:
    (known,) = events(status("failed", errors=[{"code": 131049, "title": "x"}]))
    assert isinstance(known, Receipt)
    assert (known.code, known.status) == ("131049", "failed")
    assert "a lot of marketing" in known.reason
    details = {"details": "Something new for 16505551234"}
    (unknown,) = events(status("failed", errors=[{"code": 139999, "error_data": details}]))
    assert isinstance(unknown, Receipt)
    assert unknown.reason == "WhatsApp reported: Something new for …."
    for errors in ([], None, [3], [{"code": "x"}]):
        (silent,) = events(status("failed", errors=errors))
        assert isinstance(silent, Receipt)
        assert (silent.code, silent.reason) == ("", "")


def test_a_failure_that_is_an_opt_out_is_both() -> None:
    found = events(status("failed", errors=[{"code": 131050}]))
    assert [type(event) for event in found] == [OptOut, Receipt]
    assert found[0] == OptOut(ANNA, "opted_out", JUST_BEFORE)
    nobody = events(status("failed", errors=[{"code": 131050}], recipient_id=None))
    assert [type(event) for event in nobody] == [Receipt]


@pytest.mark.parametrize(
    "change",
    [
        status("sent"),
        status("deleted"),
        status("played"),
        status("read", id=None),
        status("read", id="x" * 201),
        {"statuses": status("read")["statuses"][0]},
        {"statuses": [[], 3, None, {"status": ["read"], "id": WAMID}]},
    ],
)
def test_statuses_that_tell_nothing(change: dict[str, Any]) -> None:
    assert events(change) == []


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (str(int(NOW.timestamp()) - 5), JUST_BEFORE),
        (int(NOW.timestamp()) - 5, JUST_BEFORE),
        (str(int(NOW.timestamp()) * 1000 - 5000), JUST_BEFORE),
        (str(int(NOW.timestamp()) + 500), NOW),
        ("", NOW), (None, NOW), ("9" * 30, NOW), ("²", NOW), (True, NOW), ([], NOW),
    ],
)  # fmt: skip
def test_when_it_happened(timestamp: object, at: object) -> None:
    (event,) = events(status("read", timestamp=timestamp))
    assert event.at == at


def test_one_callback_may_hold_many_and_a_bad_one_spoils_no_other() -> None:
    found = events(status("sent"), {"statuses": 5}, status("read"), written(type="text", text=7))
    assert [type(event) for event in found] == [Receipt, Inbound]


def test_other_numbers_of_the_same_app_are_left_to_their_own_channels() -> None:
    change = {**status("read"), **written(type="text", text={"body": "Hi"})}
    assert len(events(change)) == 2
    assert events(change, number="999") == []


# What people write.


def test_a_text_of_a_person() -> None:
    assert events(written(type="text", text={"body": "Hi"})) == [
        Inbound(ANNA, "wamid.in-1", "Hi", JUST_BEFORE, "Anna Berg")
    ]


def test_who_keeps_the_number_to_themselves_writes_by_the_scoped_id() -> None:
    change = written(type="text", text={"body": "Hi"}, from_user_id="US.42")
    del change["messages"][0]["from"]
    (event,) = events(change)
    assert isinstance(event, Inbound)
    assert (event.sender, event.name) == ("US.42", "Anna Berg")


@pytest.mark.parametrize(
    ("fields", "text", "button"),
    [
        ({"type": "button", "button": {"text": "Yes", "payload": "p-1"}}, "Yes", "p-1"),
        (
            {
                "type": "interactive",
                "interactive": {
                    "type": "button_reply",
                    "button_reply": {"id": "story:7", "title": "More"},
                },
            },
            "More",
            "story:7",
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "list_reply", "list_reply": {"id": "b", "title": "Berlin"}},
            },
            "Berlin",
            "b",
        ),
    ],
)
def test_pressed_buttons(fields: dict[str, Any], text: str, button: str) -> None:
    (event,) = events(written(**fields))
    assert isinstance(event, Inbound)
    assert (event.text, event.button) == (text, button)


@pytest.mark.parametrize(
    ("text", "state"), [("STOP", "opted_out"), ("Start", "active"), ("unsubscribe", "opted_out")]
)
def test_g4_keywords(text: str, state: str) -> None:
    message, wish = events(written(type="text", text={"body": text}))
    assert isinstance(message, Inbound)
    assert wish == OptOut(ANNA, state, JUST_BEFORE)  # type: ignore[arg-type]
    pressed = events(written(type="button", button={"text": text, "payload": text}))
    assert pressed[1] == wish


def test_pictures_count_with_their_caption_and_nothing_is_lost() -> None:
    (picture,) = events(written(type="image", image={"id": "1", "caption": "look"}))
    (voice,) = events(written(type="audio", audio={"id": "1", "voice": True}))
    assert isinstance(picture, Inbound)
    assert isinstance(voice, Inbound)
    assert (picture.text, picture.payload) == ("look", {"media": "image"})
    assert (voice.text, voice.payload) == ("", {"media": "audio"})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "reaction", "reaction": {"message_id": WAMID, "emoji": "👍"}},
        {"type": "system", "system": {"type": "user_changed_number"}},
        {"type": "unsupported", "errors": [{"code": 131051}]},
        {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}},
        {"type": "text", "text": {"body": "x"}, "group_id": "g-1"},
        {"type": "text", "text": {"body": "x"}, "id": None},
        {"type": "text", "text": {"body": "x"}, "from": None},
        {"type": ["text"]},
        {},
    ],
)
def test_everything_else_tells_nothing(fields: dict[str, Any]) -> None:
    assert events(written(**fields)) == []


@pytest.mark.parametrize(("value", "state"), [("stop", "opted_out"), ("resume", "active")])
def test_g4_marketing_stopped_in_whatsapp_itself(value: str, state: str) -> None:
    wish = {
        "wa_id": ANNA,
        "category": "marketing_messages",
        "value": value,
        "timestamp": 1700000000,
    }
    (event,) = events({"user_preferences": [wish]}, field="user_preferences")
    assert isinstance(event, OptOut)
    assert (event.sender, event.state) == (ANNA, state)
    others: list[dict[str, Any]] = [{"category": "x"}, {"value": "maybe"}, {"wa_id": ""}]
    for other in [*others, {"value": []}]:
        assert events({"user_preferences": [{**wish, **other}]}) == []


KEYS = ["id", "status", "timestamp", "errors", "code", "from", "type", "text", "body", "button"]
KEYS += ["interactive", "button_reply", "title", "payload", "wa_id", "value", "category"]
VALUES = ["read", "failed", "text", "button", "interactive", "stop", "marketing_messages", WAMID]
leaves = st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(VALUES)
parts = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@given(
    change=st.dictionaries(
        st.sampled_from(["statuses", "messages", "contacts", "user_preferences", "metadata"]), parts
    )
)
def test_whatever_stands_in_a_change_nothing_breaks(change: dict[str, Any]) -> None:
    for event in events(change):
        assert event.at <= NOW
        if isinstance(event, Receipt):
            assert event.external_id or event.message_id
        else:
            assert event.sender
