"""Run every check, several at a time, and show what failed.

`scripts/check.py [word …]` runs only the checks whose name contains one of the words.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
BIOME = ROOT / "node_modules" / ".bin" / "biome"


@dataclass(frozen=True)
class Check:
    """One command that passes or fails."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    # Why it is skipped where its program is missing; without a reason that is a failure.
    optional: str = ""


@dataclass(frozen=True)
class Result:
    """How one check ended."""

    check: Check
    passed: bool
    output: str
    seconds: float
    skipped: bool = False


def main(words: list[str]) -> int:
    """Run the checks and return the exit code: 0 when none of them failed."""
    with tempfile.TemporaryDirectory(prefix="clarion-check-") as scratch:
        checks = [check for check in _all_checks(Path(scratch)) if _wanted(check.name, words)]
        results = _run_all(checks, _show)
    skipped = [result.check.name for result in results if result.skipped]
    failed = [result.check.name for result in results if not result.passed]
    if failed or not results:
        print(f"check: failed: {', '.join(failed) or 'no check has such a name'}")
        return 1
    passed = len(results) - len(skipped)
    print(f"check: {passed} passed" + (f", skipped: {', '.join(skipped)}" if skipped else ""))
    return 0


def _all_checks(scratch: Path) -> list[Check]:
    """Longest first, so that the short ones fill the other cores."""
    python = sys.executable
    django = {
        "DJANGO_SETTINGS_MODULE": "clarion.settings",
        "CLARION_DATA": str(scratch / "data"),
        "CLARION_DATABASE_URL": f"sqlite:///{scratch / 'check.sqlite3'}",
        "CLARION_SECRET_KEY": "only-for-the-checks-" + "0" * 40,
    }
    (scratch / "data").mkdir()
    return [
        Check("mypy", [str(BIN / "mypy")], django),
        Check("imports", [str(BIN / "lint-imports"), "--no-cache"]),
        Check(
            "migrations",
            [python, "-W", "error", "-m", "django", "makemigrations", "--check", "--dry-run"],
            django,
        ),
        Check("client", [python, "scripts/make_client.py", "--check"], django),
        Check("matrix", [python, "scripts/make_matrix.py", "--check"], django),
        Check("errors", [python, "scripts/make_errors.py", "--check"], django),
        Check("docs", [python, "scripts/check_docs.py"], django),
        # Its cache knows only a file's own text: an import whose module has moved away would pass.
        Check("ruff", [str(BIN / "ruff"), "check", "--no-cache", "."]),
        Check("compiling", [python, "scripts/check_templates.py"], django),
        Check("templates", [str(BIN / "djlint"), "src", "--lint", "--quiet"]),
        Check(
            "web",
            [str(BIOME), "check", "--error-on-warnings", "."],
            optional="biome is not installed; scripts/install-biome installs it where npm is",
        ),
        Check("format", [str(BIN / "ruff"), "format", "--check", "."]),
        Check("sizes", [python, "scripts/check_sizes.py"]),
        Check("names", [python, "scripts/check_names.py"]),
        Check("sql", [python, "scripts/check_sql.py"]),
        Check("circles", [python, "scripts/check_circles.py"]),
        Check("vendored", [python, "scripts/vendor.py", "verify"]),
        Check("hosts", [python, "scripts/check_hosts.py"]),
    ]


def _wanted(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _run_all(checks: list[Check], show: Callable[[Result], None]) -> list[Result]:
    results = []
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for done in as_completed([pool.submit(_run, check) for check in checks]):
            results.append(done.result())
            show(results[-1])
    return results


def _run(check: Check) -> Result:
    if check.optional and not Path(check.command[0]).exists():
        return Result(check, True, check.optional, 0.0, skipped=True)
    started = time.monotonic()
    try:
        done = subprocess.run(
            check.command,
            cwd=ROOT,
            env=os.environ | check.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        passed, output = done.returncode == 0, done.stdout
    except OSError as problem:
        passed, output = False, f"could not run {check.command[0]}: {problem}\n"
    return Result(check, passed, output, time.monotonic() - started)


def _show(result: Result) -> None:
    if result.skipped:
        print(f"{result.check.name:<12} skipped: {result.output}", flush=True)
        return
    word = "ok" if result.passed else "FAILED"
    print(f"{result.check.name:<12} {word} ({result.seconds:.1f} s)", flush=True)
    if not result.passed:
        print(result.output.rstrip(), end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
