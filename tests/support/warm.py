"""Starts ``clarion`` and simulator processes from a parent that has loaded them already.

What they do is the same but for the loading: see ``warm_parent.py``.
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from support import environment
from support.warm_parent import NEWS

PARENT = Path(__file__).with_name("warm_parent.py")
ROOT = PARENT.parent.parent.parent
# Read by the interpreter as it starts, so that a child's own would come too late.
FIXED = ("PYTHON", "LC_", "LANG", "LD_")


class WarmProcess:
    """A child of the parent, with as much of ``subprocess.Popen`` as tests need."""

    def __init__(self, command: Sequence[str], news: int, output: int) -> None:
        self.args = command
        self.stdout: IO[str] = os.fdopen(output, "r", errors="replace")
        self.returncode: int | None = None
        self._news = news
        self._turn = threading.Lock()
        self.pid = 0
        self._read()
        if not self.pid:
            # A process group with the number 0 would be our own.
            raise ChildProcessError("the warm parent has ended, or its child as it began")

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with self._turn:
            if self.returncode is None and self._has_news(0):
                self._read()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if self.returncode is None and not self._has_news(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def _has_news(self, timeout: float | None) -> bool:
        waiting = select.poll()
        waiting.register(self._news, select.POLLIN)
        return bool(waiting.poll(None if timeout is None else timeout * 1000))

    def _read(self) -> None:
        news = os.read(self._news, NEWS.size)
        # Without a word it was killed with its parent.
        word, number = NEWS.unpack(news) if news else (b"e", -signal.SIGKILL)
        if word == b"p":
            self.pid = number
            return
        self.returncode = number
        os.close(self._news)


class WarmParent:
    """The parent process, which ends with this one."""

    def __init__(self, prefix: Sequence[str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._environment = environment.process_environment()
        with theirs:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, str(PARENT), str(theirs.fileno())],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                # The children's streams are these: of a pipe, as theirs would be.
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self.close)

    def can_start(self, env: Mapping[str, str]) -> bool:
        """Whether the interpreter would run with this environment as it does in the parent."""
        ours = self._environment
        names = [name for name in {*env, *ours} if name.startswith(FIXED)]
        return all(env.get(name) == ours.get(name) for name in names)

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> WarmProcess:
        """Start a module and its arguments, ``clarion …``, as a group of its own."""
        mask = os.umask(0)
        os.umask(mask)
        module, *arguments = command
        order = {
            "module": module,
            "arguments": arguments,
            "environment": dict(env),
            "umask": mask,
        }
        output, theirs = os.pipe()
        news, tells = os.pipe()
        try:
            socket.send_fds(self._control, [json.dumps(order).encode()], [theirs, tells])
        finally:
            os.close(theirs)
            os.close(tells)
        return WarmProcess(command, news, output)

    def close(self) -> None:
        """End it; children that are left are killed."""
        atexit.unregister(self.close)
        self._control.close()
        self._process.communicate()


@functools.cache
def parent(prefix: tuple[str, ...]) -> WarmParent:
    """The parent for this process; ``prefix`` is a command that ends it with its starter."""
    return WarmParent(prefix)
