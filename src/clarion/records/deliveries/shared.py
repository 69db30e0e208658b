"""Storing what messages of a broadcast have in common once, and of each person's what differs.

A broadcast's shared texts are learned from the first messages of it that are settled, those of a
story for each of its messages. Where it is edited while it is live it gets another one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from django.db import transaction

from clarion.kit import db
from clarion.records.sharing import Parts, learn, pack

WORTH = 64  # letters that a shared text must save of a message
SHORT = 100  # letters of a message that is stored as it is
SAMPLES = 8  # messages that are compared
MOST_TEXTS = 4  # shared texts of one kind of message that are tried
MOST_READ = 20  # of the shared texts that other processes have stored
MOST_FAILURES = 3  # times that a broadcast's messages had too little in common
MOST_KNOWN = 1_000

# A broadcast, and the number of a message within its story, for one that another one follows.
Kind = tuple[int, int | None]
Packed = tuple[int | None, str]  # the id of a shared text, and what differs from it; or the text


@dataclass(frozen=True, slots=True)
class _Known:
    """What a process knows of a broadcast's messages of one kind."""

    texts: tuple[tuple[int, Parts], ...] = ()
    sample: str = ""  # a message that nothing is shared with yet
    looked: bool = False  # the database has been asked
    failures: int = 0  # times that nothing good was learned, or too much


_known: dict[Kind, _Known] = {}


def pack_all(messages: Sequence[tuple[Kind, str]]) -> list[Packed]:
    """How each message, its kind and a content fit for the database, is to be stored.

    Part of the caller's transaction.
    """
    together: dict[Kind, list[int]] = {}
    for index, (kind, content) in enumerate(messages):
        if len(content) >= SHORT:
            together.setdefault(kind, []).append(index)
    packed: list[Packed] = [(None, content) for _, content in messages]
    for kind, indexes in together.items():
        contents = [messages[index][1] for index in indexes]
        for index, stored in zip(indexes, _pack(kind, contents), strict=True):
            packed[index] = stored
    return packed


def delete_shared(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` shared texts of these broadcasts, which have no messages left."""
    where = f"broadcast_id IN ({', '.join(['%s'] * len(broadcast_ids))})"
    return db.delete_first("records_sharedtext", where, "broadcast_id", broadcast_ids, limit)


def forget() -> None:
    """Empty the memory; for tests that empty the tables."""
    _known.clear()


def _pack(kind: Kind, contents: Sequence[str]) -> list[Packed]:
    before = _known.get(kind, _Known())
    packed = [_best(content, before) for content in contents]
    alone = [content for content, best in zip(contents, packed, strict=True) if best[0] is None]
    if not alone or before.failures == MOST_FAILURES:
        return packed
    after = _learned(kind[0], before, alone)
    _remember(kind, after)
    if after.texts == before.texts:
        return packed
    return [
        best if best[0] is not None else _best(content, after)
        for content, best in zip(contents, packed, strict=True)
    ]


def _best(content: str, knowledge: _Known) -> Packed:
    """A message by the first shared text that saves enough of it."""
    for key, parts in knowledge.texts:
        packed = pack(content, parts)
        if len(content) - len(packed) >= max(WORTH, len(content) // 2):
            return key, packed
    return None, content


def _learned(broadcast: int, knowledge: _Known, alone: Sequence[str]) -> _Known:
    """What is known after some messages for which no shared text was good enough."""
    samples = [knowledge.sample, *alone] if knowledge.sample else list(alone)
    if len(samples) < 2:
        return replace(knowledge, sample=samples[0])
    if not knowledge.looked:  # another process may have learned it, or one before this
        stored = db.fetch(
            "SELECT id, parts FROM records_sharedtext WHERE broadcast_id = %s"
            " ORDER BY id DESC LIMIT %s",
            [broadcast, MOST_READ],
        )
        texts = [(key, tuple(json.loads(parts))) for key, parts in stored]
        fit = [text for text in texts if _best(alone[-1], _Known((text,)))[0] is not None]
        knowledge = replace(knowledge, looked=True, texts=tuple(fit[:MOST_TEXTS]))
        if fit:
            return knowledge
    parts = learn(samples[:SAMPLES])
    if not parts or _best(alone[-1], _Known(((0, parts),)))[0] is None:
        return replace(knowledge, sample="", failures=knowledge.failures + 1)
    ((key,),) = db.fetch(
        "INSERT INTO records_sharedtext (broadcast_id, parts) VALUES (%s, %s) RETURNING id",
        [broadcast, json.dumps(parts, ensure_ascii=False)],
    )
    return _Known(
        ((key, parts), *knowledge.texts[: MOST_TEXTS - 1]),
        looked=True,
        failures=knowledge.failures + (len(knowledge.texts) == MOST_TEXTS),
    )


def _remember(kind: Kind, knowledge: _Known) -> None:
    """From the commit on: what a transaction that is undone has learned is not there."""
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    transaction.on_commit(partial(_known.__setitem__, kind, knowledge))
