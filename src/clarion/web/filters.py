"""The conditions of a list as chips, each with the address of the list without it."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse


def list_url(view: str, query: Mapping[str, object]) -> str:
    """The address of a list with those of these conditions that have a value."""
    kept = {name: value for name, value in query.items() if value}
    return reverse(view) + (f"?{urlencode(kept)}" if kept else "")


def chips(view: str, query: Mapping[str, object], words: Mapping[str, str]) -> dict[str, object]:
    """What parts/chips.html shows for a list.

    ``query``: all conditions of the list. ``words``: what a chip says, by the name of its
    condition; what is empty has no chip, and the search field needs none.
    """
    return {
        "chips": [
            {"text": text, "without": list_url(view, {**query, name: ""})}
            for name, text in words.items()
            if text
        ],
        "clear_url": list_url(view, {}),
    }
