"""Progress of long work on stderr: a bar in a terminal, a line now and then where it is piped."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clarion.cli.output import print_note

LINE_EVERY = 5.0  # seconds between lines where there is no terminal
Update = Callable[[int, int, str], None]  # done, total (0: not known yet), a remark


@contextmanager
def progress(title: str) -> Iterator[Update]:
    """Yield a function that shows how far the work is; it may be called as often as one likes."""
    if sys.stderr.isatty():
        with _bar(title) as update:
            yield update
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        Elapsed(),
        TextColumn("{task.fields[remark]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, remark="")

        def update(done: int, total: int, remark: str) -> None:
            bar.update(task, completed=done, total=total or None, remark=remark)

        yield update


def _lines(title: str) -> Update:
    """Lines for a log file: at each quarter, and when the last one is some seconds old."""
    shown = -1
    shown_at = 0.0

    def update(done: int, total: int, remark: str) -> None:
        nonlocal shown, shown_at
        quarter = done * 4 // total if total else 0
        now = time.monotonic()
        if quarter == shown and now - shown_at < LINE_EVERY:
            return
        shown, shown_at = quarter, now
        share = f"{done * 100 // total} %" if total else "…"
        print_note(f"{title}: {share}{f' – {remark}' if remark else ''}")

    return update
