"""Reasons by their wording."""

from collections.abc import Iterable, Mapping
from functools import partial

from django.db import connection, transaction

from clarion.records.models import Reason

Wording = tuple[str, str]  # the code, the sentence
_known: dict[Wording, int] = {}
MOST_KNOWN = 10_000


def reason_ids(wordings: Iterable[Wording] | Mapping[Wording, str]) -> dict[Wording, int]:
    """The ids of reasons, stored on first use and remembered once that is committed.

    A mapping has the class of each, see ``Reason.refusal``.
    """
    classes = wordings if isinstance(wordings, Mapping) else {}
    ids: dict[Wording, int] = {}
    if len(_known) > MOST_KNOWN:
        _known.clear()
    for wording in wordings:
        reason_id = _known.get(wording)
        if reason_id is None:
            code, sentence = wording
            reason_id = Reason.objects.get_or_create(
                code=code[:60], text=sentence, defaults={"refusal": classes.get(wording, "")}
            )[0].pk
            if connection.in_atomic_block:
                transaction.on_commit(partial(_known.__setitem__, wording, reason_id))
            else:
                _known[wording] = reason_id
        ids[wording] = reason_id
    return ids


def forget() -> None:
    """Empty the memory; for tests that empty the tables."""
    _known.clear()


def wording_of(reason_id: int) -> str:
    """The sentence of a reason; empty where there is none with this id."""
    return Reason.objects.filter(pk=reason_id).values_list("text", flat=True).first() or ""
