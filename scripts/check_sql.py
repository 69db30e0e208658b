"""Fail when SQL leaves its package, or asks which database is in use.

The import contracts can't see inside a string. So every string of the source is read here, with
f-strings and sums put together, for the names of tables:

- none may name a table of a package that its own may not import (pyproject's contract of layers);
- only a package's own code may write its tables, and what ``ONE_WRITER`` lists only that code;
- the bare name of another package's table may be given to ``lateral_join`` alone, for nobody can
  see what statement it ends up in elsewhere (settings.py, which has no statements, may name one);
- ``is_postgres`` and ``connection.vendor`` are for clarion.kit.db.

What the ORM writes is looked at as well: ``Model.objects.….update(…)`` writes the model's table.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "kit/db/"  # where both databases are known
ONE_WRITER = {  # table -> the only code that may write it, a module or a package
    "records_delivery": "records/deliveries/",
    "records_deliveryprogress": "records/deliveries/",
    "records_part": "records/deliveries/",
    "records_record": "records/deliveries/",
    "records_receipt": "records/deliveries/",
    "records_sharedtext": "records/deliveries/",
    "records_tally": "records/tallies.py",
    "records_count": "records/counters.py",
    "records_measure": "records/measures.py",
    "records_measuredelta": "records/measures.py",
    "records_keptlatency": "records/kept_latency.py",
    "clicks_clicktally": "clicks/tallies.py",
}
ASKING = {"is_postgres", "vendor"}
_WRITE = re.compile(
    r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|COPY)\s+(\w+)"
)
_ORM_WRITES = {
    "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update", "delete",
}  # fmt: skip


def main() -> int:
    """Print every statement in the wrong place; return the exit code."""
    source = ROOT / "src" / "clarion"
    rules = Rules(layers(ROOT / "pyproject.toml"), tables(source))
    problems = [
        f"{path.relative_to(ROOT)}:{problem}"
        for path in sorted(source.rglob("*.py"))
        for problem in rules.problems(path.relative_to(source).as_posix(), path.read_text("utf-8"))
    ]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def layers(pyproject: Path) -> dict[str, int]:
    """The packages and how low they are: 0 for the top. Packages side by side share a number."""
    contracts = tomllib.loads(pyproject.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (order,) = (
        contract["layers"] for contract in contracts if contract.get("containers") == ["clarion"]
    )
    return {
        name.strip(" ()"): depth for depth, layer in enumerate(order) for name in layer.split("|")
    }


def tables(source: Path) -> dict[str, str]:
    """Each table of the models under a source folder, and the package that it belongs to."""
    owners = {}
    for path in sorted(source.glob("*/*models.py")):
        package = path.parent.name
        for model in ast.parse(path.read_text("utf-8")).body:
            if isinstance(model, ast.ClassDef):
                name = f"{package}_{model.name.lower()}"
                owners[name] = package
                owners |= {f"{name}_{field}": package for field in _many_to_many(model)}
    return owners


def _many_to_many(model: ast.ClassDef) -> Iterator[str]:
    for field in model.body:
        target = field.targets[0] if isinstance(field, ast.Assign) else None
        if isinstance(field, ast.AnnAssign):
            target = field.target
        if isinstance(target, ast.Name) and "ManyToManyField" in ast.dump(field):
            yield target.id


@dataclass(frozen=True)
class Rules:
    """What is checked against."""

    depth: dict[str, int]
    owner: dict[str, str]

    def problems(self, name: str, text: str) -> Iterator[str]:
        """What is wrong in a module, each with its line; ``name``: such as ``engine/claim.py``."""
        package = name.partition("/")[0].removesuffix(".py")
        reader = _Reader()
        reader.visit(ast.parse(text))
        for line, sql, is_read in reader.strings:
            for table in sorted(self.owner.keys() & set(re.findall(r"\w+", sql))):
                if not self._may_name(package, table):
                    yield f"{line}: {package} may not name {table}, which is above or beside it"
                elif sql.strip() == table and self._is_foreign(name, table) and not is_read:
                    yield f"{line}: the bare name of {table} says nothing of what becomes of it"
            for table in sorted(self.owner.keys() & set(_WRITE.findall(sql))):
                yield from self._written(name, package, table, line)
        for line, table in reader.orm_writes:
            if table in self.owner:
                yield from self._written(name, package, table, line)
        if not name.startswith(DATABASE):
            for line, word in reader.asked:
                yield f"{line}: {word} is asked in {DATABASE} alone: name the difference there"

    def _may_name(self, package: str, table: str) -> bool:
        owner = self.owner[table]
        return owner == package or self.depth[owner] > self.depth[package]

    def _is_foreign(self, name: str, table: str) -> bool:
        return name != "settings.py" and not name.startswith(f"{self.owner[table]}/")

    def _written(self, name: str, package: str, table: str, line: int) -> Iterator[str]:
        writer = ONE_WRITER.get(table, f"{self.owner[table]}/")
        if not name.startswith((writer, f"{self.owner[table]}/migrations/")):
            yield f"{line}: {table} is written in {writer} alone"


class _Reader(ast.NodeVisitor):
    """Collects what a module says to databases."""

    def __init__(self) -> None:
        self.strings: list[tuple[int, str, bool]] = []  # line, text, whether it is only read from
        self.orm_writes: list[tuple[int, str]] = []  # line, table
        self.asked: list[tuple[int, str]] = []  # line, word
        self._models: dict[str, str] = {}  # imported name -> table
        self._read: set[ast.expr] = set()  # strings that are only read from

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring
            self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        match = re.fullmatch(r"clarion\.(\w+)\.(?:\w+_)?models", node.module or "")
        for alias in node.names:
            if match:
                self._models[alias.asname or alias.name] = f"{match[1]}_{alias.name.lower()}"
            if alias.name in ASKING:
                self.asked.append((node.lineno, alias.name))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in ASKING:
            self.asked.append((node.lineno, node.attr))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == "is_postgres":
            self.asked.append((node.lineno, node.id))

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called == "lateral_join" and node.args:
            self._read.add(node.args[0])
        if called in _ORM_WRITES and (model := _manager_of(node.func)) in self._models:
            self.orm_writes.append((node.lineno, self._models[model]))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        self._string(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._string(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._string(node)

    def _string(self, node: ast.expr) -> None:
        text, others = _put_together(node)
        if text.strip():
            self.strings.append((node.lineno, text, node in self._read))
        for other in others:
            self.visit(other)


def _put_together(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """The text of a string as far as it is known, and the expressions that fill the gaps."""
    if isinstance(node, ast.Constant):
        return (node.value if isinstance(node.value, str) else ""), []
    if isinstance(node, ast.JoinedStr):
        parts = [_put_together(part) for part in node.values]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [_put_together(node.left), _put_together(node.right)]
    elif isinstance(node, ast.BinOp):
        return " ", [node.left, node.right]
    elif isinstance(node, ast.FormattedValue):
        return " ", [node.value]
    else:
        return " ", [node]
    return "".join(text for text, _ in parts), [other for _, some in parts for other in some]


def _manager_of(node: ast.expr) -> str:
    """The model whose ``objects`` a chain of calls begins with; empty for any other expression."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            return node.value.id if isinstance(node.value, ast.Name) else ""
        node = node.func if isinstance(node, ast.Call) else node.value
    return ""


if __name__ == "__main__":
    sys.exit(main())
