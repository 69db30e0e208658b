"""``clarion bench``."""

import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from clarion.cli.app import App
from clarion.cli.django_setup import load_django
from clarion.cli.failures import Failed
from clarion.cli.lock import is_sqlite
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line, print_note, print_table


def add_to(app: App) -> None:
    """Add the command to the root."""
    app.command()(bench)


def bench(
    people: Annotated[
        int, typer.Option(min=1_000, metavar="N", help="The number of people to send to.")
    ] = 100_000,
    workers: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Worker processes. More than one needs PostgreSQL."),
    ] = 1,
    database_url: Annotated[
        str,
        typer.Option(metavar="URL", help="An empty PostgreSQL database to use instead of SQLite."),
    ] = "",
    compare: Annotated[
        bool, typer.Option(help="Also send with a bare aiohttp loop, before and after.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine imports, sends and exports.

    It works in a temporary folder and doesn't change your data.
    """
    with tempfile.TemporaryDirectory(prefix="clarion-bench-") as folder:
        os.environ["CLARION_DATA"] = folder
        os.environ["CLARION_DATABASE_URL"] = database_url
        load_django()
        results = _measure(Path(folder), people, workers, compare)
    if as_json:
        print_json(results)
    else:
        _show(results)


def _measure(folder: Path, people: int, workers: int, compare: bool) -> dict[str, Any]:
    from django.core.management import call_command

    from clarion import config
    from clarion.channels.models import Channel
    from clarion.cli.benchmark import pipeline

    on_sqlite = is_sqlite(config.load())
    if workers > 1 and on_sqlite:
        raise Failed(
            "An SQLite database can be used by one worker only. Use --database-url for several."
        )
    call_command("migrate", verbosity=0)
    if Channel.objects.exists():
        raise Failed("The database is not empty. Give an empty one: the benchmark fills it.")
    with pipeline.simulator(folder) as url:
        print_note(f"Importing {people:,} people …")
        pipeline.write_people(folder / "people.csv", people)
        channel, imported = pipeline.measure_import(folder / "people.csv", url, people)
        print_note("Claiming and settling …")
        claims, settles = pipeline.measure_claim_and_settle(channel, people)
        broadcast, expanded = pipeline.measure_expand(channel)
        bare = [_bare(url, broadcast.pk, people)] if compare else []
        print_note(f"Sending to {people:,} people …")
        pace = pipeline.measure_pipeline(broadcast, url, workers)
        bare += [_bare(url, broadcast.pk, people)] if compare else []
        print_note("Exporting …")
        exported = pipeline.measure_export()
    return {
        "people": people,
        "database": "sqlite" if on_sqlite else "postgresql",
        "workers": workers,
        "pipeline_per_second": round(pace.rate),
        "pipeline_cpu_us": round(pace.cpu_us, 1),
        "bare_loop_per_second": round(statistics.mean(b.rate for b in bare)) if bare else None,
        "bare_loop_cpu_us": round(statistics.mean(b.cpu_us for b in bare), 1) if bare else None,
        "import_per_second": round(imported),
        "expand_per_second": round(expanded),
        "claim_per_second": round(claims),
        "settle_per_second": round(settles),
        "export_per_second": round(exported),
    }


def _bare(url: str, broadcast: int, people: int) -> Any:
    from clarion.cli.benchmark.bare import post_all

    count = min(people, 50_000)
    print_note(f"The bare loop, {count:,} messages …")
    bodies, keys = [], []
    for number in range(count):
        key = f"barebarebare-{number}"
        text = f"Hello Person {number}, your table in Berlin is ready."
        body = {"id": key, "broadcast": broadcast, "to": f"user-{number:07d}", "text": text}
        bodies.append(json.dumps(body, separators=(",", ":")).encode())
        keys.append(key)
    try:
        return post_all(f"{url}/hook/bare", bodies, keys)
    except ImportError as error:
        raise Failed(str(error)) from error


def _show(results: dict[str, Any]) -> None:
    def rate(name: str) -> str:
        value = results[name]
        return "–" if value is None else f"{value:,}/s"

    print_line(
        f"{results['people']:,} people, {results['database']}, "
        f"{counted(results['workers'], 'worker')}, local receiver"
    )
    rows = [
        ("whole pipeline", rate("pipeline_per_second"), results["pipeline_cpu_us"]),
        ("bare aiohttp loop", rate("bare_loop_per_second"), results["bare_loop_cpu_us"]),
    ]
    rows += [
        (name, rate(f"{name}_per_second"), None)
        for name in ("import", "expand", "claim", "settle", "export")
    ]
    print_table(["WHAT", "RATE", "CPU µs A MESSAGE"], rows)
