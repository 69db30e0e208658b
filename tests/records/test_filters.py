from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from clarion.records.filters import FilterError, RecordFilter, Responses

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50).map(str.strip)
FILTERS = st.builds(
    RecordFilter,
    broadcast=st.none() | st.integers(1, 2**63 - 1),
    user=WORDS,
    name=WORDS,
    status=st.sampled_from(["", "completed", "error"]),
    error=WORDS,
    after=st.none() | st.datetimes(timezones=st.just(UTC)),
    before=st.none() | st.datetimes(timezones=st.just(UTC)),
    responses=st.none() | st.builds(Responses, st.sampled_from("<>="), st.integers(0, 32767)),
    channel=WORDS,
    agent=WORDS,
)


@given(FILTERS)
def test_a_filter_survives_the_address_of_a_page(wanted):
    query = dict(parse_qsl(wanted.to_query(), keep_blank_values=True))

    assert RecordFilter.from_query(query) == wanted
    assert RecordFilter.from_query(QueryDict(wanted.to_query())) == wanted


def test_nothing_asked_is_an_empty_address():
    assert RecordFilter().to_query() == ""
    assert RecordFilter.from_query({"name": "  ", "broadcast": ""}) == RecordFilter()


@pytest.mark.parametrize(
    ("text", "meaning"), [(">0", (">", 0)), (" = 2", ("=", 2)), ("<1", ("<", 1)), ("7", ("=", 7))]
)
def test_conditions_on_responses(text, meaning):
    assert RecordFilter.from_query({"responses": text}).responses == meaning


def test_local_moments_are_taken_in_the_zone():
    wanted = RecordFilter.from_query(
        {"after": "2026-07-01T12:00", "before": "2026-07-01T12:00 02:00"}, zone="Europe/Berlin"
    )

    assert wanted.after == wanted.before == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("broadcast", "seventeen"),
        ("broadcast", "0"),
        ("broadcast", "-1"),
        ("broadcast", "1_000"),
        ("broadcast", "९"),
        ("broadcast", str(2**63)),
        ("broadcast", "9" * 5000),
        ("status", "done"),
        ("responses", ">"),
        ("responses", "=>1"),
        ("responses", "40000"),
        ("responses", "-1"),
        ("after", "yesterday"),
        ("before", "2026-13-01"),
        ("name", "a\x00b"),
        ("user", "\ud800"),
        ("error", "x" * 401),
        ("brodcast", "1"),
    ],
)
def test_what_can_not_be_asked_is_told_at_its_field(field, text):
    with pytest.raises(FilterError) as told:
        RecordFilter.from_query({field: text})

    assert told.value.field == field
    assert str(told.value).endswith(".")
    assert "\n" not in str(told.value)


def test_parameters_of_others_are_left_alone():
    assert RecordFilter.from_query({"cursor": "abc", "limit": "9"}) == RecordFilter()
    assert RecordFilter.from_query({"tab": "x"}, ignore=["tab"]) == RecordFilter()
