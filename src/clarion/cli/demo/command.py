"""``clarion demo``: steps that are printed one by one, with the time each took."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.app import App
from clarion.cli.broadcast_facts import document
from clarion.cli.demo.folder import fresh_folder, write_contacts
from clarion.cli.django_setup import load_django
from clarion.cli.failures import EXIT_FAILED, Failed
from clarion.cli.output import print_line
from clarion.cli.pages import address, answers, usable_port
from clarion.cli.progress import progress
from clarion.cli.supervisor import Supervisor

if TYPE_CHECKING:
    from clarion.broadcasts.models import Broadcast
    from clarion.channels.models import Channel

PEOPLE = 10_000
MOST_PEOPLE = 1_000_000
HOST = "127.0.0.1"
PORT = 8000
EMAIL = "demo@clarion.example"
TITLE = "A warm hello"
TEXT = 'Hello {{ contact.name | default("friend") }}! Warm greetings to {{ contact.city }}.'
# A provider like many: a reply takes some milliseconds, and one message in a hundred fails once.
KNOBS = ("latency=1ms..15ms", "error_500=1")
PATIENCE = 60.0  # seconds for a process to start, and without anybody being sent to
LOOK = 0.1
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays."""

    folder: Path
    supervisor: Supervisor
    port: int
    simulator_port: int

    @property
    def simulator(self) -> str:
        """The simulator's address."""
        return address(HOST, self.simulator_port)

    def await_answer(self, port: int, what: str) -> None:
        """Wait until something answers there. Raises Failed when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not answers(HOST, port):
            self.pause()
            if time.monotonic() > deadline:
                raise Failed(f"{what} did not start. The reason is in {self.folder / 'demo.log'}.")

    def pause(self) -> None:
        """Let a moment pass; end when Ctrl-C was pressed."""
        self.supervisor.tick(LOOK)
        if self.supervisor.stopping:
            raise typer.Exit(INTERRUPTED)


def add_to(app: App) -> None:
    """Add the command to the root."""
    app.command()(demo)


def demo(
    people: Annotated[
        int,
        typer.Option(min=1, max=MOST_PEOPLE, metavar="N", help="The number of people to send to."),
    ] = PEOPLE,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Keep the pages running afterwards.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="The port of the pages. Without it: 8000, or a free port if 8000 is used.",
        ),
    ] = None,
) -> None:
    """Try Clarion out: send to 10,000 invented people through a simulated provider."""
    port = _port(port, serve)
    folder = fresh_folder()
    print_line(f"Clarion's demo. Everything stays on this machine, in {folder}.")
    with (folder / "demo.log").open("wb") as log, Supervisor(output=log) as supervisor:
        stage = Stage(folder, supervisor, port, usable_port(HOST, 0))
        password = _set_up()
        channel = _start_simulator(stage)
        _import(stage, channel, people)
        _start_server(stage)
        good = _account_for(stage, _send(stage, channel, people), people)
        if serve:
            print_line(f"\nPages:   {address(HOST, port)}")
            print_line(f"Log in:  {EMAIL}, password {password}")
            print_line("Press Ctrl-C to stop.")
            while not supervisor.stopping:
                supervisor.tick(1.0)
    if not good:
        raise typer.Exit(EXIT_FAILED)


def _port(port: int | None, serve: bool) -> int:
    if port is not None:
        return usable_port(HOST, port)
    try:
        return usable_port(HOST, PORT if serve else 0)
    except Failed:
        return usable_port(HOST, 0)


def _set_up() -> str:
    with _step("The database is set up"):
        load_django()
        from clarion.kit.db.schema import bring_up_to_date

        bring_up_to_date()

    from clarion.accounts.agents import add_agent
    from clarion.accounts.audit import COMMAND_LINE

    with _step(f"The admin {EMAIL} is added"):
        _, password = add_agent(
            name="Demo", email=EMAIL, role="admin", password=None, by=COMMAND_LINE
        )
    return password


def _start_simulator(stage: Stage) -> "Channel":
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.channels.manage import add_channel, check_channel

    with _step(f"A simulated provider runs at {stage.simulator}"):
        knobs = [word for knob in KNOBS for word in ("--set", knob)]
        ports = ("--http-port", str(stage.simulator_port), "--smtp-port", "0")
        log = ("--log", str(stage.folder / "simulator.jsonl"))  # outlives a restart of it
        stage.supervisor.add("simulator", "simulator", *ports, *log, *knobs)
        stage.await_answer(stage.simulator_port, "The simulator")
    with _step("The channel “demo” sends to it (a webhook with idempotency keys)"):
        channel = add_channel(
            name="demo",
            kind="webhook",
            settings={
                "url": f"{stage.simulator}/demo",
                "idempotent": "true",
                "allow_private": "true",
            },
            by=COMMAND_LINE,
        )
        check_channel(channel)
        return channel


def _import(stage: Stage, channel: "Channel", people: int) -> None:
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.contacts.imports import import_contacts

    path = stage.folder / "contacts.csv"
    with _step(f"{people:,} contacts are imported from a CSV file"):
        write_contacts(path, people)
        done = import_contacts(path, channel=channel, id_column="id", by=COMMAND_LINE)
        if done.created != people:
            raise Failed(
                f"Only {done.created:,} of {people:,} contacts were imported: {done.error}"
            )


def _start_server(stage: Stage) -> None:
    with _step(f"The web server and a worker run at {address(HOST, stage.port)}"):
        where = ("--host", HOST, "--port", str(stage.port))
        stage.supervisor.add("server", "serve", *where)
        stage.await_answer(stage.port, "The server")


def _send(stage: Stage, channel: "Channel", people: int) -> "Broadcast":
    from clarion.accounts.models import Agent
    from clarion.broadcasts import drafts, launch
    from clarion.broadcasts.query import Audience

    print_line(f"\nBroadcast to all {people:,}, over HTTP: {TEXT}")
    demo = Agent.objects.get(email=EMAIL)
    draft = drafts.create_draft(
        by=demo, title=TITLE, text=TEXT, channels=[channel], audience=Audience(kind="all")
    )
    broadcast = launch.start(draft, by=demo, undo_seconds=0)
    done, deadline = 0, time.monotonic() + PATIENCE
    with progress("Sending") as update:
        while broadcast.state in ("scheduled", "sending"):
            stage.pause()
            broadcast.refresh_from_db()
            before, done = done, document(broadcast)["completed"]
            update(done, people, f"{done:,} sent")
            if done > before:
                deadline = time.monotonic() + PATIENCE
            elif time.monotonic() > deadline:
                raise Failed(f"Sending has stopped. The reason is in {stage.folder / 'demo.log'}.")
    return broadcast


def _account_for(stage: Stage, broadcast: "Broadcast", people: int) -> bool:
    """Print and compare what Clarion and the simulator counted; return whether they agree."""
    from urllib.request import urlopen

    from clarion.broadcasts.reconcile import reconcile

    if broadcast.started_at and broadcast.finished_at:
        seconds = (broadcast.finished_at - broadcast.started_at).total_seconds()
        print_line(
            f"It took {seconds:.1f} s: {people / max(seconds, 0.001):,.0f} messages a second.\n"
        )
    result = reconcile(broadcast.pk)
    for line in result.lines():
        print_line(line)
    with urlopen(f"{stage.simulator}/_/summary", timeout=PATIENCE) as reply:  # noqa: S310 - ours
        summary: dict[str, Any] = json.load(reply)
    accepted = summary["recipients_accepted"]
    twice = summary["recipients_accepted_more_than_once"]["count"]
    print_line(
        f"The provider accepted messages for {accepted:,} people; {twice:,} of them got it twice."
    )
    completed = document(broadcast)["completed"]
    good = bool(result.ok) and completed == accepted == people and twice == 0
    print_line(f"{completed:,} of {people:,} reconciled." if good else "THE NUMBERS DON'T ADD UP.")
    return good


@contextmanager
def _step(title: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print_line(f"  ✓ {title}  ({time.monotonic() - began:.1f} s)")
