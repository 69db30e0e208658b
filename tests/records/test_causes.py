"""Errors of a broadcast by their cause."""

import pytest

from clarion.records.causes import causes, left_out
from support import factory

pytestmark = pytest.mark.django_db


def test_errors_are_grouped_by_cause() -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 6)
    broadcast = factory.sending([channel], title="Autumn")
    wordings = ["", "Busy.", "Busy.", "", "Gone.", "Busy."]
    factory.settle_each(
        channel,
        [{"state": "failed", "reason": why, "code": "x"} if why else "sent" for why in wordings],
    )
    other = factory.sending([channel], title="Winter")

    assert [(cause.text, cause.code, cause.errors) for cause in causes(broadcast.pk)] == [
        ("Busy.", "x", 3),
        ("Gone.", "x", 1),
    ]
    assert causes(other.pk) == []


def test_nobody_and_nothing() -> None:
    assert causes(1) == []


def test_why_recipients_were_left_out() -> None:
    broadcast = factory.broadcast()
    channel = factory.channel()
    reasons = [
        factory.reason("No consent.", "no_consent"),
        factory.reason("Opted out.", "opted_out"),
    ]
    for number, reason in enumerate([*reasons, reasons[0]]):
        person = factory.address(channel, f"u{number}")
        factory.delivery(broadcast, person, "skipped", reason=reason)

    found = [(one.code, one.text, one.errors, one.people) for one in left_out(broadcast.pk)]

    assert found == [("no_consent", "No consent.", 0, 2), ("opted_out", "Opted out.", 0, 1)]
