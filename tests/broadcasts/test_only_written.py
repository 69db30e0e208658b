"""Only contacts who have written to the channel (A8)."""

from typing import Any

import pytest

from clarion.broadcasts import singles
from clarion.broadcasts.audience import audience_problems, summary, summary_of
from clarion.broadcasts.fields import To, create_copy
from clarion.broadcasts.query import Audience, audience_of, candidates
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.kit import db
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
ASKED = Audience(kind="all", only_written=True)


@pytest.fixture
def bot() -> Channel:
    return factory.channel("bot", "telegram")


def two(channel: Channel) -> tuple[Address, Address]:
    """One who has written, and one who has not."""
    return (
        factory.address(channel, "1", "Ada"),
        factory.address(channel, "2", "Bob", has_written=False),
    )


def reasons(audience: Audience, *channels: Channel, **options: Any) -> dict[int, str]:
    query = candidates(audience, [channel.pk for channel in channels], **options)
    return {row[0]: row[3] for row in db.fetch(query.sql, query.params)}


def test_a_bot_leaves_out_who_has_never_written(bot: Channel) -> None:
    ada, bob = two(bot)
    assert reasons(Audience(kind="all"), bot) == {ada.pk: "", bob.pk: "not_written"}


def test_other_channels_send_to_everyone_unless_asked() -> None:
    channel = factory.channel()
    ada, bob = two(channel)
    assert reasons(Audience(kind="all"), channel) == {ada.pk: "", bob.pk: ""}
    assert reasons(ASKED, channel) == {ada.pk: "", bob.pk: "not_written"}


def test_each_channel_has_its_own_rule(bot: Channel) -> None:
    hook = factory.channel("hook")
    (_ada, bob), (_, cem) = two(bot), two(hook)
    told = reasons(Audience(kind="all"), bot, hook)
    assert {pk for pk, reason in told.items() if reason} == {bob.pk}
    assert {pk for pk, reason in reasons(ASKED, bot, hook).items() if reason} == {bob.pk, cem.pk}


@pytest.mark.parametrize(("demand", "left_out"), [(False, 0), (True, 1), (None, 1)])
def test_a_channel_may_say_otherwise(bot: Channel, demand: bool | None, left_out: int) -> None:
    two(bot)
    update_channel(bot, only_written=demand, by=factory.BY)
    counted = summary(Audience(kind="all"), [bot])
    assert counted.dropped.get("not_written", 0) == left_out
    assert counted.total == 2 - left_out


def test_a_provider_that_approves_templates_sends_them_to_anybody() -> None:
    channel = factory.channel("wa", "whatsapp", phone_number_id="1", token="EAA", app_secret="s")
    two(channel)
    text = factory.draft([channel], text="Hello")
    template = factory.draft(
        [channel], data_type="template",
        template={"name": "spring", "language": "en", "variables": []},
    )  # fmt: skip
    totals = [summary_of(one).total for one in (text, template)]  # type: ignore[union-attr]
    assert totals == [1, 2]
    assert audience_of(template).content == "template"
    assert "content" not in audience_of(template).model_dump()
    update_channel(channel, only_written=True, by=factory.BY)
    assert summary_of(template).total == 1  # type: ignore[union-attr]


def test_a_message_to_one_contact_alone_is_sent_as_it_is_asked_for(bot: Channel) -> None:
    _, bob = two(bot)
    single = singles.send_single(bob, by=factory.agent(), text="Hello")
    assert audience_of(single).content == "reply"
    assert factory.states(single) == {"queued": 1}


def test_the_reasons_are_counted_once_in_their_order(bot: Channel) -> None:
    factory.address(bot, "3", has_written=False, state="blocked")
    factory.address(bot, "4", has_written=False)
    assert summary(Audience(kind="all"), [bot]).dropped == {"blocked": 1, "not_written": 1}
    about = summary(Audience(kind="all"), [bot], quick=True)
    assert about.dropped == {"blocked": 1, "not_written": 1}


def test_what_is_counted_is_what_is_written(bot: Channel) -> None:
    _, bob = two(bot)
    broadcast = factory.sending([bot])
    assert factory.states(broadcast) == {"queued": 1, "skipped": 1}
    skipped = Delivery.objects.select_related("reason").get(address=bob)
    assert skipped.reason is not None
    assert skipped.reason.text == "The contact has never written to this channel."


def test_an_audience_of_nobody_who_has_written_is_explained(bot: Channel) -> None:
    factory.address(bot, "2", has_written=False)
    assert audience_problems(Audience(kind="all"), [bot]) == []  # they are counted as left out
    assert summary(Audience(kind="all"), [bot]).total == 0


@pytest.mark.parametrize("to", [To.DUPLICATE, To.RUN])
def test_copies_and_runs_ask_for_the_same(to: To) -> None:
    channel = factory.channel()
    two(channel)
    draft = factory.draft([channel], audience=ASKED)
    copy = create_copy(draft, to)
    assert audience_of(copy).only_written
    assert summary_of(copy).total == 1  # type: ignore[union-attr]
