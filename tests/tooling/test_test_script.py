"""``scripts/test.py``: the engines run at the same time, and what they write does not mix."""

import runpy
import threading
from typing import IO, Any

import pytest

from support.processes import ROOT


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    namespace = runpy.run_path(str(ROOT / "scripts" / "test.py"))
    run_all: Any = namespace["_run_all"]
    return run_all.__globals__


def test_engines_run_at_once_and_are_shown_one_after_the_other(
    script: dict[str, Any], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    both = threading.Barrier(2)

    def run(engine: str, arguments: list[str], processes: int, output: IO[bytes] | None = None):  # type: ignore[no-untyped-def]
        both.wait(60)
        if output is None:
            print(f"on {engine}", flush=True)
        else:
            output.write(f"on {engine}\n".encode())
        both.wait(60)
        return script["Run"](engine, 0, passed=1)

    script["_run"] = run
    runs = script["_run_all"](["sqlite", "postgresql"], ["-q"])

    assert [run.engine for run in runs] == ["sqlite", "postgresql"]
    shown = capfdbinary.readouterr().out
    assert shown.index(b"on sqlite") < shown.index(b"on postgresql")


@pytest.mark.parametrize("option", ["-s", "--pdb"])
def test_one_after_the_other_where_somebody_talks_to_the_test(
    script: dict[str, Any], option: str
) -> None:
    order = []

    def run(engine: str, arguments: list[str], processes: int) -> str:
        order.append(engine)
        return engine

    script["_run"] = run
    assert script["_run_all"](["sqlite", "postgresql"], [option]) == order
    assert order == ["sqlite", "postgresql"]
