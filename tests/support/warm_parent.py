"""A parent of ``clarion`` and simulator processes that has loaded the programs before they begin.

Most of a short command is loading modules: 0.8 s of processor time, hundreds of times in a run. A
child that is forked here has them, reads its own environment, and runs ``python -m MODULE`` from
there on; its settings are read anew. Started by ``support.warm``, as ``warm_parent.py DESCRIPTOR``.

Each order is one message: module, arguments, environment and file mode mask, with two descriptors,
one for the output and one for news of the child: its id once it is a group of its own, and how it
ended.
"""

import ctypes
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

NEWS = struct.Struct("=cq")  # b"p" and a process id, or b"e" and an exit code as subprocess has it
LONGEST = 200_000  # bytes of an order
PR_SET_PDEATHSIG = 1
# Beside the models, what commands load when they run.
LOADED = (
    "clarion.cli.main",
    "clarion.cli.pages",
    "clarion.engine.process",
    "clarion.kit.sqlite.base",
    "clarion_simulator.main",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "uvicorn",
)


class Parent:
    """Forks children as it is told, and reports their ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._waiting = select.poll()
        self._waiting.register(control, select.POLLIN)
        self._children: dict[int, tuple[int, int]] = {}  # by pidfd: process id, news

    def next_child(self) -> dict[str, Any] | None:
        """Return in each child with its order, and in the parent, with None, at the end."""
        while True:
            for descriptor, _ in self._waiting.poll():
                if descriptor != self._control.fileno():
                    self._report_end(descriptor)
                    continue
                message, descriptors, _, _ = socket.recv_fds(self._control, LONGEST, 2)
                if not message:
                    return None
                output, news = descriptors
                if (pid := os.fork()) == 0:
                    self._close()
                    order: dict[str, Any] = json.loads(message)
                    _become(order, output, news)
                    return order
                os.close(output)
                watched = os.pidfd_open(pid)
                self._children[watched] = pid, news
                self._waiting.register(watched, select.POLLIN)

    def _report_end(self, watched: int) -> None:
        pid, news = self._children.pop(watched)
        self._waiting.unregister(watched)
        os.close(watched)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(BrokenPipeError):  # nobody waits for it any more
            os.write(news, NEWS.pack(b"e", code))
        os.close(news)

    def _close(self) -> None:
        self._control.close()
        for watched, (_, news) in self._children.items():
            os.close(watched)
            os.close(news)


def _become(order: dict[str, Any], output: int, news: int) -> None:
    """Be what a process started with this order would be."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.umask(order["umask"])
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = [order["module"], *order["arguments"]]
    os.write(news, NEWS.pack(b"p", os.getpid()))
    os.close(news)


def _load() -> None:
    """Load Django and the program once, as children need them."""
    from importlib import import_module

    import django

    gc.disable()
    django.setup()
    for name in LOADED:
        import_module(name)
    gc.freeze()


def _forget_settings() -> None:
    """Have them read from the child's environment, at the moment when it sets up Django."""
    import django
    from asgiref.local import Local
    from django.apps import apps
    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections
    from django.utils.functional import empty

    from clarion import config

    set_up = django.setup

    def set_up_again(set_prefix: bool = True) -> None:
        apps.ready = True  # so that the models, which are there, are not loaded again
        django.setup = set_up
        set_up(set_prefix)

    config.load.cache_clear()
    del sys.modules["clarion.settings"]
    settings._wrapped = empty
    handlers: tuple[Any, ...] = (connections, caches)
    for handler in handlers:
        handler._settings = None
        handler.__dict__.pop("settings", None)
        handler._connections = Local(handler.thread_critical)
    apps.ready = False
    django.setup = set_up_again


if __name__ == "__main__":
    # As `python -m` has it: the present folder, and not the one of this file.
    sys.path[0] = str(Path.cwd())
    _load()
    order = Parent(socket.socket(fileno=int(sys.argv[1]))).next_child()
    if order is not None:
        gc.enable()
        _forget_settings()
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
