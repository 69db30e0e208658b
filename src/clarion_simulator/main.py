"""The simulator as a process: runs until SIGINT or SIGTERM."""

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator

try:
    import uvloop

    _new_loop: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
except ImportError:  # Windows has none; the plain loop serves too
    _new_loop = None

HTTP_PORT = 8025
SMTP_PORT = 2525


def main(
    *,
    host: str = "127.0.0.1",
    http_port: int = HTTP_PORT,
    smtp_port: int = SMTP_PORT,
    smpp_port: int | None = None,
    imap_port: int | None = None,
    behaviour: Behaviour | None = None,
    log: Path | None = None,
    ready_file: Path | None = None,
) -> None:
    """Run until SIGINT or SIGTERM.

    Prints `ready http://HOST:PORT smtp://HOST:PORT` once it listens, and `smpp://…` and
    `imap://…` where it was given ports for these; `ready_file` then appears whole, with what
    `GET /_/health` answers.
    Raises OSError (a port is taken, a file cannot be written) and ValueError (the log file is no
    log), each with a sentence for people.
    """
    simulator = Simulator(
        behaviour,
        host=host,
        http_port=http_port,
        smtp_port=smtp_port,
        smpp_port=smpp_port,
        imap_port=imap_port,
        log_file=log,
    )
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(_serve(simulator, ready_file))


async def _serve(simulator: Simulator, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    _allow_many_connections()
    async with simulator:
        # The log holds nothing that refers in circles: collecting seldom saves time.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        if ready_file is not None:
            _write_whole(ready_file, json.dumps(simulator.health()) + "\n")
        urls = (simulator.http_url, simulator.smtp_url, simulator.smpp_url, simulator.imap_url)
        print("ready", *filter(None, urls), flush=True)
        await stop.wait()


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_text(text)
        draft.replace(path)
    except OSError as error:
        sentence = f"The ready file {path} cannot be written: {error.strerror}."
        raise OSError(error.errno, sentence) from error


def _allow_many_connections() -> None:
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
