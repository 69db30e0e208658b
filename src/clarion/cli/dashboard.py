"""``clarion dashboard``: what is sent now and next, what needs attention, the latest results."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_facts, print_json, print_line, print_table

if TYPE_CHECKING:
    from datetime import datetime

    from clarion.insights.dashboard import Now, Range

RangeName = Literal["24h", "7d", "30d", "90d"]
NOT_REPORTED = "not reported"


def add_to(app: App) -> None:
    """Add the command."""
    app.command(
        "dashboard", examples=["clarion dashboard", "clarion dashboard --range 30d --json"]
    )(show_dashboard)


@uses_django
def show_dashboard(
    range_name: Annotated[
        RangeName, typer.Option("--range", help="The time that results are counted in.")
    ] = "7d",
    as_json: AsJson = False,
) -> None:
    """Show what is being sent, what is next, what needs attention, and the latest results."""
    from zoneinfo import ZoneInfo

    from clarion import config
    from clarion.insights import dashboard
    from clarion.kit import clock

    moment = clock.now()
    now = dashboard.now(moment)
    results = dashboard.in_range(range_name, ZoneInfo(config.load().time_zone), moment)
    if as_json:
        print_json({**_now_document(now, moment), **_range_document(results)})
        return
    _print_now(now, moment)
    _print_results(results)


def _now_document(now: "Now", moment: "datetime") -> dict[str, Any]:
    from clarion.broadcasts import history
    from clarion.engine.status import troubles, workers_alive
    from clarion.insights.dashboard import pace

    facts = history.facts(now.under_way)
    shown = ("id", "title", "outcome", "total", "completed", "failed")
    return {
        "workers": workers_alive(),
        "worker_troubles": [trouble._asdict() for trouble in troubles()],
        "under_way": [
            {**{name: row[name] for name in shown}, **pace(row, moment)._asdict()} for row in facts
        ],
        "upcoming": [{"id": b.pk, "title": b.title, "at": at} for at, b in now.upcoming],
        "attention": [
            {
                "kind": concern.kind,
                "text": concern.text,
                "broadcast": concern.broadcast.pk if concern.broadcast else None,
                "channel": concern.channel.name if concern.channel else None,
                "pool": concern.pool.name if concern.pool else None,
                "webhook": concern.endpoint.name if concern.endpoint else None,
                "until": concern.until,
                "count": concern.count,
            }
            for concern in now.concerns
        ],
    }


def _range_document(results: "Range") -> dict[str, Any]:
    spans, over_time = results.spans, results.over_time
    return {
        "range": results.name,
        "since": spans.since,
        "until": spans.until,
        "before": {"since": results.before[0], "until": results.before[1]},
        "numbers": {of.name: {"now": of.now, "before": of.before} for of in results.compared},
        "channels": [
            {"channel": of.channel.name, "reports": sorted(of.reports), **of.total._asdict()}
            for of in over_time.channels
        ],
        "over_time": [
            {"since": since, **numbers._asdict()}
            for since, numbers in zip(spans.starts, over_time.numbers, strict=True)
        ],
    }


def _print_now(now: "Now", moment: "datetime") -> None:
    document = _now_document(now, moment)
    print_facts([("workers", document["workers"])])
    if under_way := document["under_way"]:
        print_line("\nBeing sent now")
        print_table(
            ["id", "title", "state", "completed", "total", "failed", "a second", "left"],
            [
                [
                    row["id"], row["title"], row["outcome"].replace("_", " "), row["completed"],
                    row["total"], row["failed"], _rounded(row["rate"]),
                    _span(row["seconds_left"]),
                ]
                for row in under_way
            ],
        )  # fmt: skip
    if document["upcoming"]:
        print_line("\nNext")
        rows = [[row["id"], row["title"], row["at"]] for row in document["upcoming"]]
        print_table(["id", "title", "at"], rows)
    if concerns := document["attention"]:
        print_line(f"\nNeeds attention: {counted(len(concerns), 'item')}")
        for concern in concerns:
            about = f"broadcast {concern['broadcast']}: " if concern["broadcast"] else ""
            print_line(f"  {about}{concern['text']}")


def _print_results(results: "Range") -> None:
    print_line(f"\nResults of {results.name}, and of as long a time before")
    print_table(
        ["", "now", "before"],
        [[number.name, _known(number.now), _known(number.before)] for number in results.compared],
    )
    if results.over_time.channels:
        print_line("\nBy channel")
        print_table(
            ["channel", *(number.name for number in results.compared)],
            [
                [
                    row.channel.name,
                    *(_known(row.value(number.name)) for number in results.compared),
                ]
                for row in results.over_time.channels
            ],
        )


def _known(number: int | None) -> int | str:
    return NOT_REPORTED if number is None else number


def _rounded(rate: float | None) -> int | None:
    return None if rate is None else round(rate)


def _span(seconds: float | None) -> str:
    from clarion.kit.durations import duration

    return duration(seconds)
