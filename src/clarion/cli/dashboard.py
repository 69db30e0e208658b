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
        "worker_troubles": [one._asdict() for one in troubles()],
        "under_way": [
            {**{name: one[name] for name in shown}, **pace(one, moment)._asdict()} for one in facts
        ],
        "upcoming": [{"id": b.pk, "title": b.title, "at": at} for at, b in now.upcoming],
        "attention": [
            {
                "kind": one.kind,
                "text": one.text,
                "broadcast": one.broadcast.pk if one.broadcast else None,
                "channel": one.channel.name if one.channel else None,
                "pool": one.pool.name if one.pool else None,
                "until": one.until,
                "count": one.count,
            }
            for one in now.concerns
        ],
    }


def _range_document(results: "Range") -> dict[str, Any]:
    spans, over_time = results.spans, results.over_time
    return {
        "range": results.name,
        "since": spans.since,
        "until": spans.until,
        "before": {"since": results.before[0], "until": results.before[1]},
        "numbers": {one.name: {"now": one.now, "before": one.before} for one in results.compared},
        "channels": [
            {"channel": one.channel.name, "reports": sorted(one.reports), **one.total._asdict()}
            for one in over_time.channels
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
                    one["id"], one["title"], one["outcome"].replace("_", " "), one["completed"],
                    one["total"], one["failed"], _rounded(one["rate"]),
                    _span(one["seconds_left"]),
                ]
                for one in under_way
            ],
        )  # fmt: skip
    if document["upcoming"]:
        print_line("\nNext")
        rows = [[one["id"], one["title"], one["at"]] for one in document["upcoming"]]
        print_table(["id", "title", "at"], rows)
    if concerns := document["attention"]:
        print_line(f"\nNeeds attention: {counted(len(concerns), 'item')}")
        for one in concerns:
            about = f"broadcast {one['broadcast']}: " if one["broadcast"] else ""
            print_line(f"  {about}{one['text']}")


def _print_results(results: "Range") -> None:
    print_line(f"\nResults of {results.name}, and of as long a time before")
    print_table(
        ["", "now", "before"],
        [[one.name, _known(one.now), _known(one.before)] for one in results.compared],
    )
    if results.over_time.channels:
        print_line("\nBy channel")
        print_table(
            ["channel", *(one.name for one in results.compared)],
            [
                [
                    one.channel.name,
                    *(_known(one.value(compared.name)) for compared in results.compared),
                ]
                for one in results.over_time.channels
            ],
        )


def _known(number: int | None) -> int | str:
    return NOT_REPORTED if number is None else number


def _rounded(rate: float | None) -> int | None:
    return None if rate is None else round(rate)


def _span(seconds: float | None) -> str:
    from clarion.kit.durations import duration

    return duration(seconds)
