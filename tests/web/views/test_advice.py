"""What a broadcast's page advises to do about its errors."""

import pytest
from django.test import Client
from django.utils.html import escape

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast, Pick
from clarion.engine.attempt import FAULT
from clarion.engine.no_reply import NOT_SENT
from clarion.engine.reap import DIED
from clarion.records.models import Delivery, Reason
from support import factory

REFUSALS = {"503": "retry", "400": "rejected", "403": "unreachable"}
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
        ("403", "A restart doesn't reach this contact"),
    ],
)
def test_h3_each_cause_has_advice_of_its_own(admin: Client, code: str, advice: str) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    reason = Reason.objects.create(code=code, text="It went wrong.", refusal=REFUSALS.get(code, ""))
    Delivery.objects.update(state="failed", reason=reason)

    html = admin.get(f"/broadcasts/{broadcast.pk}/errors").content.decode()

    assert escape(advice) in html
    assert ("The provider refused the message" in html) == (code == "400")


def test_h3_a_cause_leads_to_a_restart_for_its_people_alone(admin: Client) -> None:
    channel = factory.channel()
    factory.people(channel, 5)
    broadcast = factory.sending([channel])
    bad, worse = ({"state": "failed", "reason": f"It {what}."} for what in ("broke", "burnt"))
    factory.settle_each(channel, [bad, bad, worse, "sent", "sent"])
    cause = Reason.objects.get(text="It broke.")
    errors = f"/broadcasts/{broadcast.pk}/errors"
    assert "Restart these" not in admin.get(errors).content.decode()  # it is still being sent
    control.stop(broadcast, by=factory.BY)

    link = f"/broadcasts/{broadcast.pk}/ask/restart/?cause={cause.pk}"
    assert link in admin.get(errors).content.decode()
    asked = admin.get(link).content.decode()
    assert "It broke." in asked
    assert "Failed: 2" in asked
    admin.post(f"/broadcasts/{broadcast.pk}/restart", {"cause": cause.pk})

    fresh = Broadcast.objects.get(restart_of=broadcast)
    assert Pick.objects.filter(broadcast=fresh).count() == 2
