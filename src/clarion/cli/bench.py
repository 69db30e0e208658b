"""``clarion bench``."""

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
        bool, typer.Option(help="Also send with a bare aiohttp loop to the same sink.")
    ] = True,
    peer_sink: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Only measure sending, to a server of yours that answers 200."
        ),
    ] = "",
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="With --peer-sink: rounds to take medians of.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine imports, sends and exports.

    It works in a temporary folder and doesn't change your data.
    """
    with tempfile.TemporaryDirectory(prefix="clarion-bench-") as folder:
        os.environ["CLARION_DATA"] = folder
        os.environ["CLARION_DATABASE_URL"] = database_url
        load_django()
        database = _prepare(workers)
        facts: dict[str, Any] = {"people": people, "database": database, "workers": workers}
        if peer_sink:
            facts |= _measure_peer(Path(folder), peer_sink, people, workers, rounds, compare)
        else:
            facts |= _measure(Path(folder), people, workers, compare)
    if as_json:
        print_json(facts)
    elif peer_sink:
        _show_peer(facts)
    else:
        _show(facts)


def _prepare(workers: int) -> str:
    """Make the tables; return which database it is."""
    from django.core.management import call_command

    from clarion import config
    from clarion.channels.models import Channel

    on_sqlite = is_sqlite(config.load())
    if workers > 1 and on_sqlite:
        raise Failed(
            "An SQLite database can be used by one worker only. Use --database-url for several."
        )
    call_command("migrate", verbosity=0)
    if Channel.objects.exists():
        raise Failed("The database is not empty. Give an empty one: the benchmark fills it.")
    return "sqlite" if on_sqlite else "postgresql"


def _measure(folder: Path, people: int, workers: int, compare: bool) -> dict[str, Any]:
    from clarion.cli.benchmark import pipeline

    with pipeline.simulator(folder) as url:
        print_note(f"Importing {people:,} people …")
        pipeline.write_people(folder / "people.csv", people)
        channel, imported = pipeline.measure_import(
            folder / "people.csv", f"{url}/hook/bench", people
        )
        print_note("Claiming and settling …")
        claims, settles = pipeline.measure_claim_and_settle(channel, people)
        broadcast, expanded = pipeline.measure_expand(channel)
        bare = [_bare(url, broadcast.pk, people)] if compare else []
        print_note(f"Sending to {people:,} people …")
        pace = pipeline.measure_pipeline(broadcast, workers)
        bare += [_bare(url, broadcast.pk, people)] if compare else []
        print_note("Exporting …")
        exported = pipeline.measure_export()
    return {
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
    from clarion import config
    from clarion.cli.benchmark import bare

    count = min(people, 50_000)
    print_note(f"The bare loop, {count:,} messages …")
    bodies, keys = bare.messages(broadcast, count)
    try:
        return bare.post_all(f"{url}/hook/bare", bodies, keys, config.load().concurrency)
    except ImportError as error:
        raise Failed(str(error)) from error


def _measure_peer(
    folder: Path, sink: str, people: int, workers: int, rounds: int, compare: bool
) -> dict[str, Any]:
    from clarion import config
    from clarion.cli.benchmark import peer, pipeline

    in_flight = config.load().concurrency
    try:
        measured = peer.measure(
            folder, sink, people=people, workers=workers, rounds=rounds, compare=compare,
            in_flight=in_flight, note=print_note,
        )  # fmt: skip
    except (pipeline.BadSinkError, ImportError) as error:
        raise Failed(str(error)) from error
    return {"sink": sink, "in_flight": in_flight, **peer.summary(measured)}


def _show_peer(facts: dict[str, Any]) -> None:
    print_line(
        f"{facts['people']:,} people, {facts['database']}, {counted(facts['workers'], 'worker')}, "
        f"at most {facts['in_flight']} in flight for each, "
        f"medians of {counted(len(facts['rounds']), 'round')}"
    )
    clarion, loop = facts["clarion"], facts["bare_loop"]
    in_process = facts["database"] == "sqlite"
    rows = [
        ("Clarion", clarion, "in the worker" if in_process else None),
        ("aiohttp loop", loop, "–"),
    ]
    print_table(
        ["WHAT", "MESSAGES/S", "CPU µs A MESSAGE", "DATABASE", "SINK"],
        [
            (
                name,
                f"{sent['per_second']:,.0f}",
                sent["cpu_us"],
                database or _known(sent["database_cpu_us"]),
                _known(sent["sink_cpu_us"]),
            )
            for name, sent, database in rows
            if sent
        ],
    )
    if loop:
        print_line(
            f"Clarion's messages/s are {facts['ratio_per_second']} times the loop's, "
            f"its CPU a message is {facts['ratio_cpu']} times the loop's."
        )


def _known(cpu_us: float | None) -> str:
    return "unknown" if cpu_us is None else str(cpu_us)


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
