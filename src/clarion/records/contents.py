"""What exactly was sent, made again from what is stored of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clarion.kit import db
from clarion.records.sharing import Parts, unpack

_Row = tuple[Any, ...]


def shared_parts(ids: Iterable[int]) -> dict[int, Parts]:
    """The parts of these shared texts, without those that are gone."""
    wanted = set(ids)
    if not wanted:
        return {}
    rows = db.fetch(
        f"SELECT id, parts FROM records_sharedtext WHERE id {db.in_list()}",
        [db.json_param([key] for key in wanted)],
    )
    return {key: tuple(json.loads(parts)) for key, parts in rows}


def with_contents(rows: Sequence[_Row]) -> list[_Row]:
    """Rows that end with a message's shared text and own content, with the whole content instead.

    It is empty where the message is being deleted at this moment.
    """
    texts = shared_parts(row[-2] for row in rows if row[-2] is not None)
    return [(*row[:-2], whole(row[-2], row[-1], texts)) for row in rows]


def whole(shared: int | None, content: str, texts: Mapping[int, Parts]) -> str:
    """The whole content of a message; ``texts`` has its shared text, unless that is gone."""
    if shared is None:
        return content
    parts = texts.get(shared)
    return unpack(content, parts) if parts else ""
