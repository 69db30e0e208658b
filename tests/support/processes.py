"""Real processes for tests: started, watched, killed, and never left behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError

from support.warm import WarmProcess
from support.warm import parent as warm_parent

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT_CHARACTERS = 1_000_000
# Seconds for a line, for an end, and for the last of the output once a program has ended: many
# times of what a busy machine takes, because only a failing test waits that long.
LINE, END, REST = 120.0, 180.0, 60.0


class Process:
    """One program in a process group of its own; its output is read as it comes."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        name: str = "",
        stdin: int = subprocess.DEVNULL,
        warm: Sequence[str] | None = None,
    ) -> None:
        """``warm``: the module and its arguments, of what may come from the warm parent."""
        self.name = name or " ".join(command)
        self._lines: list[str] = []
        self._size = 0
        self._changed = threading.Condition()
        self._ended = False
        self._killed = False
        self._process = (warm is not None and _start_warm(warm, env)) or subprocess.Popen(
            [*_dies_with_us(), *command],
            cwd=ROOT,
            env=dict(env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name=f"read {self.name}", daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        state = "running" if self.running else f"ended with {self.returncode}"
        return f"<Process {self.name!r} {self.pid} {state}>"

    def __enter__(self) -> Self:
        """Return the running process."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what is left of it."""
        self.kill()

    @property
    def pid(self) -> int:
        """The process id, which is its group's id too."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    @property
    def lines(self) -> list[str]:
        """The lines written so far to stdout and stderr, without their line ends."""
        with self._changed:
            return list(self._lines)

    @property
    def output(self) -> str:
        """All that was written so far to stdout and stderr."""
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, timeout: float = LINE) -> re.Match[str]:
        """Return the match of the first line, from the start of the output, that fits `pattern`."""
        search = re.compile(pattern).search
        deadline = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if match := search(line):
                        return match
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "it ended" if self._ended else f"{timeout:g} s passed"
                    raise AssertionError(
                        f"{why} before {self.name} wrote a line like {pattern!r}; it wrote:\n"
                        + "\n".join(self._lines[-50:])
                    )
                self._changed.wait(left)

    def wait(self, timeout: float = END) -> int:
        """Wait for its end and return the exit code; fail, without killing it, at the deadline."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {timeout:g} s; it wrote:\n{self.output[-5000:]}"
            ) from None
        self._reader.join(timeout=REST)
        return code

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group; one that is gone gets none."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def terminate(self) -> None:
        """Ask for a graceful end (SIGTERM)."""
        self.signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it in its tracks (SIGSTOP) until `thaw`."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the whole group with SIGKILL and reap it."""
        if self._killed:
            return
        # Once only, as the number may be another group's later; but also when the leader has
        # ended, as its children may live on.
        self._killed = True
        self.signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join(timeout=REST)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                # A runaway writer must not fill the tests' memory.
                if self._size < KEPT_CHARACTERS:
                    self._lines.append(line.rstrip("\n"))
                    self._size += len(line)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Processes:
    """Starts processes with one environment and kills those that are left."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.started: list[Process] = []

    def clarion(self, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start `clarion …` and return at once; `env` adds to the environment.

        It comes from a parent that has loaded the program already, where there can be one.
        """
        return self._module("clarion", arguments, env)

    def simulator(self, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start the simulator without the rest of Clarion, in the same way."""
        return self._module("clarion_simulator", arguments, env)

    def python(self, code: str, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start a piece of Python code and return at once."""
        return self.start([sys.executable, "-c", code, *arguments], env=env, name="python -c …")

    def start(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, name: str = ""
    ) -> Process:
        """Start any command and return at once."""
        return self._keep(Process(command, env=self._with(env), name=name))

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = END
    ) -> Process:
        """Run `clarion …` to its end, whatever its exit code, and return the ended process."""
        process = self.clarion(*arguments, env=env)
        process.wait(timeout)
        return process

    def report(self) -> str:
        """Return what every process wrote, for a failed test."""
        return "\n".join(f"--- {process!r}\n{process.output}" for process in self.started)

    def close(self) -> None:
        """Kill all that are left."""
        for process in self.started:
            process.kill()

    def _module(
        self, module: str, arguments: Sequence[str], env: Mapping[str, str] | None
    ) -> Process:
        command = [sys.executable, "-m", module, *arguments]
        warm = (module, *arguments)
        return self._keep(Process(command, env=self._with(env), name=" ".join(warm), warm=warm))

    def _with(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return self.env | dict(env or {})

    def _keep(self, process: Process) -> Process:
        self.started.append(process)
        return process


def _start_warm(command: Sequence[str], env: Mapping[str, str]) -> WarmProcess | None:
    """None where the kernel has not what it takes, or the process needs a start of its own."""
    prefix = _dies_with_us()
    if not prefix or not hasattr(os, "pidfd_open"):
        return None
    parent = warm_parent(tuple(prefix))
    return parent.start(command, env) if parent.can_start(env) else None


def _dies_with_us() -> list[str]:
    """Return a prefix that ends a child when this process is killed, where there is one."""
    # The kernel takes the starting thread for the parent, and helper threads end early.
    if threading.current_thread() is threading.main_thread() and (
        program := shutil.which("setpriv")
    ):
        return [program, "--pdeathsig", "KILL"]
    return []


def children(pid: int) -> list[int]:
    """The processes that a process has started and not reaped."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in listed.split()]


def descendants(pid: int) -> list[int]:
    """Its children and all below them."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def lives(pid: int) -> bool:
    """Whether a process has not ended; one that is dead and not reaped has."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def status(url: str) -> int:
    """The status of a page; 0 from a server that is about to begin or to end."""
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            return int(reply.status)
    except HTTPError as error:
        with error:
            return error.code
    except (OSError, HTTPException):
        return 0
