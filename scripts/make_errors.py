"""Write the list of errors at the end of docs/channels/<kind>.md, from the kind's own table.

`scripts/make_errors.py` writes them; with `--check` it fails when one is not up to date. What each
is classed as is tested by tests/insights/test_errors.py.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from clarion.channels.catalogue import ListedError

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "channels"
BEGIN = "<!-- errors: written by scripts/make_errors.py -->"


def main(arguments: list[str]) -> int:
    """Write or compare the pages; return the exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clarion.settings")
    os.environ.setdefault("CLARION_SECRET_KEY", "only-for-writing-the-errors-" + "0" * 40)
    django.setup()
    from clarion.channels.catalogue import errors_of
    from clarion.channels.registry import KINDS

    outdated = 0
    for name, kind in KINDS.items():
        page = DOCS / f"{name}.md"
        text = page.read_text(encoding="utf-8")
        before = text.partition(BEGIN)[0].rstrip() + "\n"
        errors = errors_of(kind)
        new = f"{before}\n{section(kind.label, errors)}" if errors else before
        if new == text:
            continue
        if "--check" in arguments:
            print(f"{page.relative_to(ROOT)} is not up to date. Run scripts/make_errors.py")
            outdated += 1
        else:
            page.write_text(new, encoding="utf-8")
    return 1 if outdated else 0


def section(label: str, errors: "Iterable[ListedError]") -> str:
    """The list of one kind: codes with the same sentence share a line."""
    from clarion.insights.errors import words_of

    groups: dict[tuple[str, str], list[str]] = {}
    for error in errors:
        pauses = "; the broadcast pauses" if error.for_everybody else ""
        about = f"{words_of(error.refusal)} ({error.mark or error.refusal.value}{pauses})"
        groups.setdefault((about, error.sentence), []).append(error.code)
    lines = [
        f"| {', '.join(f'`{code}`' for code in codes)} | {about} | {sentence} |"
        for (about, sentence), codes in groups.items()
    ]
    return "\n".join(
        [
            BEGIN,
            "## Errors",
            "",
            f"The errors of {label} that Clarion knows, the class of each, and the sentence that",
            "pages, the API and exports show. [What to do about each class](README.md#errors). Any",
            "other error is classed by its status, and shown with the provider's own words.",
            "",
            "| code | class | sentence |",
            "| --- | --- | --- |",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
