"""Fail when a template of the pages can't be compiled; the linter does not know Django's tags."""

import sys
from pathlib import Path

import django
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "src" / "clarion" / "web" / "templates"


def main() -> int:
    """Print every template that is wrong; return the exit code."""
    django.setup()
    problems = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        try:
            get_template(path.relative_to(TEMPLATES).as_posix())
        except (TemplateDoesNotExist, TemplateSyntaxError) as error:
            problems.append(f"{path.relative_to(ROOT)}: {error}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
