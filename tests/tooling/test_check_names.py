"""A name that says nothing about what it holds is found."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import check_names  # noqa: E402 - found through the line above


@pytest.mark.parametrize(
    "body",
    [
        "found = 1",
        "found: int = 1",
        "if made := 1: pass",
        "for one in []: pass",
        "x = [told for told in []]",
        "a, known = 1, 2",
    ],
)
def test_a_variable_that_says_nothing_is_found(body: str) -> None:
    (problem,) = check_names.problems_of(f"def f():\n    {body}\n", Path("a.py"))
    assert problem.startswith("a.py:2: the name “")


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    contact = 1\n    x.found = contact\n    g(given=contact)\n",
        "class Grant:\n    given: bool\n",
        "def f(given):\n    return given\n",
    ],
)
def test_what_holds_something_of_that_name_is_not(text: str) -> None:
    assert list(check_names.problems_of(text, Path("a.py"))) == []


GLOSSARY = """
| **contact** | somebody | user, person, who |
| **send rate** | the most messages a second. Field: **rate** | speed |

## The code

| **lifecycle** | due, expand, finish | typed |
"""


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("web/templates/a/b.html", '<input name="next_person">', "“contact”"),
        ("web/urls.py", 'path("a/<int:pk>/speed", view)', "“send rate”"),
        ("cli/a.py", 'typer.Option("--who")', "“contact”"),
    ],
)
def test_a_replaced_word_in_a_name_is_found(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    (problem,) = check_names.replaced_names(tmp_path, GLOSSARY)
    assert problem.startswith(file)
    assert problem.endswith(f"docs/glossary.md says {says}")


def test_words_that_are_also_terms_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "a.py").write_text('Option("--user"); Option("--typed"); Option("--whole")')
    assert check_names.replaced_names(tmp_path, GLOSSARY) == []
    assert check_names.replaced_words(GLOSSARY).keys() == {"person", "who", "speed"}
