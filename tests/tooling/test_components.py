"""The page that shows every component can be made from the templates as they are."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import screenshots  # noqa: E402 - found through the line above


def test_every_component_is_shown_with_words_that_exist() -> None:
    page = screenshots.components_page()
    for row in screenshots.ROWS:
        assert row["name"] in page
