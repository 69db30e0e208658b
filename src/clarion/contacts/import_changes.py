"""What a chunk of an import has changed: noted while it is stored, so that it can be undone."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from clarion.contacts.attributes import OWN_FIELDS

Change = tuple[int, dict[str, list[Any]], dict[str, list[Any]], list[int]]  # see models.ImportPart
Row = Sequence[Any]  # a contact's id, its own fields, and its attributes as JSON
_ATTRIBUTES: Final = 1 + len(OWN_FIELDS)


class Changes:
    """The changes of contacts that were there before."""

    def __init__(self) -> None:
        self.values: dict[int, tuple[dict[str, list[Any]], dict[str, list[Any]]]] = {}
        self.tags: defaultdict[int, list[int]] = defaultdict(list)

    def note_values(self, before: Iterable[Row], after: Iterable[Row]) -> None:
        """Note what ``after`` says of those contacts that have changed. Called again for a contact
        that a file names twice, the first value and the last one count."""
        former = {row[0]: row for row in before}
        for row in after:
            earlier = former[row[0]]
            own = {
                name: [earlier[index], row[index]]
                for index, name in enumerate(OWN_FIELDS, 1)
                if earlier[index] != row[index]
            }
            had, has = _loaded(earlier[_ATTRIBUTES]), _loaded(row[_ATTRIBUTES])
            attributes = {
                name: [had.get(name), value]
                for name, value in has.items()
                if had.get(name) != value
            }
            if not own and not attributes:  # written again in another form
                continue
            first_own, first_attributes = self.values.setdefault(row[0], ({}, {}))
            for noted, new in ((first_own, own), (first_attributes, attributes)):
                for name, (was, becomes) in new.items():
                    noted[name] = [noted[name][0] if name in noted else was, becomes]

    def note_tags(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Note tags and contacts that are new together."""
        for tag, contact in pairs:
            self.tags[contact].append(tag)

    def listed(self, new: set[int]) -> list[Change]:
        """All changes, but those of contacts that are new themselves."""
        contacts = sorted((self.values.keys() | self.tags.keys()) - new)
        return [(key, *self.values.get(key, ({}, {})), self.tags.get(key, [])) for key in contacts]


def ranges(ids: Sequence[int]) -> list[list[int]]:
    """Ids in order as the first and the last of each range: new ones mostly follow each other."""
    spans: list[list[int]] = []
    for key in ids:
        if spans and spans[-1][1] == key - 1:
            spans[-1][1] = key
        else:
            spans.append([key, key])
    return spans


def _loaded(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value)
