"""A line of a file as a person."""

import json

import pytest

from clarion.channels.models import Channel
from clarion.contacts.import_lines import BadLineError, Layout
from clarion.contacts.import_mapping import by_titles

TITLES = ("id", "language", "city", "100%", "said")
HOSTILE = (
    "Berlin",
    "",
    "  spaces \t",
    'quote " and \\ backslash',
    "unit\x1fseparator",
    "\x1f",
    "\\u001f written out",
    "%s %d 100%",
    "Łódź 🎈 \u2028",
    "two\nlines",
)


@pytest.mark.django_db
@pytest.mark.parametrize("text", HOSTILE)
def test_attributes_are_the_cells_without_spaces_around(channel: Channel, text: str) -> None:
    layout = Layout(by_titles(TITLES, "id", channel))
    names = layout.attributes
    for cells in (["Oslo", "5", text], [text, text, text], [text, "", "x"]):
        person = layout.person(["user-1", "", *cells])

        expected = {
            name: cell.strip() for name, cell in zip(names, cells, strict=True) if cell.strip()
        }
        assert json.loads(person.attributes) == expected


@pytest.mark.django_db
def test_a_language_is_stored_by_its_code_and_a_wrong_one_refused_each_time(
    channel: Channel,
) -> None:
    layout = Layout(by_titles(("id", "language"), "id", channel))

    assert [layout.person(["a", text]).language for text in ("pt_BR", "pt_BR", "", "de")] == [
        "pt-BR",
        "pt-BR",
        "",
        "de",
    ]
    for _ in range(2):
        with pytest.raises(BadLineError, match="not the code of a language"):
            layout.person(["a", "German!"])
        with pytest.raises(BadLineError, match="longer than 35"):
            layout.person(["a", "de-" + "-".join(["abcdefgh"] * 5)])
