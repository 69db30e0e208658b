"""A worker as a process of its own, or in a thread for tests and the bench."""

import asyncio
import gc
import signal
import sys
import threading

from django.db import connection

from clarion.engine import reap
from clarion.engine.worker import Worker


def run_worker(*, sole: bool = False, parent_pipe: int | None = None) -> int:
    """Run a worker in this process until SIGTERM or SIGINT; return the exit code.

    ``sole``: the caller holds the only worker's lock on this database, so that every other
    worker on record is dead. ``parent_pipe``: a descriptor whose end of file means that the
    parent has gone, and that this worker shall stop too.
    """
    import uvloop

    sys.setswitchinterval(0.001)  # the sending thread is not to wait 5 ms for the database thread
    if sole:
        reap.declare_all_dead()
    reap.reap()
    connection.close()

    async def main() -> None:
        worker = Worker()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        if parent_pipe is not None:
            loop.add_reader(parent_pipe, worker.stop)
        await worker.run(started=lambda: print("worker ready", flush=True))

    # What is loaded by now stays. Claims outlive the two young generations of the collector, so it
    # would walk through all of it every 10,000 messages or so.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    uvloop.run(main())
    return 0


class ThreadedWorker:
    """A worker in a thread of this process, for tests and the bench."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="worker")

    def __enter__(self) -> "ThreadedWorker":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._worker is not None
        self._loop.call_soon_threadsafe(self._worker.stop)
        self._thread.join()

    def _main(self) -> None:
        import uvloop

        async def main() -> None:
            self._worker = Worker()
            self._loop = asyncio.get_running_loop()
            await self._worker.run(started=self._ready.set)

        try:
            uvloop.run(main())
        finally:
            self._ready.set()
