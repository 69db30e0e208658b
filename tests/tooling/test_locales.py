"""The compiled translations are those of the sentences beside them, and none is missing."""

import gettext
import re
from pathlib import Path

import pytest

import clarion

SOURCE = Path(clarion.__file__).parent
LANGUAGES = sorted(path.name for path in (SOURCE / "locale").iterdir())
_ENTRY = re.compile(r'^msgid "(.+)"\nmsgstr "(.+)"$', re.MULTILINE)
_SENTENCE = re.compile(r'{% translate "([^"]+)" %}')


def test_german_french_and_spanish() -> None:
    assert {"de", "es", "fr"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    folder = SOURCE / "locale" / language / "LC_MESSAGES"
    written = dict(_ENTRY.findall((folder / "django.po").read_text(encoding="utf-8")))
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert written
    assert {text: compiled.gettext(text) for text in written} == written
    templates = (SOURCE / "hooks" / "templates" / "hooks").glob("*.html")
    shown = {text for path in templates for text in _SENTENCE.findall(path.read_text())}
    assert shown <= written.keys()
