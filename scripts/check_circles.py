"""Fail when modules import each other in a circle, or pass on what they import.

Every import counts: also one inside a function, and one for type hints alone. A circle that is
hidden that way is still one that a reader has to follow. A module passes nothing on (``__all__``),
so that every name is imported from where it is defined.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Graph = dict[str, set[str]]


def main(source: Path = ROOT / "src") -> int:
    """Print the import circles and the modules with ``__all__``; return the exit code."""
    trees = {_name(source, path): _parse(path) for path in sorted(source.rglob("*.py"))}
    circles = list(circles_of(imports_of(trees)))
    for circle in circles:
        print(f"import circle: {' -> '.join([*circle, circle[0]])}")
    if not circles:
        print("import circles: none")
    passing_on = [name for name, tree in trees.items() if _has_all(tree)]
    for name in passing_on:
        print(f"{name}: no __all__; import each name from the module that defines it")
    return 1 if circles or passing_on else 0


def _name(source: Path, path: Path) -> str:
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(trees: Mapping[str, ast.Module]) -> Graph:
    """The modules among these that each of them imports, anywhere in it."""
    return {
        name: {found for node in ast.walk(tree) for found in _imported(node) if found in trees}
        for name, tree in trees.items()
    }


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        for alias in node.names:
            yield f"{node.module}.{alias.name}"


def circles_of(graph: Graph) -> Iterator[list[str]]:
    """The shortest circle through the first module of each group that import each other."""
    rest = _without_ends(graph)
    seen: set[str] = set()
    for start in sorted(rest):
        if start not in seen and (circle := _circle_through(start, rest)):
            yield circle
            back = {one for one in rest if start in _reachable(one, rest)}
            seen |= _reachable(start, rest) & back


def _without_ends(graph: Graph) -> Graph:
    """Without the modules that import nothing of the rest, again and again: in no circle."""
    rest = {name: set(imported) for name, imported in graph.items()}
    while ends := {name for name, imported in rest.items() if not imported}:
        rest = {name: imported - ends for name, imported in rest.items() if name not in ends}
    return rest


def _circle_through(start: str, graph: Graph) -> list[str]:
    """The shortest way from a module back to it; empty when there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for following in sorted(graph[way[-1]]):
            if following == start:
                return way
            if following not in seen:
                seen.add(following)
                ways.append([*way, following])
    return []


def _reachable(start: str, graph: Graph) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for following in graph[waiting.pop()] - seen:
            seen.add(following)
            waiting.append(following)
    return seen


def _has_all(tree: ast.Module) -> bool:
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


if __name__ == "__main__":
    sys.exit(main())
