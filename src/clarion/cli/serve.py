"""``clarion serve``, ``web`` and ``worker``: everything on one machine, or the halves on many."""

from typing import Annotated

import typer

from clarion import config
from clarion.cli.children import StartGate, end_with_parent, wait_for_gate
from clarion.cli.django_setup import load_django, read_settings, uses_django
from clarion.cli.failures import Failed
from clarion.cli.lock import EngineLock, is_sqlite
from clarion.cli.output import print_line, print_note
from clarion.cli.pages import address, answers, load_application, serve_pages, usable_port
from clarion.cli.schema import bring_up_to_date, require_current
from clarion.cli.supervisor import Supervisor

HOST = "127.0.0.1"
PORT = 8000
TICK = 1.0  # seconds; children's ends and signals are noticed at once
READY_TICK = 0.03

Host = Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]
# What a parent process hands to its children; nobody types these.
ParentFd = Annotated[int | None, typer.Option(hidden=True)]
GateFd = Annotated[int | None, typer.Option(hidden=True)]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(serve)
    app.command()(web)
    app.command()(worker)


def serve(
    host: Host = HOST,
    port: Port = PORT,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Engine processes; more than 1 needs PostgreSQL.")
    ] = 1,
    parent_fd: ParentFd = None,
) -> None:
    """Run the pages, the API and the engine on this machine, until Ctrl-C."""
    settings = read_settings()
    if workers > 1 and is_sqlite(settings):
        raise Failed(
            "An SQLite database takes one engine process. For several, use PostgreSQL: "
            "set CLARION_DATABASE_URL."
        )
    port = usable_port(host, port)
    lock = EngineLock.take(settings)
    with Supervisor() as supervisor:
        end_with_parent(parent_fd)
        gate = StartGate()
        behind = ("--gate-fd", str(gate.watched))
        place = ("--host", host, "--port", str(port))
        supervisor.add("server", "web", *place, *behind, inherits=(gate.watched,))
        for number in range(1, workers + 1):
            name = "engine" if workers == 1 else f"engine {number}"
            inherits = (gate.watched, *lock.descriptors)
            supervisor.add(name, "worker", "--locked", *behind, inherits=inherits)
        _prepare_database()
        gate.open()
        if _wait_for_pages(supervisor, host, port):
            print_line(f"Clarion is running at {address(host, port)} – Ctrl-C stops it.")
            _hint(host)
        while not supervisor.stopping:
            supervisor.tick(TICK)
        print_note("Stopping: what is being sent is finished first.")
    lock.release()


@uses_django
def web(
    host: Host = HOST, port: Port = PORT, parent_fd: ParentFd = None, gate_fd: GateFd = None
) -> None:
    """Run the pages and the API only; engines run elsewhere."""
    end_with_parent(parent_fd)
    port = usable_port(host, port)
    if gate_fd is not None:
        load_application()
        wait_for_gate(gate_fd)
    require_current()
    if parent_fd is None:
        print_line(f"Clarion's pages are at {address(host, port)} – Ctrl-C stops them.")
    serve_pages(host, port, settings=config.load())


@uses_django
def worker(
    locked: Annotated[bool, typer.Option("--locked", hidden=True)] = False,
    parent_fd: ParentFd = None,
    gate_fd: GateFd = None,
) -> None:
    """Run one engine. Any number may work on one PostgreSQL."""
    from clarion.engine.process import run_worker

    end_with_parent(parent_fd)
    if gate_fd is not None:
        wait_for_gate(gate_fd)
    sole = is_sqlite(config.load())
    # ``locked`` says that the parent took the lock and that this process inherited it.
    lock = EngineLock.take(config.load()) if sole and not locked else None
    require_current()
    code = run_worker(sole=sole)
    if lock is not None:
        lock.release()
    raise typer.Exit(code)


def _prepare_database() -> None:
    load_django()
    from django.db import connections

    applied = bring_up_to_date()
    if applied:
        print_note(f"The database was brought up to date ({len(applied)} migrations).")
    connections.close_all()


def _wait_for_pages(supervisor: Supervisor, host: str, port: int) -> bool:
    while not supervisor.stopping:
        if answers(host, port):
            return True
        supervisor.tick(READY_TICK)
    return False


def _hint(host: str) -> None:
    from django.db import connections

    from clarion.accounts.models import Agent

    if not Agent.objects.filter(is_active=True).exists():
        print_line("No agent yet: run  clarion agent add NAME --email E --role admin")
    connections.close_all()
    settings = config.load()
    if host not in ("127.0.0.1", "::1", "localhost") and not (
        settings.public_url or settings.allowed_hosts
    ):
        print_note(
            "Pages answer to localhost only: set CLARION_PUBLIC_URL to the address people use."
        )
