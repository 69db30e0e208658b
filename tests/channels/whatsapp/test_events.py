"""What Meta's callbacks report."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.fixtures import JUST_BEFORE, NOW
from channels.whatsapp.fixtures import (
    WAMID,
    make,
    meta,
)
from clarion.channels.contract import (
    Event,
    Ignored,
    Inbound,
    Moved,
    OptOut,
    Receipt,
    SamePerson,
)

ANNA = "16505551234"


def events(*changes: dict[str, Any], **more: str) -> list[Event]:
    return list(make().events(meta(*changes, **more)))


def written(**fields: Any) -> dict[str, Any]:
    message = {"from": ANNA, "id": "wamid.in-1", "timestamp": str(int(NOW.timestamp()) - 5)}
    contacts = [{"profile": {"name": "Anna Berg"}, "wa_id": ANNA, "user_id": "US.42"}]
    return {"contacts": contacts, "messages": [{**message, **fields}]}


def status(word: str, **fields: Any) -> dict[str, Any]:
    about = {"id": WAMID, "status": word, "timestamp": str(int(NOW.timestamp()) - 5)}
    return {"statuses": [{**about, "recipient_id": ANNA, **fields}]}


@pytest.mark.parametrize("word", ["delivered", "read"])
def test_statuses_name_the_message_by_both_ids(word: str) -> None:
    (event,) = events(status(word, biz_opaque_callback_data="abc-17"))
    assert event == Receipt(word, JUST_BEFORE, WAMID, "abc-17")  # type: ignore[arg-type]
    (event,) = events(status(word))
    assert event == Receipt(word, JUST_BEFORE, WAMID)  # type: ignore[arg-type]


def test_a_failure_says_why_in_our_words_or_in_metas() -> None:
    (receipt,) = events(status("failed", errors=[{"code": 131049, "title": "x"}]))
    assert isinstance(receipt, Receipt)
    assert (receipt.code, receipt.status) == ("131049", "failed")
    assert "a lot of marketing" in receipt.reason
    details = {"details": "Something new for 16505551234"}
    (unknown,) = events(status("failed", errors=[{"code": 139999, "error_data": details}]))
    assert isinstance(unknown, Receipt)
    assert unknown.reason == "WhatsApp reported: Something new for …."
    for errors in ([], None, [3], [{"code": "x"}]):
        (silent,) = events(status("failed", errors=errors))
        assert isinstance(silent, Receipt)
        assert (silent.code, silent.reason) == ("", "")


def test_a_failure_that_is_an_opt_out_is_both() -> None:
    receipts = events(status("failed", errors=[{"code": 131050}]))
    assert [type(event) for event in receipts] == [OptOut, Receipt]
    assert receipts[0] == OptOut(ANNA, "opted_out", JUST_BEFORE)
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
    assert [event for event in events(change) if not isinstance(event, Ignored)] == []


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
    read = events(status("sent"), {"statuses": 5}, status("read"), written(type="text", text=7))
    assert [type(event) for event in read] == [Receipt, Inbound]


def test_other_numbers_of_the_same_app_are_left_to_their_own_channels() -> None:
    change = {**status("read"), **written(type="text", text={"body": "Hi"})}
    assert len(events(change)) == 2
    assert [type(event) for event in events(change, number="999")] == [Ignored]


def test_a_text_of_a_person() -> None:
    assert events(written(type="text", text={"body": "Hi"})) == [
        Inbound(ANNA, "wamid.in-1", "Hi", JUST_BEFORE, "Anna Berg", aliases=("US.42",))
    ]


def test_who_keeps_the_number_to_themselves_writes_by_the_scoped_id() -> None:
    change = written(type="text", text={"body": "Hi"}, from_user_id="US.42")
    del change["messages"][0]["from"]
    (event,) = events(change)
    assert isinstance(event, Inbound)
    assert (event.sender, event.aliases, event.name) == ("US.42", (ANNA,), "Anna Berg")


def test_several_ids_of_one_person_are_named_together() -> None:
    both = {"recipient_user_id": "US.42", "recipient_parent_user_id": "US.ENT.7"}
    same, receipt = events(status("read", **both))
    assert same == SamePerson((ANNA, "US.42", "US.ENT.7"))
    assert isinstance(receipt, Receipt)
    assert events(status("sent", **both)) == [same]  # no receipt, but who they are
    contacts = [{"wa_id": ANNA, "user_id": "US.42"}]
    assert SamePerson((ANNA, "US.42")) in events({**status("read"), "contacts": contacts})
    stopped, _ = events(status("failed", errors=[{"code": 131050}], **both))[1:]
    assert stopped == OptOut(ANNA, "opted_out", JUST_BEFORE, ("US.42", "US.ENT.7"))


@pytest.mark.parametrize("other", ["0", "unknown", "us.42", "+", 7, None, "", [ANNA]])
def test_nobody_is_merged_with_what_is_no_user_id(other: object) -> None:
    assert [type(event) for event in events(status("read", recipient_user_id=other))] == [Receipt]


def test_a_changed_number_moves_the_address() -> None:
    system = {"type": "user_changed_number", "wa_id": "491700000002", "body": "changed"}
    scoped = {"user_id": "DE.2", "previous_user_id": "DE.1"}
    (moved,) = events(written(type="system", system=system | scoped))
    assert moved == Moved(ANNA, "491700000002", keeps_old=False, aliases=("DE.2", "DE.1"))
    (older,) = events(
        written(type="system", system={"type": "user_changed_number", "new_wa_id": "491700000002"})
    )
    assert older == Moved(ANNA, "491700000002", keeps_old=False)


def test_a_changed_scoped_id_is_one_more_of_the_same_person() -> None:
    system = {"type": "user_changed_user_id", "user_id": "DE.2", "previous_user_id": "DE.1"}
    change = written(type="system", system=system, from_user_id="DE.2")
    del change["messages"][0]["from"]
    assert events(change) == [SamePerson(("DE.2", "DE.1"))]
    (other,) = events(written(type="system", system={"type": "customer_identity_changed"}))
    assert isinstance(other, Ignored)


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
        {"type": "text", "text": {"body": "x"}, "group_id": "g-1"},
        {"type": "text", "text": {"body": "x"}, "id": None},
        {"type": "text", "text": {"body": "x"}, "from": None},
        {"type": "text", "text": {"body": "x"}, "from": "bla"},
    ],
)
def test_what_makes_no_message_is_ignored_and_says_so(fields: dict[str, Any]) -> None:
    assert [type(event) for event in events(written(**fields))] == [Ignored]


@pytest.mark.parametrize(
    ("fields", "text", "media"),
    [
        (
            {
                "type": "interactive",
                "interactive": {
                    "type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"a":"b"}'},
                },
            },
            'Form: Sent, {"a":"b"}',
            "form",
        ),
        (
            {"type": "reaction", "reaction": {"message_id": WAMID, "emoji": "👍"}},
            "Reaction: 👍",
            "reaction",
        ),
        (
            {"type": "reaction", "reaction": {"message_id": WAMID}},
            "Reaction removed",
            "reaction",
        ),
        ({"type": "revoke", "revoke": {"original_message_id": WAMID}}, "", "deleted message"),
        (
            {
                "type": "edit",
                "edit": {
                    "original_message_id": WAMID,
                    "message": {"type": "text", "text": {"body": "At nine"}},
                },
            },
            "At nine",
            "edited message",
        ),
        (
            {"type": "unsupported", "unsupported": {"type": "poll_creation"}},
            "Unsupported message: poll_creation",
            "unsupported message",
        ),
        (
            {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}},
            "Form",
            "form",
        ),
        (
            {
                "type": "unsupported",
                "errors": [
                    {
                        "code": 131051,
                        "title": "Message type unknown",
                        "error_data": {"details": "Message type is not currently supported."},
                    }
                ],
            },
            "Unsupported message: Message type is not currently supported.",
            "unsupported message",
        ),
        (
            {"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": "Inn"}},
            "Location: Inn, 1.5, 2",
            "location",
        ),
        (
            {
                "type": "contacts",
                "contacts": [
                    {"name": {"formatted_name": "Stop"}, "phones": [{"phone": "+1 (940) 555-1234"}]}
                ],
            },
            "Contact: Stop, +1 (940) 555-1234",
            "contacts",
        ),
        ({"type": "order", "order": {"product_items": [{}, {}]}}, "Order: 2 items", "order"),
        ({"type": "request_welcome"}, "", "request welcome"),
        ({"type": ["text"]}, "", "unsupported message"),
        ({}, "", "unsupported message"),
    ],
)
def test_every_message_says_what_came(fields: dict[str, Any], text: str, media: str) -> None:
    (event,) = events(written(**fields))
    assert isinstance(event, Inbound)
    assert (event.text, event.payload) == (text, {"media": media})


def test_an_error_of_the_account_is_ignored_with_its_words() -> None:
    (event,) = events({"errors": [{"code": 131051, "title": "Unsupported"}]})
    assert isinstance(event, Ignored)
    assert event.reason.startswith("WhatsApp reported error 131051: ")
    (unknown,) = events(status("in_orbit"))
    assert unknown == Ignored("A status “in_orbit” is not used.")
    assert events(status("sent")) == []


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
        (event,) = events({"user_preferences": [{**wish, **other}]})
        assert isinstance(event, Ignored)


KEYS = ["id", "status", "timestamp", "errors", "code", "from", "type", "text", "body", "button"]
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
        if isinstance(event, Ignored):
            assert event.reason
        elif isinstance(event, SamePerson):
            assert len(set(event.ids)) > 1
        elif isinstance(event, Moved):
            assert event.old
            assert event.new
        else:
            assert event.at <= NOW
        if isinstance(event, Receipt):
            assert event.external_id or event.message_id
        elif isinstance(event, Inbound | OptOut):
            assert event.sender
