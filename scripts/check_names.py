"""Fail when a name says nothing about what it holds, or is a word that the glossary replaced.

Of variables under src the first, of form fields, addresses of pages and options the second. Names
of fields and parameters may say as little as ``given`` where that is the term (of a consent).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAY_NOTHING = {
    "found", "given", "gone", "known", "made", "one", "ours", "place", "said", "somebody", "taken",
    "theirs", "told", "typed",
}  # fmt: skip
NOT_WRITTEN_BY_HAND = "migrations"
SOURCE = ROOT / "src" / "clarion"
GLOSSARY = ROOT / "docs" / "glossary.md"
# A row of the first table: the term, its meaning, and words for it that are not used.
TERM = re.compile(r"^\| \*\*([^*]+)\*\*[^|]*\|[^|]*\| ([^|]*) \|$", re.MULTILINE)
# Replaced for one idea, but the right word for another one: a user id, a group of events.
ALSO_TERMS = {"user", "group", "list", "end", "cancel", "screen", "flow"}
NAMES = {  # where people meet names: form fields, addresses of pages, options
    "web/templates/**/*.html": re.compile(r'\bname="([\w-]+)"'),
    "web/urls.py": re.compile(r'path\(\s*"([^"]*)"'),
    "cli/**/*.py": re.compile(r'"(--[\w/-]+)"'),
}


def main() -> int:
    """Print every such name; return the exit code."""
    problems = [
        problem
        for path in sorted(SOURCE.rglob("*.py"))
        if NOT_WRITTEN_BY_HAND not in path.parts
        for problem in problems_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT))
    ]
    problems += replaced_names()
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


def replaced_names(source: Path = SOURCE, glossary: str = "") -> list[str]:
    """A sentence for each form field, page address and option that uses a replaced word."""
    replaced = replaced_words(glossary or GLOSSARY.read_text(encoding="utf-8"))
    return [
        f"{path.relative_to(source).as_posix()}: “{match[1]}” has the word “{word}”; "
        f"docs/glossary.md says “{replaced[word]}”"
        for pattern, names in NAMES.items()
        for path in sorted(source.glob(pattern))
        for match in names.finditer(path.read_text(encoding="utf-8"))
        for word in re.split(r"[^a-z]+", match[1])
        if word in replaced
    ]


def replaced_words(glossary: str) -> dict[str, str]:
    """What not to write, with the term to write; the words that are also terms are left out."""
    product = glossary.partition("## The code")[0]
    return {
        word: term
        for term, words in TERM.findall(product)
        for word in re.split(r",\s*", words.strip())
        if word and word not in ALSO_TERMS
    }


if __name__ == "__main__":
    sys.exit(main())
