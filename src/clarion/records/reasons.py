"""Reasons by their wording."""

from collections.abc import Iterable

from clarion.records.models import Reason

Wording = tuple[str, str]  # the code, the sentence
_known: dict[Wording, int] = {}
MOST_KNOWN = 10_000


def reason_ids(wordings: Iterable[Wording]) -> dict[Wording, int]:
    """The ids of reasons, stored on first use. Call it outside of the transaction that uses them:
    they are remembered here, so their rows must not be rolled back."""
    ids: dict[Wording, int] = {}
    if len(_known) > MOST_KNOWN:
        _known.clear()
    for wording in wordings:
        if wording not in _known:
            code, sentence = wording
            found, _ = Reason.objects.get_or_create(code=code[:60], text=sentence)
            _known[wording] = found.pk
        ids[wording] = _known[wording]
    return ids


def forget() -> None:
    """Empty the memory; for tests that empty the tables."""
    _known.clear()
