"""Charts in a real browser: drawn under the policy, the same numbers as the table, by keyboard."""

from typing import Any

import pytest
from django.template import engines
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from clarion.web.charts import Chart, Point, Series
from clarion.web.middleware import POLICY
from web.browsing import look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]

PAGE = """{% extends "head.html" %}{% load static %}
{% block scripts %}{% include "parts/chart_scripts.html" %}{% endblock %}
{% block body %}<body><main class="content"><h1>Charts</h1><h2>Here</h2>
{% for chart in charts %}{% include "parts/chart.html" %}{% endfor %}</main></body>{% endblock %}"""
HOSTILE = "<img src=x onerror=alert(1)>"
DRAWN = """figure => {
    const {series, xAxis} = echarts.getInstanceByDom(figure.querySelector(".chart-box"))
        .getOption();
    return [xAxis[0].data, series.map(({name, data}) => [name, data])];
}"""


def chart(kind: Any = "line", count: int = 24) -> Chart:
    points = [Point(f"30 Nov, {n:02}:00", f"{n:02}:00") for n in range(count)]
    series = [
        Series("Sent", [n * 1000 for n in range(count)], "1"),
        Series("Read", [None] * count, "4"),
        Series(HOSTILE, [n * 7 for n in range(count)], "bad"),
    ]
    return Chart(f"of-{kind}", f"As {kind}", kind, "Time (UTC)", points, series)


@pytest.fixture
def charts(page: Page, live_server: LiveServer) -> Page:
    """A page with a chart of every kind, served with the policy of all pages."""
    shown = [chart(kind) for kind in ("line", "bar", "stack")]
    html = engines["django"].from_string(PAGE).render({"charts": shown})

    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(body=html, content_type="text/html", headers=headers)

    page.route(f"{live_server.url}/charts", answer)
    page.goto(f"{live_server.url}/charts")
    expect(page.locator(".chart-box svg")).to_have_count(3)
    return page


def test_the_drawing_has_the_numbers_of_the_table(charts: Page) -> None:
    for kind in ("line", "bar", "stack"):
        figure = charts.locator(f"#chart-of-{kind}")
        labels, series = figure.evaluate(DRAWN)
        expected = chart(kind)

        assert labels == [point.short for point in expected.points]
        reported = [one for one in expected.series if one.total is not None]
        assert series == [[one.name, list(one.values)] for one in reported]


def test_what_changes_in_the_table_is_drawn(charts: Page) -> None:
    figure = charts.locator("#chart-of-line")
    figure.evaluate("""figure => {
        figure.querySelector("tbody td").dataset.value = 77;
        document.dispatchEvent(new Event("htmx:afterSettle"));
    }""")

    assert figure.evaluate(DRAWN)[1][0][1][0] == 77


def test_by_keyboard_one_reads_the_table(charts: Page) -> None:
    figure = charts.locator("#chart-of-line")
    summary = figure.get_by_text("Show the numbers")
    expect(figure.get_by_role("table")).to_be_hidden()

    figure.get_by_role("button", name="Sent").focus()
    charts.keyboard.press("Enter")
    expect(figure.get_by_role("button", name="Sent")).to_have_attribute("aria-pressed", "false")
    assert [name for name, _ in figure.evaluate(DRAWN)[1]] == [HOSTILE]
    for _ in range(3):
        charts.keyboard.press("Tab")
    expect(summary).to_be_focused()
    charts.keyboard.press("Enter")
    expect(figure.get_by_role("table")).to_be_visible()
    charts.keyboard.press("Tab")
    expect(figure.get_by_role("region")).to_be_focused()
    charts.keyboard.press("End")
    expect(figure.get_by_role("row", name="Total")).to_be_in_viewport()
    look(charts)


def test_what_is_pointed_at_is_shown_in_the_words_of_the_table(charts: Page) -> None:
    figure = charts.locator("#chart-of-stack")
    figure.locator("svg").hover()

    tip = figure.locator(".chart-tip")
    expect(tip).to_contain_text("not reported")
    expect(tip).to_contain_text(HOSTILE)  # as text: an image would be an error of the page
    at = tip.locator("strong").inner_text()
    row = figure.locator("tbody tr").filter(has_text=at)
    value = row.locator("td").first.text_content()
    assert value is not None
    expect(tip).to_contain_text(value)


def test_the_theme_changes_the_colours(charts: Page) -> None:
    first = "echarts.getInstanceByDom(document.querySelector('.chart-box')).getOption().series[0]"
    light = charts.evaluate(f"{first}.color")

    charts.evaluate("document.documentElement.dataset.theme = 'dark'")

    charts.wait_for_function(f"() => {first}.color !== {light!r}")


def test_paper_has_the_table_and_the_drawing(charts: Page) -> None:
    charts.emulate_media(media="print")
    figure = charts.locator("#chart-of-line")
    expect(figure.get_by_role("table")).to_be_visible()
    expect(figure.locator("svg")).to_be_visible()

    charts.emulate_media(media="screen")
    expect(figure.get_by_role("table")).to_be_hidden()
