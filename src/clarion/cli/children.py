"""What ties a child process to its parent: it ends with the parent, and starts when told to."""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def end_with_parent(descriptor: int | None) -> None:
    """Make this process end gracefully once the parent has ended or closed its pipe.

    ``descriptor`` is the reading end of a pipe whose other end only the parent holds; None for a
    process that was started by hand.
    """
    if descriptor is None:
        return
    _ask_for_end_signal()
    threading.Thread(target=_end_at_eof, args=(descriptor,), name="parent", daemon=True).start()


def _ask_for_end_signal() -> None:
    """Have the kernel send SIGTERM when the parent dies (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class StartGate:
    """Children load their modules while the parent prepares the database, then wait here.

    ``watched`` is the descriptor that they inherit. A parent that dies opens the gate too;
    ``end_with_parent`` then ends the children behind it.
    """

    def __init__(self) -> None:
        self.watched, self._held = os.pipe()

    def open(self) -> None:
        """Let all children start, also those that come later."""
        os.close(self._held)


def wait_for_gate(descriptor: int) -> None:
    """Wait until the gate is open."""
    os.read(descriptor, 1)
    os.close(descriptor)


def _end_at_eof(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
