"""What a draft costs, beside its preview, in its summary and in the question before sending."""

from typing import Any

import pytest
from django.test import Client

from channels.twilio.fixtures import CASE
from clarion.channels.models import Channel
from support import factory
from web.composing import autosave, compose_form, seen
from web.reading import words

pytestmark = pytest.mark.django_db
LONG = "a" * 160 + "€"


@pytest.fixture
def sms(db: None) -> Channel:
    """A channel for SMS with three people on it."""
    channel = factory.channel("SMS", "twilio", **CASE.settings, currency="EUR", price="0.06")
    for number in range(3):
        factory.address(channel, f"49151123456{number}", f"Person {number}")
    return channel


def test_the_number_of_sms_and_their_price_are_shown(admin: Client, sms: Channel) -> None:
    html = words(autosave(admin, compose_form(sms, text=LONG)))
    assert "2 SMS (153 + 9 characters; “€” counts twice), 0.12 EUR" in html
    assert "6 SMS, 0.36 EUR 2 SMS each (153 + 9 characters; “€” counts twice), 3 recipients" in html


def test_the_question_before_sending_says_what_it_costs(
    admin: Client, sms: Channel, settings: Any
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"confirm_recipients": 3})
    form = compose_form(sms, text=LONG)
    autosave(admin, form)
    html = admin.post("/broadcasts/new/", {**form, **seen()}).content.decode()
    question = words(html[html.index('id="ask-send"') :])
    assert "6 SMS, 0.36 EUR 2 SMS each" in question


def test_other_channels_show_no_costs(admin: Client, channel: Channel) -> None:
    html = words(autosave(admin, compose_form(channel)))
    assert "SMS" not in html
    assert "Cost" not in html
