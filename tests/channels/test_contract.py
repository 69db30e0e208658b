"""What holds for every channel kind. A new kind adds its own fixtures.py and no test here."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

import pytest
from pydantic import ValidationError

from channels.cases import CASES
from channels.fixtures import NOW, Case, refusal_of
from clarion.channels import kind_names
from clarion.channels.abilities import AnswersCallbacks, FetchesUpdates
from clarion.channels.connecting import KeepsConnection
from clarion.channels.contract import (
    AboutMessage,
    Accepted,
    AddressReport,
    BadIdError,
    BadSignature,
    CallbackAnswer,
    ChannelKind,
    Event,
    HookRequest,
    Ignored,
    Inbound,
    InboundPart,
    OptOut,
    Receipt,
    Refusal,
    Refused,
    Reply,
    Request,
    SeenUntil,
)
from clarion.channels.registry import KINDS, kind_choices
from clarion.channels.settings import config_fields
from clarion.transport.messages import (
    HttpReply,
    HttpRequest,
    SmppReply,
    SmppRequest,
    SmtpReply,
    SmtpRequest,
)

EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
REPLIES = [
    pytest.param(case, reply, refusal, id=f"{case.kind}: {name}")
    for case in CASES.values()
    for name, (reply, refusal) in case.replies.items()
]
FORGED = [
    pytest.param(case, make, id=f"{case.kind}: {name}")
    for case in CASES.values()
    for name, make in case.forged.items()
]
UNKNOWN = [
    pytest.param(c, body, id=f"{c.kind}: {body!r}") for c in CASES.values() for body in c.unknown
]


def test_the_registry_knows_exactly_the_tested_kinds() -> None:
    assert set(KINDS) == set(CASES) == set(kind_names())
    assert [name for name, _ in kind_choices()] == list(KINDS)


@EACH
def test_it_is_a_channel_kind_with_sensible_limits(case: Case) -> None:
    kind = case.make()
    assert isinstance(kind, ChannelKind)
    assert kind.kind == case.kind
    assert kind.label
    assert kind.account.startswith(("a ", "an "))
    assert kind.summary.endswith(".")
    assert kind.limits.text_length > 0
    assert kind.limits.rate is None or kind.limits.rate > 0
    assert kind.limits.receipts <= {"delivered", "read", "failed"}
    assert kind.limits.idempotent or not kind.idempotent


@EACH
def test_every_setting_has_a_label_and_secrets_are_marked(case: Case) -> None:
    fields = config_fields(case.kind)
    assert fields
    assert all(field.label != field.name for field in fields)
    secret = {field.name for field in fields if field.secret}
    assert {name for name in case.settings if case.settings[name] in case.secrets} - secret <= {
        "username"
    }


@EACH
def test_user_ids_are_stored_in_one_form(case: Case) -> None:
    kind = KINDS[case.kind]
    for written, stored in case.user_ids.items():
        assert kind.user_id(written) == stored
        assert kind.user_id(stored) == stored
    assert kind.user_id(case.message.to) in case.user_ids.values()
    for words, bad in case.bad_user_ids.items():
        for written in bad:
            with pytest.raises(BadIdError, match=words):
                kind.user_id(written)


@EACH
def test_callbacks_name_people_by_the_ids_that_are_stored(case: Case) -> None:
    for event in each_of(case.told):
        if isinstance(event, AddressReport):
            assert event.address == (event.address and KINDS[case.kind].user_id(event.address))
        elif not isinstance(event, Receipt):
            assert KINDS[case.kind].user_id(event.sender) == event.sender


@EACH
def test_a_message_becomes_the_same_request_each_time(case: Case) -> None:
    first, second = case.make().request(case.message), case.make().request(case.message)
    assert type(first) is type(second)
    if isinstance(first, HttpRequest):
        assert isinstance(second, HttpRequest)
        assert (first.method, first.url) == (second.method, second.url)
        assert case.opened(first) == case.opened(second)
    elif isinstance(first, SmtpRequest):
        assert isinstance(second, SmtpRequest)
        assert (first.sender, first.recipient) == (second.sender, second.recipient)
    else:
        assert first == second


@EACH
def test_a_good_reply_is_accepted(case: Case) -> None:
    assert isinstance(case.make().outcome(case.accepted), Accepted)


@pytest.mark.parametrize(("case", "reply", "refusal"), REPLIES)
def test_replies_are_classed(case: Case, reply: Reply, refusal: Refusal | None) -> None:
    outcome = case.make().outcome(reply)
    assert refusal_of(outcome) == refusal
    if isinstance(outcome, Refused):
        assert_fit_for_people(outcome)


@EACH
def test_a_throttled_channel_always_learns_for_how_long(case: Case) -> None:
    throttled = [
        outcome
        for reply, refusal in case.replies.values()
        if refusal is Refusal.THROTTLED
        and isinstance(outcome := case.make().outcome(reply), Refused)
    ]
    assert throttled
    for outcome in throttled:
        assert outcome.retry_after is not None
        # One message may be repeated at once, such as where its chat had to be opened first.
        least = 0.001 if outcome.whole_channel else 0
        assert least <= outcome.retry_after <= 86_400


@EACH
def test_a_good_callback_tells_its_events_as_often_as_it_comes(case: Case) -> None:
    kind, make = case.make(), case.hook or case.heard
    if make is None:
        assert list(kind.events(case.with_body(b"{}"))) == []
        return
    for _ in range(2):
        hook = make()
        if case.hook is not None:
            kind.verify(hook)
        assert tuple(kind.events(hook)) == case.told


@EACH
def test_a_kind_reports_all_that_it_says_it_does_and_nothing_else(case: Case) -> None:
    kind, stated = case.make(), set(case.make().limits.receipts)
    told = [list(each_of(kind.events(make()))) for make in callbacks_of(case)]
    statuses = {event.status for events in told for event in events if hasattr(event, "status")}
    writes = [any(isinstance(event, Inbound) for event in events) for events in told]
    leaves = [any(isinstance(event, OptOut) for event in events) for events in told]
    assert statuses == stated
    assert any(writes) is kind.limits.inbound
    reported = any(left and not wrote for left, wrote in zip(leaves, writes, strict=True))
    assert reported is ("reported" in kind.limits.opt_outs)


@EACH
def test_the_one_click_link_is_in_every_message_or_in_none(case: Case) -> None:
    url = "https://clarion.example/unsubscribe/by-one-click"
    request = case.make().request(replace(case.message, unsubscribe_url=url))
    assert (url.encode() in case.unpacked(carried(request))) is (
        "link" in case.make().limits.opt_outs
    )


@EACH
def test_a_callback_is_answered_in_the_form_of_the_contract(case: Case) -> None:
    kind = case.make()
    if not isinstance(kind, AnswersCallbacks):
        return
    bodies = [*case.unknown, b"", b"{}", b"hello", b'{"type": 1}', b'{"type": "url_verification"}']
    for hook in [*(make() for make in callbacks_of(case)), *map(case.with_body, bodies)]:
        assert isinstance(kind.answer(hook), CallbackAnswer | None)


@EACH
def test_other_callbacks_prove_themselves_too(case: Case) -> None:
    if case.heard is None:
        for make in case.others:
            case.make().verify(make())


@EACH
def test_what_comes_over_a_connection_is_not_believed_as_a_callback(case: Case) -> None:
    kind = case.make()
    fetches = case.hook is None and isinstance(kind, FetchesUpdates) and kind.fetches()
    assert (case.heard is not None) is (isinstance(kind, KeepsConnection) or fetches)
    if case.heard is not None:
        with pytest.raises(BadSignature):
            case.make().verify(case.heard())


@pytest.mark.parametrize(("case", "make"), FORGED)
def test_a_forged_callback_is_refused(case: Case, make: Any) -> None:
    with pytest.raises(BadSignature) as refused:
        case.make().verify(make())
    assert_tells_no_secret(case, str(refused.value))


@EACH
def test_nothing_is_believed_without_a_secret(case: Case) -> None:
    changes = {
        name: ""
        for name in ("secret", "webhook_secret", "app_secret", "public_key")
        if name in case.settings
    }
    kind = case.make(**changes)
    hooks = [make() for make in case.forged.values()]
    if case.hook and changes:  # else the secret can't be left out
        hooks.append(case.hook())
    for hook in [*hooks, HookRequest({"x-telegram-bot-api-secret-token": ""}, "", b"", NOW)]:
        with pytest.raises(BadSignature):
            kind.verify(hook)


@pytest.mark.parametrize(("case", "body"), UNKNOWN)
def test_what_is_not_understood_tells_nothing(case: Case, body: bytes) -> None:
    told = case.make().events(case.with_body(body))
    assert [event for event in told if not isinstance(event, Ignored)] == []


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"[1]", b"{}", b'{"type":', b"[" * 10_000, b'"\\ud800"']
)
@EACH
def test_what_is_not_of_the_providers_form_is_an_error(case: Case, body: bytes) -> None:
    kind = case.make()
    if case.hook is None and case.heard is None:
        assert list(kind.events(case.with_body(body))) == []
        return
    with pytest.raises(ValueError) as error:
        kind.events(case.with_body(body))
    assert str(error.value).endswith(".")


@EACH
def test_no_repr_shows_a_secret(case: Case) -> None:
    kind = case.make()
    config = kind.Config.model_validate(case.settings)
    shown = [kind, config, vars(config), kind.request(case.message), kind.check()]
    for each in shown:
        for secret in case.secrets:
            if secret != case.settings.get("username"):
                assert secret not in repr(each)
                assert secret not in str(each)


@EACH
def test_no_error_of_the_settings_shows_a_secret(case: Case) -> None:
    wrong = {**case.settings, "no such setting": case.secrets[0]}
    config = KINDS[case.kind].Config
    with pytest.raises(ValidationError) as error:
        config.model_validate(wrong)
    assert_tells_no_secret(case, str(error.value))
    assert_tells_no_secret(case, repr(error.value))


@EACH
def test_a_provider_that_repeats_our_secrets_gets_them_into_no_reason(case: Case) -> None:
    kind = case.make()
    for secret in case.secrets:
        echo = f"you said {secret} to us"
        for status in (200, 301, 400, 401, 403, 404, 422, 429, 500, 502, 503):
            for name in ("error", "description", "message", "detail"):
                said = json.dumps({"ok": False, name: echo}).encode()
                outcome = kind.outcome(HttpReply(status, {"retry-after": secret}, said))
                assert_tells_no_secret(case, repr(outcome))
        for stage in ("connect", "auth", "mail", "rcpt", "data"):
            for code in (421, 450, 535, 550, 554):
                outcome = kind.outcome(SmtpReply(stage, code, echo))
                assert_tells_no_secret(case, repr(outcome))
        for status in (0x05, 0x08, 0x0B, 0x0E, 0x14, 0x58, 0xFF):
            outcome = kind.outcome(SmppReply("submit", status, (), 1, echo))
            assert_tells_no_secret(case, repr(outcome))


@EACH
def test_checks_send_nothing_and_speak_in_sentences(case: Case) -> None:
    kind = case.make()
    request = kind.check()
    if isinstance(request, SmtpRequest):
        assert request.recipient == ""
    elif isinstance(request, SmppRequest):
        assert request.parts == ()
    else:
        assert request.method != "POST" or request.url.endswith("/getMe")
    for reply, _ in case.replies.values():
        try:
            sentence = kind.checked(reply)
        except ValueError as problem:
            sentence = str(problem)
        assert sentence.endswith(".")
        assert_tells_no_secret(case, sentence)


def assert_fit_for_people(outcome: Refused) -> None:
    """One short sentence that both databases can store."""
    assert outcome.reason.endswith(".")
    assert len(outcome.reason) <= 400
    assert len(outcome.code) <= 60
    assert outcome.reason.isprintable()
    assert outcome.code.isprintable()


def each_of(events: Iterable[Event]) -> Iterable[Event]:
    """Events, and those that count only for the message that they are about."""
    for event in events:
        yield from event.events if isinstance(event, AboutMessage) else (event,)


def callbacks_of(case: Case) -> list[Callable[[], HookRequest]]:
    """All good callbacks of the fixtures."""
    made = (case.hook, case.heard, case.pressed, *case.others)
    return [make for make in made if make is not None]


def carried(request: Request) -> bytes:
    """What of a request reaches the person."""
    if isinstance(request, SmtpRequest):
        return request.whole
    return b"".join(request.parts) if isinstance(request, SmppRequest) else request.body


def assert_tells_no_secret(case: Case, text: str) -> None:
    for secret in case.secrets:
        assert secret not in text


def assert_can_be_stored(events: Iterable[Event]) -> None:
    for event in each_of(events):
        for value in asdict(event).values():
            if isinstance(value, str):
                assert "\x00" not in value
                value.encode("utf-8")
        if isinstance(event, Ignored):
            assert event.reason.endswith(".")
            continue
        assert event.at.tzinfo is not None
        assert event.at <= NOW
        if isinstance(event, Receipt):
            assert event.message_id or event.external_id
        elif isinstance(event, Inbound | InboundPart):
            assert event.sender
            assert event.external_id
        elif isinstance(event, SeenUntil):
            assert event.sender
            assert event.until <= NOW
        elif isinstance(event, AddressReport):
            assert event.address or event.message_id
        else:
            assert isinstance(event, OptOut)
            assert event.sender
