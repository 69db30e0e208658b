"""Keeps child processes running until told to stop."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, BinaryIO, Self

from clarion.cli.output import print_note

CLARION = (sys.executable, "-m", "clarion")
FIRST_PAUSE = 0.5  # seconds before a child that died is started again; doubled each time
LONGEST_PAUSE = 30.0
STEADY = 60.0  # a child that ran this long has earned a quick restart
GRACE = 20.0  # seconds that children get to end


@dataclass
class Child:
    """One process that is to run."""

    name: str
    arguments: list[str]
    inherits: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    pause: float = FIRST_PAUSE
    start_at: float = 0.0
    started_at: float = 0.0


class Supervisor:
    """Starts children, starts those again that die, and ends all of them together.

    The children hold one end of a pipe: they end gracefully when this process closes the other,
    or is killed. To be used on the main thread, as signals arrive there and as the kernel takes
    the starting thread for a child's parent.
    """

    def __init__(self, program: Sequence[str] = CLARION, *, output: BinaryIO | None = None) -> None:
        """``output`` is a file for what the children print; without it they print here."""
        self._program = program
        self._output = output
        self._children: list[Child] = []
        self._watched, self._held = os.pipe()
        self._woken, self._waker = socket.socketpair()
        self._signals = 0
        self._before: dict[int, Any] = {}

    def add(self, name: str, *arguments: str, inherits: tuple[int, ...] = ()) -> Child:
        """Have ``clarion ARGUMENTS`` run from now on; it inherits these descriptors.

        It is told by ``--parent-fd`` which descriptor to watch for the end.
        """
        child = Child(name, [*arguments, "--parent-fd", str(self._watched)], inherits)
        self._children.append(child)
        self._start(child)
        return child

    @property
    def stopping(self) -> bool:
        """Whether a signal has asked for the end."""
        return self._signals > 0

    def __enter__(self) -> Self:
        """Begin to listen for signals."""
        self._waker.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._listen(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._listen(number, self._count_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all children, then give the signals back."""
        self._stop()
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for end in (self._woken, self._waker):
            end.close()
        os.close(self._watched)

    def tick(self, timeout: float) -> None:
        """Start what is to be started, then wait: for a signal, a child's end, or the timeout."""
        now = time.monotonic()
        for child in self._children:
            code = child.process.poll() if child.process is not None else None
            if code is not None:
                self._note_end(child, code, now)
            if child.process is None and child.start_at <= now:
                self._start(child)
        pending = [child.start_at - now for child in self._children if child.process is None]
        self._wait(max(0.0, min([timeout, *pending])))

    def _listen(self, number: int, handler: Callable[[int, FrameType | None], None]) -> None:
        self._before[number] = signal.signal(number, handler)

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _start(self, child: Child) -> None:
        child.started_at = time.monotonic()
        child.process = subprocess.Popen(  # noqa: S603 - our own command
            [*self._program, *child.arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            pass_fds=(self._watched, *child.inherits),
        )

    def _note_end(self, child: Child, code: int, now: float) -> None:
        if now - child.started_at >= STEADY:
            child.pause = FIRST_PAUSE
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        print_note(f"The {child.name} ended ({how}). It is restarted in {child.pause:g} s.")
        child.process = None
        child.start_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _wait(self, timeout: float) -> None:
        if select.select([self._woken], [], [], timeout)[0]:
            self._woken.recv(4096)

    def _stop(self) -> None:
        os.close(self._held)
        deadline = time.monotonic() + GRACE
        signals_before = self._signals
        running = self._running()
        while running and time.monotonic() < deadline and self._signals <= max(signals_before, 1):
            self._wait(deadline - time.monotonic())
            running = self._running()
        for process in running:
            print_note(f"Process {process.pid} didn't end in time and was killed.")
            process.kill()
            process.wait()

    def _running(self) -> "list[subprocess.Popen[bytes]]":
        return [
            child.process
            for child in self._children
            if child.process is not None and child.process.poll() is None
        ]
