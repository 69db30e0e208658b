"""Charts: the table that is drawn, and the labels of time."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from clarion.web.charts import Cell, Chart, Point, Series, time_points
from web.reading import words

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def chart(*series: Series, points: int = 2) -> Chart:
    rows = [Point(f"{n}:00", str(n)) for n in range(points)]
    return Chart("sent", "Messages", "line", "Time (UTC)", rows, series)


def foot(html: str) -> str:
    """The last row of the table, as it is read."""
    return words(html.partition("<tfoot>")[2].partition("</tfoot>")[0])


def test_the_table_has_every_number_and_the_totals() -> None:
    shown = chart(Series("Sent", [1200, 3], "1"), Series("Read", [0, 1], "2"))

    html = render_to_string("parts/chart.html", {"chart": shown})

    assert shown.rows == [
        (Point("0:00", "0"), [Cell("1200", "1,200"), Cell("0", "0")]),
        (Point("1:00", "1"), [Cell("3", "3"), Cell("1", "1")]),
    ]
    assert 'data-value="1200">1,200<' in html
    assert foot(html) == "Total 1,203 1"


def test_what_is_not_reported_is_no_zero() -> None:
    shown = chart(Series("Sent", [5, 5], "1"), Series("Read", [None, None], "2"))

    html = render_to_string("parts/chart.html", {"chart": shown})

    assert foot(html) == "Total 10 not reported"
    assert html.count("not reported") == 3
    assert not shown.is_empty
    assert chart(Series("Sent", [0, None], "1")).is_empty


def test_columns_are_as_long_as_there_are_points() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = chart(Series("Sent", [1], "1")).rows


def test_names_are_text() -> None:
    html = render_to_string("parts/chart.html", {"chart": chart(Series("<b>", [1, 2], "1"))})

    assert "<b>" not in html


def test_points_have_the_hour_in_the_agents_zone() -> None:
    starts = [datetime(2026, 11, 30, 22, tzinfo=UTC) + n * HOUR for n in range(3)]
    with timezone.override("Europe/Berlin"):
        points = time_points(starts, HOUR)

    assert points == [
        Point("30 Nov, 23:00", "23:00"),
        Point("1 Dec, 00:00", "1 Dec"),
        Point("1 Dec, 01:00", "01:00"),
    ]


def test_points_of_days_have_no_hour() -> None:
    starts = [datetime(2026, 12, 31, tzinfo=UTC) + n * DAY for n in range(2)]

    assert time_points(starts, DAY) == [
        Point("31 Dec 2026", "31 Dec"),
        Point("1 Jan 2027", "1 Jan"),
    ]
