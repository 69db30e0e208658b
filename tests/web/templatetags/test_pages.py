"""Numbers, shares, spans and moments as people read them."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from clarion.broadcasts.states import BroadcastState
from clarion.channels.condition import ChannelCondition
from clarion.contacts.models import Import
from clarion.contacts.states import AddressState
from clarion.records.models import Record
from clarion.records.states import DeliveryState
from clarion.web.templatetags import pages
from clarion.web.words import WORDS


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (0, "0"), (1_234_567, "1,234,567"), (30.0, "30"), (0.25, "0.25")],
)
def test_numbers(value: float | None, words: str) -> None:
    assert pages.number(value) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 0, "–"),
        (0, 10, "0 %"),
        (1, 1_000_000, "< 0.1 %"),
        (1, 3, "33.3 %"),
        (999_999, 1_000_000, "> 99.9 %"),
        (10, 10, "100 %"),
        (5, 10, "50.0 %"),
    ],
)
def test_shares_never_round_to_all_or_nothing(part: int, whole: int, words: str) -> None:
    assert pages.percent_of(part, whole) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.0184, "18 ms"),
        (1.25, "1.2 s"),
        (15.7, "16 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_599.7, "1 h 0 min"),
        (7_260, "2 h 1 min"),
    ],
)
def test_spans(seconds: float | None, words: str) -> None:
    assert pages.duration(seconds) == words


def test_moments_are_in_the_zone_and_say_so() -> None:
    moment = datetime(2020, 1, 1, 23, 30, 15, tzinfo=UTC)
    with timezone.override("Asia/Tokyo"):
        html = pages.moment(moment)

    assert html == (
        '<time datetime="2020-01-02T08:30:15.000+09:00" title="2 Jan 2020, 08:30:15 JST">'
        "2 Jan 2020, 08:30</time>"
    )
    assert pages.moment(None) == "–"


def test_moments_that_are_equal_or_of_an_hour_twice_are_told_apart() -> None:
    before = datetime(2020, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, and an hour later again
    written = []
    for zone, moment in (
        ("Europe/Berlin", before),
        ("Europe/Berlin", before + timedelta(hours=1)),
        ("Asia/Tokyo", before.astimezone(ZoneInfo("Asia/Tokyo"))),
        ("Europe/Berlin", before),
    ):
        with timezone.override(zone):
            written += re.findall(r'datetime="[^T]+T([^"]+)"', pages.moment(moment))
    assert written == [
        "02:30:00.000+02:00", "02:30:00.000+01:00", "09:30:00.000+09:00", "02:30:00.000+02:00",
    ]  # fmt: skip
    with timezone.override("UTC"), translation.override("de"):
        assert "Okt" in pages.moment(before)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Helsinki", "(01:30 Europe/Helsinki)"),
        ("America/Lima", "(1 Jan, 18:30 America/Lima)"),  # in Berlin it is the second already
        ("Europe/Vienna", ""),  # the clocks show the same
        ("", ""),
        ("Mars/Olympus", ""),
    ],
)
def test_a_moment_is_shown_in_its_own_zone_where_that_differs(zone: str, shown: str) -> None:
    moment = datetime(2020, 1, 1, 23, 30, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        html = pages.own_zone(moment, zone)

    opened = f' <span class="own-zone quiet" title="{zone}">'
    assert html == (f"{opened}{shown}</span>" if shown else "")
    assert pages.own_zone(None, zone) == ""


@pytest.mark.parametrize(
    ("noun", "states"),
    [
        ("delivery", DeliveryState.values),
        ("broadcast", BroadcastState.values),
        ("channel", ChannelCondition.values),
        ("address", AddressState.values),
        ("import", Import.State.values),
        ("record", Record.Status.values),
    ],
)
def test_every_state_has_its_words(noun: str, states: list[str]) -> None:
    assert set(WORDS[noun]) == set(states)
    for state in states:
        assert pages.meaning(noun, state).endswith(".")
        assert pages.label(noun, state) in pages.state(noun, state)


def test_variables_are_chips_and_the_rest_is_escaped() -> None:
    html = pages.variables('Hi {{ contact.name | default("<b>") }} & ‹data.order› <i>')

    assert "name</span>" in html
    assert "default(&quot;&lt;b&gt;&quot;)" in html
    assert "data.order</span> &lt;i&gt;" in html
    assert " &amp; " in html
    assert pages.variables("") == ""


def test_a_kind_without_a_tile_has_the_general_one() -> None:
    assert "channels.svg#email" in pages.channel_icon("email")
    assert "channels.svg#channel" in pages.channel_icon("carrier-pigeon")
    assert "channels.svg#channel" in pages.channel_icon(None)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (999_999, "999,999"), (1_999_999, "1.99 M"), (12_345_678, "12.3 M")],
)
def test_numbers_in_narrow_places(value: int, words: str) -> None:
    assert pages.compact(value) == words
