"""Whatever is written, answered or called back: no channel kind answers with anything unexpected.

An example takes longer to make than all kinds take to answer it, so each is put to all of them.
"""

import json

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from channels.cases import CASES
from channels.fixtures import NOW
from channels.test_contract import assert_can_be_stored, assert_fit_for_people
from clarion.channels.contract import (
    Accepted,
    BadIdError,
    BadSignature,
    HookRequest,
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.registry import KINDS
from clarion.transport.messages import HttpReply, SmppReply, SmtpReply

MANY = settings(max_examples=200)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
# Words that kinds look for, so that the fuzz reaches behind the first check.
WORDS = [
    "ok", "result", "description", "parameters", "retry_after", "error", "message", "recipient",
    "type", "data", "id", "from", "to", "timestamp", "update_id", "chat", "date", "text", "status",
    "my_chat_member", "new_chat_member", "message_id", "private", "message.received", "kicked",
    "message.failed", "blocked", "first_name", "language_code", "username", "title", "detail",
    "object", "whatsapp_business_account", "entry", "changes", "value", "statuses", "messages",
    "errors", "code", "failed", "delivered", "contacts", "wa_id", "profile", "name", "button",
    "page", "instagram", "messaging", "sender", "mid", "mids", "watermark", "read", "delivery",
    "postback", "payload", "reaction", "react", "action", "attachments", "optin",
    "6042117739217763",
]  # fmt: skip
worded = st.recursive(
    st.sampled_from(WORDS) | json_values,
    lambda inner: st.dictionaries(st.sampled_from(WORDS), inner, max_size=8),
    max_leaves=20,
)
bodies = st.binary(max_size=200) | st.builds(lambda v: json.dumps(v).encode(), worded)
header_values = st.text(max_size=40) | st.sampled_from(
    ["-1", "1e400", "nan", "99999999999999999999", "Sun, 22 Nov 2026 12:00:09 GMT", "Thu, 1 Jan"]
)
http_replies = st.builds(
    HttpReply,
    st.integers(0, 1000),
    st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), header_values),
    bodies,
)
smtp_texts = st.text(max_size=300) | st.lists(
    st.sampled_from(
        ["4.7.1 ", "5.1.1", "<a@b>", "rate limit", "quota", "in 30 seconds", "in 99999 hours",
         "user unknown", "relaying denied", "sender address rejected", "\n", "greylisted", "5.2.2"]
    ),
    max_size=6,
).map(" ".join)  # fmt: skip
smpp_replies = st.builds(
    SmppReply,
    st.sampled_from(["bind", "submit", "check"]),
    st.none() | st.integers(0, 2**32 - 1) | st.integers(0, 0xFF),
    st.lists(st.text(max_size=70), max_size=3).map(tuple),
    st.integers(0, 3),
    smtp_texts,
    smtp_texts,
)
smtp_replies = st.builds(
    SmtpReply,
    st.sampled_from(["connect", "auth", "mail", "rcpt", "data", "sent", "check"]),
    st.integers(0, 1000) | st.sampled_from([250, 421, 450, 454, 530, 535, 550, 552, 554]),
    smtp_texts,
)


@MANY
@given(text=st.text(max_size=400))
def test_no_text_makes_a_user_id_that_cannot_be_stored(text: str) -> None:
    for name, kind in KINDS.items():
        note(name)
        try:
            stored = kind.user_id(text)
        except BadIdError:
            continue
        assert 0 < len(stored) <= 320
        assert stored.isprintable()
        assert kind.user_id(stored) == stored


@MANY
@given(reply=http_replies | smtp_replies | smpp_replies)
def test_no_reply_makes_an_outcome_raise(reply: Reply) -> None:
    for case in CASES.values():
        note(case.kind)
        outcome = case.make().outcome(reply)
        assert isinstance(outcome, Accepted | Refused)
        if isinstance(outcome, Refused):
            assert_fit_for_people(outcome)
            if outcome.refusal is Refusal.THROTTLED:
                assert outcome.retry_after is not None
                assert 0 <= outcome.retry_after <= 86_400


@MANY
@given(reply=http_replies | smtp_replies | smpp_replies)
def test_no_reply_makes_a_check_raise_anything_else(reply: Reply) -> None:
    for case in CASES.values():
        note(case.kind)
        try:
            sentence = case.make().checked(reply)
        except ValueError as problem:
            sentence = str(problem)
        assert sentence.endswith(".")


@MANY
@given(body=bodies)
def test_no_callback_makes_events_raise_anything_else(body: bytes) -> None:
    for case in CASES.values():
        note(case.kind)
        try:
            events = list(case.make().events(case.with_body(body)))
        except ValueError:
            continue
        assert_can_be_stored(events)


@MANY
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature",
                "x-telegram-bot-api-secret-token",
                "x-hub-signature-256",
            ]
        ),
        header_values,
    ),
    body=st.binary(max_size=50),
)
def test_no_callback_makes_verify_raise_anything_else(headers: dict[str, str], body: bytes) -> None:
    for case in CASES.values():
        note(case.kind)
        with pytest.raises(BadSignature):
            case.make().verify(HookRequest(headers, "", body, NOW))
