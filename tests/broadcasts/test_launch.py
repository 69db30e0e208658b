"""From draft to scheduled and back."""

from datetime import timedelta

import pytest

from clarion.broadcasts import launch
from clarion.broadcasts.audience import Audience
from clarion.broadcasts.launch import LaunchError
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)


def test_c1_an_instant_send_leaves_after_its_undo_time() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch.send(factory.draft([channel]), by=factory.BY, undo_seconds=60)

    assert broadcast.state == "scheduled"
    assert broadcast.scheduled_at is not None
    assert timedelta(seconds=55) < broadcast.scheduled_at - clock.now() <= timedelta(seconds=60)

    launch.undo(broadcast, by=factory.BY)
    assert broadcast.state == "draft"
    launch.edit_draft(broadcast, by=factory.BY, text="Better")
    assert launch.send(broadcast, by=factory.BY, undo_seconds=0).state == "scheduled"


def test_sending_twice_is_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    launch.send(broadcast, by=factory.BY)

    with pytest.raises(LaunchError, match="already scheduled"):
        launch.send(broadcast, by=factory.BY)
    with pytest.raises(LaunchError, match="no draft any more"):
        launch.edit_draft(broadcast, by=factory.BY, text="Other")


def test_an_empty_draft_says_all_that_is_missing() -> None:
    broadcast = launch.create_draft(by=factory.BY)
    with pytest.raises(LaunchError) as error:
        launch.send(broadcast, by=factory.BY)
    assert str(error.value).splitlines() == [
        "Choose at least one channel.",
        "Write a text.",
        "Choose an audience.",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Hello {{ contact.nmae }}", "contact.nmae"),
        ("Hello {{ contact.name", "Line 1"),
        ("{% for x in contact %}", "Line 1"),
    ],
)
def test_b1_faults_of_a_text_are_reported_before_sending(text: str, says: str) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    problems = launch.check(factory.draft([channel], text=text))
    assert len(problems) == 1
    assert says in problems[0]


def test_an_audience_without_anyone_is_refused() -> None:
    channel = factory.channel()
    problems = launch.check(factory.draft([channel]))
    assert problems == ["Nobody is in this audience on sink. Choose another audience."]


def test_a4_a_tag_that_nobody_has_can_not_be_chosen() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    launch.edit_draft(broadcast, by=factory.BY, audience=Audience(kind="tags", tags=["vip"]))
    assert launch.check(broadcast) == ["Nobody has the tag “vip”. Choose another one."]


def test_c2_a_moment_in_the_past_is_refused() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    with pytest.raises(LaunchError, match="has passed"):
        launch.schedule(
            factory.draft([channel]), at=clock.now() - timedelta(minutes=1), by=factory.BY
        )
