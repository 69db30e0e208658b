"""Fail when a module, a function or a line of a template under src has grown too long."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
FUNCTION_LINES = 60
TEMPLATE_COLUMNS = 120
NOT_WRITTEN_BY_HAND = {"migrations", "vendor"}


def main() -> int:
    """Print everything that is too long; return the exit code."""
    checks = {".py": _too_long, ".html": _too_wide}
    problems = [
        problem
        for path in sorted((ROOT / "src").rglob("*"))
        if path.suffix in checks and not NOT_WRITTEN_BY_HAND.intersection(path.parts)
        for problem in checks[path.suffix](path)
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


def _too_wide(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if len(line) > TEMPLATE_COLUMNS:
            yield (
                f"{name}:{number}: {len(line)} characters; "
                f"a line of a template has at most {TEMPLATE_COLUMNS}"
            )


if __name__ == "__main__":
    sys.exit(main())
