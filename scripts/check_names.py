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
# Files that had such names when the check came. Rename in them what you touch, and take them out.
TO_BE_RENAMED = {
    "broadcasts/call_data.py", "broadcasts/people.py", "broadcasts/preview_person.py",
    "broadcasts/query.py", "broadcasts/reconcile.py", "channels/manage.py",
    "cli/code_redeeming.py", "cli/contacts.py", "cli/dashboard.py", "cli/segments.py",
    "cli/why.py", "codes/batches.py", "codes/bulk.py", "codes/issuing.py", "codes/merging.py",
    "codes/patterns.py", "codes/pools.py", "codes/redeeming.py", "contacts/attribute_filters.py",
    "contacts/import_lines.py", "contacts/import_store.py", "contacts/search.py",
    "engine/attempt.py", "engine/pipeline.py", "engine/story_watch.py", "insights/attention.py",
    "insights/chosen.py", "insights/why.py", "records/audience.py", "records/contents.py",
    "records/deliveries/attempts.py", "records/deliveries/cancel.py",
    "records/deliveries/delete.py", "records/deliveries/reassign.py",
    "records/deliveries/settle.py", "records/deliveries/shared.py", "records/deliveries/write.py",
    "records/latency.py", "records/sharing.py", "segments/conditions.py", "segments/manage.py",
    "segments/members.py", "transport/guard.py", "transport/smtp.py", "web/forms/segments.py",
    "web/forms/stories.py", "web/measure_charts.py", "web/moments.py",
    "web/views/broadcast_analytics.py", "web/views/code_redeeming.py", "web/views/codes.py",
    "web/views/contacts.py", "web/views/dashboard.py", "web/views/segments.py",
}  # fmt: skip


def main() -> int:
    """Print every such name; return the exit code."""
    problems = [
        problem
        for path in sorted((ROOT / "src" / "clarion").rglob("*.py"))
        if NOT_WRITTEN_BY_HAND not in path.parts
        and path.relative_to(ROOT / "src" / "clarion").as_posix() not in TO_BE_RENAMED
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
