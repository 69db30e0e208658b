"""What a broadcast's page advises to do about its errors."""

import pytest
from django.test import Client
from django.utils.html import escape

from clarion.engine.attempt import FAULT, NOT_SENT
from clarion.engine.reap import DIED
from clarion.records.models import Delivery, Reason
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (NOT_SENT, "check the channel"),
        ("content", "To change the message, duplicate the broadcast"),
        ("story_webhook", "Fix the story's webhook"),
        (DIED[0], "restart and include those in doubt"),
        (FAULT, "Report what the worker's log says"),
        ("503", "An error at the provider"),
        ("400", "The provider refused the message"),
    ],
)
def test_h3_each_cause_has_advice_of_its_own(admin: Client, code: str, advice: str) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    reason = Reason.objects.create(code=code, text="It went wrong.")
    Delivery.objects.update(state="failed", reason=reason)

    html = admin.get(f"/broadcasts/{broadcast.pk}/errors").content.decode()

    assert escape(advice) in html
    assert ("The provider refused the message" in html) == (code == "400")
