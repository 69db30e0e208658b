"""Fail when a variable under src has a name that says nothing about what it holds.

Names of fields and parameters may be such words where they are the term (a consent is ``given``).
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAY_NOTHING = {
    "found", "given", "gone", "known", "made", "one", "ours", "place", "said", "somebody", "taken",
    "theirs", "told", "typed",
}  # fmt: skip
NOT_WRITTEN_BY_HAND = "migrations"


def main() -> int:
    """Print every such name; return the exit code."""
    problems = [
        problem
        for path in sorted((ROOT / "src" / "clarion").rglob("*.py"))
        if NOT_WRITTEN_BY_HAND not in path.parts
        for problem in problems_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT))
    ]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def problems_of(text: str, name: Path) -> Iterator[str]:
    """A sentence for each local variable whose name says nothing."""
    functions = (
        node
        for node in ast.walk(ast.parse(text, filename=str(name)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    )
    variables = {
        (node.lineno, node.id)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for line, variable in sorted(variables):
        if variable in SAY_NOTHING:
            yield f"{name}:{line}: the name “{variable}” says nothing: name it for what it holds"


if __name__ == "__main__":
    sys.exit(main())
