"""How long sending takes, and when it is finished, told beforehand."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import drafts
from clarion.broadcasts.forecast import Forecast, forecast
from clarion.broadcasts.models import Broadcast
from clarion.channels import day_limits
from clarion.channels.models import Channel
from clarion.content import stories
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def told(rates: list[float | None], people: list[int], **fields: Any) -> Forecast:
    channels = [
        Channel.objects.update_or_create(name=f"c{n}", kind="webhook", defaults={"rate": rate})[0]
        for n, rate in enumerate(rates)
    ]
    counts = {channel.pk: count for channel, count in zip(channels, people, strict=True)}
    return forecast(Broadcast(**fields), channels, counts)


@pytest.mark.parametrize(
    ("rates", "people", "own", "seconds", "slowest"),
    [
        ([10], [600], None, 60, "c0"),
        ([10, 1], [600, 90], None, 90, "c1"),  # the channels send side by side
        ([10, 1], [600, 90], 5, 138, ""),  # the broadcast's own rate is for all of them
        ([10, 1], [600, 90], 100, 90, "c1"),
        ([None], [600], 10, 60, ""),
        ([None], [600], None, None, ""),
        ([10, None], [600, 0], None, 60, "c0"),  # nobody is on the one without a rate
        ([10, None], [600, 1], None, None, ""),
        ([10], [0], None, None, ""),
        ([], [], None, None, ""),
    ],
)
def test_the_slowest_limit_counts(
    rates: list[float | None], people: list[int], own: float | None, seconds: float, slowest: str
) -> None:
    forecast = told(rates, people, rate=own)
    assert forecast.seconds == seconds
    assert (forecast.slowest.name if forecast.slowest else "") == slowest


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"text": "Hello"}, 60),
        ({"text": "Hello {{ contact.name }}"}, 60 * 300),
        ({"text": "Hello", "track_clicks": True}, 60 * 300),
    ],
)
def test_one_request_for_many_counts_once_where_the_rate_is_one_of_requests(
    fields: dict[str, Any], seconds: float
) -> None:
    channel = Channel.objects.create(name="bot", kind="viber", rate=50)
    in_a_minute = forecast(Broadcast(**fields), [channel], {channel.pk: 50 * 60 * 300})
    assert in_a_minute.seconds == seconds


def test_every_message_of_a_story_counts_but_not_what_a_webhook_answers() -> None:
    blocks = [
        {"kind": "text", "text": "One"},
        {"kind": "webhook", "url": "https://example.org"},
        {"kind": "text", "text": "Two"},
    ]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    assert told([1], [30], data_type="story", story=story).seconds == 60
    stories.save_story(story, blocks=blocks[:1], by=factory.BY, number=1)
    fixed = story.versions.get(number=1)
    sent = told([1], [30], data_type="story", story=story, story_version=fixed)
    assert sent.seconds == 60


@pytest.mark.parametrize(("seconds", "minutes"), [(None, None), (59, 0), (60, 1), (150, 2)])
def test_minutes(seconds: float | None, minutes: int | None) -> None:
    assert Forecast(None, seconds, None).minutes == minutes


def test_when_it_starts_and_ends() -> None:
    at = clock.now() + timedelta(days=3)
    channel = factory.channel(rate=1)
    counts = {channel.pk: 120}

    def of(**fields: Any) -> Forecast:
        draft = drafts.create_draft(by=factory.BY, channels=[channel], **fields)
        return forecast(draft, [channel], counts)

    now = of().finishes_at
    assert now is not None
    assert timedelta(seconds=170) < now - clock.now() < timedelta(seconds=181)  # with its undo
    assert of(scheduled_at=at).finishes_at == at + timedelta(minutes=2)
    daily = of(recurrence={"every": "day", "at": "09:00"}, time_zone="UTC")
    assert daily.starts_at is not None
    assert daily.starts_at.hour == 9
    assert daily.starts_at > clock.now()
    assert of(recurrence={"every": "never"}).starts_at is None
    for live in ({"type": "trigger"}, {"type": "external"}):
        assert (of(**live).starts_at, of(**live).finishes_at) == (None, None)


def test_people_of_the_last_day_are_part_of_the_limit_of_a_broadcast_sent_now() -> None:
    channel = factory.channel(
        "shop", "whatsapp", phone_number_id="1", token="EAA", messaging_limit="250"
    )
    day_limits.note_begun(channel.pk, range(1, 201), clock.now_us())
    draft = Broadcast(data_type="template")  # sent now
    assert forecast(draft, [channel], {channel.pk: 50}).day_limit is None
    limit = forecast(draft, [channel], {channel.pk: 51}).day_limit
    assert limit is not None
    assert limit.sentence == (
        "At most 250 contacts a day on shop, and 200 of today's are used up: this broadcast "
        "takes 2 days."
    )


def test_a_wait_between_messages_to_one_person_is_part_of_the_forecast() -> None:
    channel = factory.channel(
        "shop", "whatsapp", phone_number_id="1", token="EAA", pair_seconds="60"
    )
    blocks = [{"kind": "text", "text": text} for text in ("One", "Two", "Three")]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    broadcast = factory.draft([channel], text="", data_type="story", story=story)
    assert forecast(broadcast, [channel], {channel.pk: 2}).seconds == 120.0


@pytest.mark.parametrize(
    ("limit", "people", "data_type", "days"),
    [
        ("2000", 5_000, "template", 3),
        ("2000", 2_000, "template", None),
        ("unlimited", 5_000, "template", None),
        ("2000", 5_000, "text", None),  # goes to people who wrote: no conversation begins
    ],
)
def test_a_limit_of_people_a_day_stretches_templates_over_days(
    limit: str, people: int, data_type: str, days: int | None
) -> None:
    channel = factory.channel(
        "shop", "whatsapp", phone_number_id="1", token="EAA", messaging_limit=limit
    )
    estimate = forecast(Broadcast(data_type=data_type), [channel], {channel.pk: people})
    assert (estimate.day_limit is not None) == (days is not None)
    if estimate.day_limit is None:
        assert estimate.seconds == people / 80
    else:
        assert (estimate.day_limit.days, estimate.seconds) == (days, 2 * 86_400)
        assert estimate.day_limit.sentence == (
            "At most 2,000 contacts a day on shop: this broadcast takes 3 days."
        )
