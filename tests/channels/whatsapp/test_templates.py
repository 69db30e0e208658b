"""The list of templates, and what callbacks report of them.

Answers and callbacks as …/graph-api/reference/whats-app-business-account/message_templates and
…/whatsapp/webhooks/reference/message_template_status_update give them.
"""

import json
from typing import Any

import pytest

from channels.fixtures import reply
from channels.graph import graph_error, signed
from channels.whatsapp.fixtures import CASE, make
from clarion.channels import manage
from clarion.channels.account_events import AccountReported, LimitReported
from clarion.channels.contract import Event, Ignored, Reply, Request
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates.ability import ListsTemplates
from clarion.channels.templates.listed import TemplateChanged
from clarion.engine import callbacks, inbox
from clarion.transport.messages import HttpReply
from support import factory

WABA = "102290129340398"
BODY = {"type": "BODY", "text": "Hello {{1}}"}
SPRING = {
    "id": "594425479261596", "name": "spring", "language": "en_US", "status": "APPROVED",
    "category": "MARKETING", "quality_score": {"score": "GREEN", "date": 1},
    "components": [BODY],
}  # fmt: skip


def listed(body: object) -> Any:
    kind = make(waba_id=WABA)
    assert isinstance(kind, ListsTemplates)
    return kind.listed_templates(reply(200, body))


NUMBER = "15550783881"


def events(
    field: str, value: dict[str, Any], account: str = WABA, *, number: str = NUMBER, **settings: str
) -> list[Event]:
    """Those of an update, on a channel whose check has shown this number."""
    entry = [{"id": account, "changes": [{"field": field, "value": value}]}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    kind = make(**{"waba_id": WABA, **settings})
    kind.account_name = number
    return list(kind.events(signed(body)))


def test_the_list_is_fetched_page_by_page() -> None:
    kind = make(waba_id=WABA)
    first = kind.list_templates()
    assert first.method == "GET"
    assert f"/v26.0/{WABA}/message_templates?fields=" in first.url
    assert kind.list_templates("a/b").url == f"{first.url}&after=a%2Fb"
    with pytest.raises(ValueError, match="account id"):
        make().list_templates()


def test_a_page_names_templates_and_where_it_ended() -> None:
    paging = {"cursors": {"after": "QVFI"}, "next": "https://graph.facebook.com/…"}
    (template,), after = listed({"data": [SPRING, {"name": "no language"}, 7], "paging": paging})
    assert (template.name, template.language, after) == ("spring", "en_US", "QVFI")
    assert (template.status, template.category, template.quality) == (
        "approved", "marketing", "green",
    )  # fmt: skip
    assert template.components == (BODY,)
    last = {"data": [], "paging": {"cursors": {"after": "QVFI"}}}
    assert listed(last) == ([], "")


def test_a_page_of_long_templates_in_another_alphabet_is_read() -> None:
    long = {**SPRING, "components": [{"type": "BODY", "text": "Привет " * 146}]}
    templates, _ = listed({"data": [long] * 60})  # over 300,000 bytes as Meta escapes them
    assert len(templates) == 60


@pytest.mark.parametrize("body", [b"{", {"data": 7}, {}])
def test_what_is_no_page_is_an_error(body: object) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        listed(body)
    with pytest.raises(ValueError, match="not allowed to send"):
        make(waba_id=WABA).listed_templates(graph_error(403, 200))


@pytest.mark.parametrize(
    ("field", "word", "changed"),
    [
        ("message_template_status_update", {"event": "PAUSED"}, {"status": "paused"}),
        # No statuses: the list is fetched.
        ("message_template_status_update", {"event": "FLAGGED"}, {}),
        ("message_template_status_update", {"event": "REINSTATED"}, {}),
        ("message_template_quality_update", {"new_quality_score": "RED"}, {"quality": "red"}),
        ("message_template_quality_update", {"new_quality_score": "UNKNOWN"}, {"quality": ""}),
        ("template_category_update", {"new_category": "UTILITY"}, {"category": "utility"}),
    ],
)
def test_callbacks_report_what_has_become_of_a_template(
    field: str, word: dict[str, str], changed: dict[str, str]
) -> None:
    named = {
        "message_template_id": 594425479261596,
        "message_template_name": "spring",
        "message_template_language": "en_US",
    }
    assert events(field, named | word) == [TemplateChanged("spring", "en_US", **changed)]
    (other,) = events(field, named | word, account="7")
    assert isinstance(other, Ignored)
    (nameless,) = events(field, word)
    assert isinstance(nameless, Ignored)


@pytest.mark.parametrize(
    ("field", "value", "people"),
    [
        ("business_capability_update", {"max_daily_conversations_per_business": 2000}, 2_000),
        ("business_capability_update", {"max_daily_conversations_per_business": -1}, None),
        (
            "phone_number_quality_update",
            {"event": "UPGRADE", "max_daily_conversations_per_business": "TIER_10K"},
            10_000,
        ),
        ("phone_number_quality_update", {"current_limit": "TIER_250"}, 250),
        ("phone_number_quality_update", {"current_limit": "TIER_UNLIMITED"}, None),
    ],
)
def test_callbacks_report_the_messaging_limit(
    field: str, value: dict[str, Any], people: int | None
) -> None:
    assert events(field, value) == [LimitReported(people)]
    (other,) = events(field, value, account="7")
    assert isinstance(other, Ignored)
    (nameless,) = events(field, {"event": "THROUGHPUT_UPGRADE"})
    assert isinstance(nameless, Ignored)


@pytest.mark.parametrize(
    ("reported", "limit"),
    [
        ("TIER_2K", LimitReported(2_000)),
        ("TIER_UNLIMITED", LimitReported(None)),
        ("TIER_NOT_SET", None),
        (None, None),
        ({}, None),
    ],
)
def test_a_check_reads_the_messaging_limit(reported: object, limit: LimitReported | None) -> None:
    kind = make()
    assert "whatsapp_business_manager_messaging_limit" in kind.check().url
    assert "messaging_limit" not in make(messaging_limit="250").check().url
    body = json.dumps({"whatsapp_business_manager_messaging_limit": reported}).encode()
    assert kind.limit_reported(HttpReply(200, {}, body)) == limit


@pytest.mark.django_db
def test_a_check_keeps_the_messaging_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"display_phone_number": "+1 555-078-3881", "id": "1"}
    named = {"whatsapp_business_manager_messaging_limit": "TIER_2K"}

    async def ask(request: Request) -> Reply:
        return reply(200, answer | named)

    monkeypatch.setattr(manage, "ask", ask)
    channel = factory.channel("shop", "whatsapp", **CASE.settings)
    manage.check_channel(channel)
    channel.refresh_from_db()
    assert (channel.reported_people, channel.account_name) == (2_000, NUMBER)
    named.clear()  # what is not named is not lifted
    manage.check_channel(channel)
    channel.refresh_from_db()
    assert channel.reported_people == 2_000


@pytest.mark.parametrize(
    ("field", "value", "words", "stops", "good"),
    [
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
            "disabled the WhatsApp Business account", True, False,
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
            "reinstated", False, True,
        ),
        (
            "account_update",
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [
                    {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
                    {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"},
                ],
            },
            "templates are refused", True, False,
        ),
        (
            "account_update",
            {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM_X"}},
            "policy violation (scam x)", False, False,
        ),
        (
            "phone_number_quality_update", {"event": "FLAGGED", "display_phone_number": NUMBER},
            "flagged the number", False, False,
        ),
        (
            "phone_number_quality_update", {"event": "UNFLAGGED", "display_phone_number": NUMBER},
            "good again", False, True,
        ),
    ],
)  # fmt: skip
def test_callbacks_report_what_meta_decided_about_the_account(
    field: str, value: dict[str, Any], words: str, stops: bool, good: bool
) -> None:
    (event,) = events(field, value)
    assert isinstance(event, AccountReported)
    assert words in event.sentence
    assert (event.stops, event.good) == (stops, good)


def test_other_updates_of_the_account_have_no_effect() -> None:
    (event,) = events("account_update", {"event": "VERIFIED_ACCOUNT"})
    assert isinstance(event, Ignored)
    downgraded = {
        "event": "DOWNGRADE", "display_phone_number": NUMBER, "current_limit": "TIER_250"
    }  # fmt: skip
    quality, limit = events("phone_number_quality_update", downgraded)
    assert isinstance(quality, AccountReported)
    assert limit == LimitReported(250)


@pytest.mark.parametrize(
    ("named", "known", "words"),
    [("15550000000", NUMBER, "another phone number"), (NUMBER, "", "check the channel"),
     ("", "", "check the channel"), ("", NUMBER, "another phone number")],
)  # fmt: skip
def test_the_quality_of_another_number_is_not_the_channels(
    named: str, known: str, words: str
) -> None:
    value = {"event": "FLAGGED", "display_phone_number": named, "current_limit": "TIER_250"}
    quality, limit = events("phone_number_quality_update", value, number=known)
    assert isinstance(quality, Ignored)
    assert words in quality.reason
    assert limit == LimitReported(250)  # all numbers of an account share it


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_update", {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}),
        ("business_capability_update", {"max_daily_conversations_per_business": 2000}),
        ("phone_number_quality_update", {"event": "FLAGGED", "display_phone_number": NUMBER}),
        (
            "message_template_status_update",
            {"event": "PAUSED", "message_template_name": "spring",
             "message_template_language": "en"},
        ),
    ],
)  # fmt: skip
def test_updates_of_an_account_have_no_effect_while_it_is_not_known_which_is_the_channels(
    field: str, value: dict[str, Any]
) -> None:
    (event,) = events(field, value, waba_id="")
    assert isinstance(event, Ignored)
    assert "set the WhatsApp Business account id" in event.reason


@pytest.mark.django_db(transaction=True)
def test_a_disabled_account_pauses_its_channel() -> None:
    channel = factory.channel("shop", "whatsapp", **CASE.settings, waba_id=WABA)
    value = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
    receive(channel, "account_update", value)
    channel.refresh_from_db()
    assert (channel.state, channel.check_failed) == ("paused", True)
    assert "Meta disabled the WhatsApp Business account" in channel.paused_reason


@pytest.mark.django_db(transaction=True)
def test_a_flagged_number_fails_the_check_of_its_own_channel_alone() -> None:
    flagged = factory.channel("shop", "whatsapp", **CASE.settings, waba_id=WABA)
    other = factory.channel("other", "whatsapp", **CASE.settings, waba_id=WABA)
    Channel.objects.filter(pk=flagged.pk).update(account_name=NUMBER)
    Channel.objects.filter(pk=other.pk).update(account_name="15550000000")
    for channel in (flagged, other):
        value = {"event": "FLAGGED", "display_phone_number": NUMBER}
        receive(channel, "phone_number_quality_update", value)
        channel.refresh_from_db()
    assert (flagged.check_failed, other.check_failed) == (True, False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("word", "state"), [("PAUSED", "paused"), ("APPROVED", "sending")])
def test_a_template_that_is_paused_pauses_the_broadcasts_that_send_it(
    word: str, state: str
) -> None:
    channel = factory.channel("shop", "whatsapp", **CASE.settings, waba_id=WABA)
    MessageTemplate.objects.create(
        channel=channel, name="spring", language="en_US", status="approved"
    )
    factory.people(channel, 2, prefix="4915")
    template = {"name": "spring", "language": "en_US", "variables": []}
    sending = factory.sending([channel], text="", data_type="template", template=template)
    other = factory.sending([channel], text="", data_type="template",
                            template={**template, "name": "other"})  # fmt: skip
    value = {
        "event": word, "message_template_name": "spring", "message_template_language": "en_US"
    }  # fmt: skip
    receive(channel, "message_template_status_update", value)
    sending.refresh_from_db()
    other.refresh_from_db()
    assert (sending.state, other.state) == (state, "sending")
    if state == "paused":
        assert sending.state_reason.startswith("The template “spring” is paused by the provider")
    assert factory.states(sending) == {"queued": 2}


def receive(channel: Channel, field: str, value: dict[str, Any]) -> None:
    """Let the engine apply a callback of Meta."""
    entry = [{"id": WABA, "changes": [{"field": field, "value": value}]}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    callbacks.store([callbacks.Verified(channel.pk, signed(body), "receipts")])
    inbox.apply_waiting()
