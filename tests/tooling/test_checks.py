"""The checks of `make check` find what they are there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import check  # noqa: E402 - found through the line above
import check_circles  # noqa: E402
import check_docs  # noqa: E402
import check_sizes  # noqa: E402

import vendor  # noqa: E402


def test_every_vendored_file_is_the_one_that_was_fetched() -> None:
    assert vendor.verify() == 0


def test_a_changed_vendored_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kept.js", "changed.js", "lost.js"):
        (tmp_path / name).write_text("1")
    (tmp_path / vendor.CHECKSUMS).write_text(vendor._checksums(tmp_path))
    (tmp_path / "changed.js").write_text("2")
    (tmp_path / "lost.js").unlink()
    (tmp_path / "new.js").write_text("3")
    monkeypatch.setattr(vendor, "ROOT", tmp_path.parent)

    names = [problem.partition("/")[2] for problem in vendor._differences(tmp_path)]

    assert names == [
        "changed.js is not the file that was vendored",
        "lost.js is missing",
        "new.js has no checksum",
    ]


def test_long_modules_and_functions_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_sizes, "ROOT", tmp_path)
    long = tmp_path / "long.py"
    long.write_text("def f():\n" + "    pass\n" * 60 + "\n" * 340)

    assert [problem.partition(": ")[2] for problem in check_sizes._too_long(long)] == [
        "401 lines; a module past 400 lines is two things",
        "f has 61 lines; a function past 60 lines is two things",
    ]


IN_A_FUNCTION = "def f():\n    from package import a\n"
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.a import X\n"


@pytest.mark.parametrize(
    ("modules", "says"),
    [
        ({"a": "import package.b", "b": ""}, "import circles: none"),
        ({"a": "import package.b", "b": IN_A_FUNCTION}, "package.a -> package.b -> package.a"),
        ({"a": "from package.b import x", "b": FOR_TYPES}, "package.a -> package.b -> package.a"),
        (
            {"a": "from package import b", "b": "from package import c", "c": IN_A_FUNCTION},
            "package.a -> package.b -> package.c -> package.a",
        ),
        ({"a": "from package.b import x\n__all__ = ['x']", "b": "x = 1"}, "package.a: no __all__"),
    ],
)
def test_import_circles_and_re_exports_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], modules: dict[str, str], says: str
) -> None:
    (tmp_path / "package").mkdir()
    for name, text in {"__init__": "", **modules}.items():
        (tmp_path / "package" / f"{name}.py").write_text(text)

    failed = check_circles.main(tmp_path)

    assert says in capsys.readouterr().out
    assert bool(failed) is (says != "import circles: none")


def test_each_import_circle_is_printed_once() -> None:
    graph = {"a": {"b"}, "b": {"a", "c"}, "c": {"b"}, "d": {"e"}, "e": {"d", "a"}, "f": {"a"}}
    assert list(check_circles.circles_of(graph)) == [["a", "b"], ["d", "e"]]


def test_wide_lines_of_templates_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_sizes, "ROOT", tmp_path)
    wide = tmp_path / "wide.html"
    wide.write_text("é" * 120 + "\n" + "<p>" * 41)

    assert list(check_sizes._too_wide(wide)) == [
        "wide.html:2: 123 characters; a line of a template has at most 120"
    ]


@pytest.mark.skipif(
    not (check.BIN / "djlint").exists(), reason="djlint is not installed: it is in the group dev"
)
def test_a_defect_of_a_template_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<ul><li>one</ul>{% block main %}{% endblock wrong %}\n")
    command = [str(check.BIN / "djlint"), str(tmp_path), "--lint", "--quiet"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "H025" in done.stdout


@pytest.mark.skipif(not check.BIOME.exists(), reason="biome is not installed: it needs npm")
@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("page.js", "const shown = 1;\nshown = 2;\n", "noConstAssign"),
        ("page.css", "a { colour: red; }\n", "noUnknownProperty"),
    ],
)
def test_a_defect_of_a_script_or_style_sheet_is_found(
    tmp_path: Path, name: str, text: str, rule: str
) -> None:
    shutil.copy(ROOT / "biome.jsonc", tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / name).write_text(text)
    command = [str(check.BIOME), "check", "--error-on-warnings", "."]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert rule in done.stdout + done.stderr


def test_a_check_whose_program_may_be_missing_is_skipped_and_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    missing = check.Check("web", [str(tmp_path / "biome")], optional="it needs npm")
    result = check._run(missing)
    check._show(result)

    assert result.passed
    assert capsys.readouterr().out.split(maxsplit=1) == ["web", "skipped: it needs npm\n"]


def test_a_check_whose_program_has_to_be_there_fails_without_it(tmp_path: Path) -> None:
    assert not check._run(check.Check("templates", [str(tmp_path / "djlint")])).passed


def test_commands_and_their_page_are_compared_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, group = typer.Typer(), typer.Typer()
    app.add_typer(group, name="agent")
    for home, names in ((app, ("serve", "send")), (group, ("add", "list"))):
        for name in names:
            home.command(name)(lambda port=0, workers=1: None)
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cli.md").write_text(
        "`clarion serve --port 1`\n\n    clarion serve [--port P]\n        [--host H]\n\n"
        "```sh\n$ clarion agent add Ann\nclarion agent gone\n```\n"
        "A clarion call is no command, but `clarion stop it` would be.\n"
    )
    (tmp_path / "README.md").write_text("Try:\n\n    clarion send --help --at=9\n")

    problems = list(check_docs._command_problems(app))
    assert [problem for problem in problems if "'clarion serve'" in problem] == [
        "docs/cli.md names --host, which is no option of 'clarion serve'",
        "docs/cli.md does not name --workers in the usage of 'clarion serve'",
    ]
    assert [problem for problem in problems if " of 'clarion" not in problem] == [
        "docs/cli.md does not name the command 'clarion agent list'",
        "docs/cli.md does not name the command 'clarion send'",
        "README.md names 'clarion send --help --at=9', which is no command or option",
        "docs/cli.md names 'clarion agent gone', which is no command or option",
        "docs/cli.md names 'clarion stop', which is no command or option",
    ]


def test_pages_without_a_place_and_links_that_lead_nowhere_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    docs = tmp_path / "docs"
    (docs / "decisions").mkdir(parents=True)
    (docs / "README.md").write_text("[A](a.md#one-two) [D](decisions/README.md) [W](https://x.org)")
    (docs / "a.md").write_text("# One, two\n[gone](gone.md) [here](#one-two) [no](#three)\n")
    (docs / "b.md").write_text("[up](../README.md)")
    (docs / "decisions" / "README.md").write_text("nothing yet")
    (docs / "decisions" / "0001-a.md").write_text("# 0001 A")
    (tmp_path / "README.md").write_text("[Docs](docs)")

    assert list(check_docs._index_problems()) == [
        "docs/README.md does not link to b.md",
        "docs/decisions/README.md does not link to decisions/0001-a.md",
    ]
    assert list(check_docs._link_problems()) == [
        f"docs/a.md links to {docs / 'gone.md'}, which does not exist",
        "docs/a.md links to #three of a.md, which has no such heading",
    ]


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    for target in (
        "demo",
        "test",
        "check",
        "torture",
        "bench",
        "lock",
        "lowest",
        "vendor",
        "format",
    ):
        assert f"make {target} " in listed
