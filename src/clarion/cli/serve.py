"""``clarion serve``, ``web`` and ``worker``: all on one machine, or the parts on several."""

from typing import Annotated

import typer

from clarion.cli.app import App
from clarion.cli.children import StartGate, end_with_parent, wait_for_gate
from clarion.cli.django_setup import load_django, log_everything, read_settings, uses_django
from clarion.cli.failures import Failed
from clarion.cli.lock import WorkerLock, is_sqlite
from clarion.cli.output import counted, print_line, print_note
from clarion.cli.pages import address, answers, load_application, serve_pages, usable_port
from clarion.cli.supervisor import Supervisor

HOST = "127.0.0.1"
PORT = 8000
TICK = 1.0  # seconds; children's ends and signals are noticed at once
READY_TICK = 0.03

Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS", help="The address to listen on. Use 0.0.0.0 for all addresses."
    ),
]
Port = Annotated[
    int,
    typer.Option(
        min=0, max=65535, metavar="PORT", help="The port to listen on. 0 chooses a free one."
    ),
]
# What a parent process hands to its children; nobody types these.
ParentFd = Annotated[int | None, typer.Option(hidden=True)]
GateFd = Annotated[int | None, typer.Option(hidden=True)]


def add_to(app: App) -> None:
    """Add the commands to the root."""
    app.command(examples=["clarion serve", "clarion serve --host 0.0.0.0 --port 80"])(serve)
    app.command()(web)
    app.command()(worker)


def serve(
    host: Host = HOST,
    port: Port = PORT,
    workers: Annotated[
        int,
        typer.Option(
            min=1, max=64, metavar="N", help="Worker processes. More than one needs PostgreSQL."
        ),
    ] = 1,
    parent_fd: ParentFd = None,
) -> None:
    """Run the web server and a worker on this machine, until Ctrl-C.

    The database is brought up to date first.
    """
    settings = read_settings()
    if workers > 1 and is_sqlite(settings):
        raise Failed(
            "An SQLite database can be used by one worker only. To run several, use PostgreSQL: "
            "set CLARION_DATABASE_URL."
        )
    port = usable_port(host, port)
    lock = WorkerLock.take(settings)
    print_note("Starting Clarion. This takes a few seconds.")
    with Supervisor() as supervisor:
        end_with_parent(parent_fd)
        gate = StartGate()
        behind = ("--gate-fd", str(gate.watched))
        options = ("--host", host, "--port", str(port))
        supervisor.add("web server", "web", *options, *behind, inherits=(gate.watched,))
        for number in range(1, workers + 1):
            name = "worker" if workers == 1 else f"worker {number}"
            inherits = (gate.watched, *lock.descriptors)
            supervisor.add(name, "worker", "--locked", *behind, inherits=inherits)
        _prepare_database()
        gate.open()
        if _wait_for_pages(supervisor, host, port):
            print_line(f"Clarion is running at {address(host, port)} (press Ctrl-C to stop)")
            _hint(host)
        while not supervisor.stopping:
            supervisor.tick(TICK)
        print_note("Stopping. Messages that are being sent are finished first.")
    lock.release()


@uses_django
def web(
    host: Host = HOST, port: Port = PORT, parent_fd: ParentFd = None, gate_fd: GateFd = None
) -> None:
    """Run the web server only. Workers run elsewhere."""
    from clarion import config
    from clarion.kit.db.schema import require_current

    log_everything()
    end_with_parent(parent_fd)
    port = usable_port(host, port)
    if gate_fd is not None:
        load_application()
        wait_for_gate(gate_fd)
    require_current()
    if parent_fd is None:
        print_line(f"The web server is running at {address(host, port)} (press Ctrl-C to stop)")
    serve_pages(host, port, settings=config.load())


@uses_django
def worker(
    locked: Annotated[bool, typer.Option("--locked", hidden=True)] = False,
    parent_fd: ParentFd = None,
    gate_fd: GateFd = None,
) -> None:
    """Run a worker, the process that sends messages and imports contacts.

    With PostgreSQL, any number of workers can run.
    """
    from clarion import config
    from clarion.engine.process import run_worker
    from clarion.kit.db.schema import require_current

    log_everything()
    end_with_parent(parent_fd)
    if gate_fd is not None:
        wait_for_gate(gate_fd)
    sole = is_sqlite(config.load())
    # ``locked`` says that the parent took the lock and that this process inherited it.
    lock = WorkerLock.take(config.load()) if sole and not locked else None
    require_current()
    code = run_worker(sole=sole)
    if lock is not None:
        lock.release()
    raise typer.Exit(code)


def _prepare_database() -> None:
    load_django()
    from django.db import connections

    from clarion.kit.db.schema import bring_up_to_date

    applied = bring_up_to_date()
    if applied:
        print_note(f"The database was brought up to date ({counted(len(applied), 'migration')}).")
    connections.close_all()


def _wait_for_pages(supervisor: Supervisor, host: str, port: int) -> bool:
    while not supervisor.stopping:
        if answers(host, port):
            return True
        supervisor.tick(READY_TICK)
    return False


def _hint(host: str) -> None:
    from django.db import connections

    from clarion import config
    from clarion.accounts.models import Agent

    if not Agent.objects.filter(is_active=True).exists():
        print_line(
            "There is no agent yet who can log in. Add one with: "
            "clarion agent add NAME --email E-MAIL --role admin"
        )
    connections.close_all()
    settings = config.load()
    if host not in ("127.0.0.1", "::1", "localhost") and not (
        settings.public_url or settings.allowed_hosts
    ):
        print_note(
            "The pages can only be opened as localhost. Set CLARION_PUBLIC_URL to the address that "
            "people use."
        )
