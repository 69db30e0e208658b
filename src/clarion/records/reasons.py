"""Reasons by their wording."""

from collections.abc import Collection, Mapping
from functools import partial

from django.db import connection, transaction

from clarion.records.models import Reason

Wording = tuple[str, str]  # the code, the sentence
_known: dict[Wording, int] = {}
MOST_KNOWN = 10_000
_CODE = 60  # characters of a code that are stored


def reason_ids(wordings: Collection[Wording] | Mapping[Wording, str]) -> dict[Wording, int]:
    """The ids of reasons, stored on first use and remembered once that is committed.

    A mapping has the class of each, see ``Reason.refusal``.
    """
    classes = wordings if isinstance(wordings, Mapping) else {}
    if len(_known) > MOST_KNOWN:
        _known.clear()
    ids = {
        wording: reason_id for wording in wordings if (reason_id := _known.get(wording)) is not None
    }
    unknown = [wording for wording in wordings if wording not in ids]
    if unknown:
        ids |= _store(unknown, classes)
    return ids


def _store(wordings: Collection[Wording], classes: Mapping[Wording, str]) -> dict[Wording, int]:
    ids = _stored(wordings)
    # In their order, so that two processes that store the same ones never wait for each other.
    missing = sorted(wording for wording in wordings if wording not in ids)
    if missing:
        Reason.objects.bulk_create(
            [
                Reason(code=code[:_CODE], text=text, refusal=classes.get((code, text), ""))
                for code, text in missing
            ],
            ignore_conflicts=True,  # another process may have stored some meanwhile
        )
        ids |= _stored(missing)
    if connection.in_atomic_block:
        transaction.on_commit(partial(_known.update, ids))
    else:
        _known.update(ids)
    return ids


def _stored(wordings: Collection[Wording]) -> dict[Wording, int]:
    rows = Reason.objects.filter(
        code__in={code[:_CODE] for code, _ in wordings}, text__in={text for _, text in wordings}
    ).values_list("code", "text", "pk")
    ids = {(code, text): reason_id for code, text, reason_id in rows}
    return {
        (code, text): ids[code[:_CODE], text]
        for code, text in wordings
        if (code[:_CODE], text) in ids
    }


def forget() -> None:
    """Empty the memory; for tests that empty the tables."""
    _known.clear()


def wording_of(reason_id: int) -> str:
    """The sentence of a reason; empty where there is none with this id."""
    return Reason.objects.filter(pk=reason_id).values_list("text", flat=True).first() or ""
