"""The conditions of a list as chips, each with the address of the list without it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse


def list_url(place: str, query: Mapping[str, object]) -> str:
    """The address of a list with those of these conditions that have a value."""
    kept = {name: value for name, value in query.items() if value}
    return reverse(place) + (f"?{urlencode(kept)}" if kept else "")


def chips(place: str, query: Mapping[str, object], words: Mapping[str, str]) -> dict[str, object]:
    """What parts/chips.html shows for a list.

    ``query``: all conditions of the list. ``words``: what a chip says, by the name of its
    condition; what is empty has no chip, and the search field needs none.
    """
    return {
        "chips": [
            {"text": text, "without": list_url(place, {**query, name: ""})}
            for name, text in words.items()
            if text
        ],
        "clear_url": list_url(place, {}),
    }
