"""Run the tests on each database engine, and say at the end which engines ran.

Those that no database changes run on SQLite only (see tests/support/plugins/engines.py).

Several engines are tested at the same time, because much of a test is waiting: for a browser, for
another program, for the last long test of a run. The first one's progress is shown as it comes, the
others' when they have ended; with `-s` or `--pdb` they run one after the other.

`scripts/test.py [pytest's arguments]`. CLARION_TEST_ENGINES (default: sqlite,postgresql) names the
engines, CLARION_TEST_POSTGRES_URL a server to use instead of one started for the run. Without any
PostgreSQL the tests run on the others, loudly; with CI=true that is a failure.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.chromium import find_chromium  # noqa: E402 - found through the line above
from support.environment import ENGINES  # noqa: E402
from support.folders import run_folder  # noqa: E402
from support.postgres import NoPostgresError, find_binaries  # noqa: E402

NO_TESTS = 5
CORES = os.cpu_count() or 1
FOR_ONE_AT_A_TIME = {"-s", "--capture=no", "--pdb"}
IS_CI = os.environ.get("CI") == "true"


@dataclass(frozen=True)
class Run:
    """How pytest ended on one engine."""

    engine: str
    code: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def tests(self) -> int:
        """How many tests were carried out."""
        return self.passed + self.failed

    @property
    def good(self) -> bool:
        """Whether nothing failed; no test at all is judged over all engines."""
        return self.code in (0, NO_TESTS) and not self.failed


def main(arguments: list[str]) -> int:
    """Run pytest once for each engine and return the exit code."""
    engines = [
        name.strip()
        for name in os.environ.get("CLARION_TEST_ENGINES", ",".join(ENGINES)).split(",")
        if name.strip()
    ]
    if wrong := [name for name in engines if name not in ENGINES]:
        print(f"test: CLARION_TEST_ENGINES names {wrong[0]!r}; there are {', '.join(ENGINES)}")
        return 2
    missing = _why_no_postgres() if "postgresql" in engines else ""
    if missing:
        _shout(f"NO POSTGRESQL: {missing}")
        engines.remove("postgresql")
    return _close(_run_all(engines, arguments), missing)


def _why_no_postgres() -> str:
    if os.environ.get("CLARION_TEST_POSTGRES_URL"):
        return ""
    try:
        find_binaries()
    except NoPostgresError as problem:
        return str(problem)
    return ""


def _run_all(engines: list[str], arguments: list[str]) -> list[Run]:
    if len(engines) < 2 or FOR_ONE_AT_A_TIME.intersection(arguments):
        # One process more than there are processors, for those that wait.
        return [_run(engine, arguments, CORES + 1) for engine in engines]
    shown, *others = engines
    with ThreadPoolExecutor(len(others)) as pool, ExitStack() as files:
        outputs = [files.enter_context(TemporaryFile()) for _ in others]
        running = [
            pool.submit(_run, engine, arguments, CORES, output)
            for engine, output in zip(others, outputs, strict=True)
        ]
        runs = [_run(shown, arguments, CORES)]
        for engine, run, output in zip(others, running, outputs, strict=True):
            print(f"\n(waiting for the tests on {engine} to end)", flush=True)
            runs.append(run.result())
            output.seek(0)
            shutil.copyfileobj(output, sys.stdout.buffer)
    return runs


def _run(engine: str, arguments: list[str], processes: int, output: IO[bytes] | None = None) -> Run:
    """Test on one engine; what pytest writes goes to `output` where it is given."""
    heading = f"\n=== tests on {engine} ===\n"
    if output is None:
        print(heading, end="", flush=True)
    else:
        output.write(heading.encode())
        output.flush()
    with run_folder() as folder:
        result = folder / "result.json"
        options = ["-n", str(processes), "--dist", "worksteal", *arguments]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options],
            cwd=ROOT,
            env=_environment(engine, folder, result),
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            check=False,
        )
        if not result.exists():
            return Run(engine, done.returncode or 1)
        counts = json.loads(result.read_text(encoding="utf-8"))
        return Run(
            counts["engine"],
            done.returncode,
            counts["passed"],
            counts["failed"],
            counts["skipped"],
        )


def _environment(engine: str, folder: Path, result: Path) -> dict[str, str]:
    env = {
        **os.environ,
        # Found here, pytest-django would read the settings before a database is chosen.
        "DJANGO_SETTINGS_MODULE": "",
        "CLARION_TEST_ENGINE": engine,
        "CLARION_TEST_RESULT": str(result),
        "TMPDIR": str(folder),
    }
    # A run starts hundreds of Python processes: each would compile all that it imports, and pytest
    # would rewrite all assertions, in each of its processes and on each engine.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def _close(runs: list[Run], missing: str) -> int:
    tests = sum(run.tests for run in runs)
    good = bool(tests) and all(run.good for run in runs)
    print()
    for run in runs:
        if not run.good:
            print(f"test: pytest ended with exit code {run.code} on {run.engine}")
    if not tests:
        print("test: no test was carried out")
    if find_chromium() is None:
        _shout("NO CHROMIUM: the page tests were skipped; apt-get install chromium brings them in")
    if missing:
        _shout(f"NO POSTGRESQL: {missing}")
        if IS_CI:
            print("test: with CI=true, a run without PostgreSQL is a failure")
            good = False
    print("engines: " + (", ".join(f"{run.engine} ({run.tests} tests)" for run in runs) or "none"))
    if len(runs) > 1:
        print("Tests that no database changes, and those of one engine's own, ran on one engine.")
    failed = sum(run.failed for run in runs)
    # A run that broke off (a crash, a usage error) counts no failed test, yet is no success.
    failed = failed or int(not good)
    print(
        f"{sum(run.passed for run in runs)} passed, {failed} failed, "
        f"{sum(run.skipped for run in runs)} skipped",
        flush=True,
    )
    return 0 if good else 1


def _shout(text: str) -> None:
    line = "!" * 88
    print(f"{line}\n!! {text}\n{line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
