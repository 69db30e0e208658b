"""A channel kind is a package, a line in the registry, its fixtures and its page in the docs."""

import re
from pathlib import Path

import pytest

from clarion.channels import kind_names

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "clarion"
REGISTRY = SOURCE / "channels" / "registry.py"
TILES = SOURCE / "web" / "static" / "web" / "channels.svg"  # a kind without a drawing has one too
SHARED = ("graph",)  # packages of what several kinds of one provider share: its documentation
# What calls itself like a kind and is none: programs that fetch links, and addresses of sources.
# The claim's slack is that of a rate.
OF_THE_SAME_NAME = {
    SOURCE / "clicks" / "scanners.py",
    SOURCE / "channels" / "keyword_lists.py",
    SOURCE / "engine" / "claim.py",
}
# “webhook” and “email” are words of other things as well, and SMPP is a protocol that the transport
# speaks, and “ses” ends many words, so that files can't be found by them; nor by two letters.
TELLING = sorted(set(kind_names()) - {"webhook", "email", "smpp", "ses", "vk"})


# A kind whose name is an English word is looked for as it is written where it means the kind.
WRITTEN = {"line": re.compile(r"\bLINE\b|LineKind|channels[./]line\b")}


def naming(kind: str) -> set[Path]:
    """The files of the product outside the kind's package that name it, by text or by name."""
    word = WRITTEN.get(kind, re.compile(kind, re.IGNORECASE))
    files = set()
    for path in SOURCE.rglob("*"):
        inside = any(path.is_relative_to(SOURCE / "channels" / name) for name in (kind, *SHARED))
        vendored = path.is_relative_to(SOURCE / "web" / "static" / "vendor")
        if not path.is_file() or inside or vendored or "__pycache__" in path.parts:
            continue
        if word.search(path.name) or word.search(path.read_text("utf-8", "replace")):
            files.add(path)
    return files


@pytest.mark.parametrize("kind", TELLING)
def test_nothing_outside_a_kinds_package_names_it_but_the_registry(kind: str) -> None:
    assert naming(kind) - {TILES} - OF_THE_SAME_NAME == {REGISTRY}


@pytest.mark.parametrize("kind", kind_names())
def test_the_registry_takes_a_kind_by_one_import(kind: str) -> None:
    lines = REGISTRY.read_text("utf-8").splitlines()
    assert sum(line.startswith(f"from clarion.channels.{kind}") for line in lines) == 1


@pytest.mark.parametrize("kind", kind_names())
def test_no_kind_imports_another(kind: str) -> None:
    others = "|".join(name for name in kind_names() if name != kind)
    taken = re.compile(rf"clarion\.channels\.(?:{others})\b")
    files = (SOURCE / "channels" / kind).rglob("*.py")
    assert [path.name for path in files if taken.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("kind", kind_names())
def test_a_kind_has_its_fixtures_and_its_page(kind: str) -> None:
    assert (ROOT / "tests" / "channels" / kind / "fixtures.py").is_file()
    page = (ROOT / "docs" / "channels" / f"{kind}.md").read_text("utf-8")
    index = (ROOT / "docs" / "channels" / "README.md").read_text("utf-8")
    assert f"]({kind}.md)" in index
    assert page.startswith("# ")
