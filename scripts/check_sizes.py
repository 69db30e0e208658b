"""Fail when a module or a function under src has grown into two things."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
FUNCTION_LINES = 60
NOT_WRITTEN_BY_HAND = {"migrations", "vendor"}


def main() -> int:
    """Print every module and function that is too long; return the exit code."""
    problems = [
        problem
        for path in sorted((ROOT / "src").rglob("*.py"))
        if not NOT_WRITTEN_BY_HAND.intersection(path.parts)
        for problem in _too_long(path)
    ]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _too_long(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    lines = len(text.splitlines())
    if lines > MODULE_LINES:
        yield f"{name}: {lines} lines; a module past {MODULE_LINES} lines is two things"
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield (
                    f"{name}:{node.lineno}: {node.name} has {length} lines; "
                    f"a function past {FUNCTION_LINES} lines is two things"
                )


if __name__ == "__main__":
    sys.exit(main())
