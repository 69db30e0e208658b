"""Answers to requests that may be repeated, by their `Idempotency-Key`.

The key, what the request does and its answer are one transaction. A crash keeps all of it or none,
and a second request with the same key waits for the first one's commit and gets the same answer.
What was refused has changed nothing and is not kept: its repetition is looked at again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clarion.accounts.models import ApiToken, StoredAnswer
from clarion.kit import clock, db, vault

KEPT: Final = timedelta(hours=24)
LONGEST_KEY: Final = 255


class KeyReusedError(ValueError):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for a different request. Use a new key for each request."
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A key, and what it is used for."""

    token: ApiToken
    key: str
    request_digest: str


def claim(token: ApiToken, key: str, request_digest: str) -> StoredAnswer:
    """The answer kept for that key, or a new row without one; within a transaction.

    Waits for another transaction that has claimed the key. Raises KeyReusedError.
    """
    [answer] = claim_all([Claim(token, key, request_digest)])
    if isinstance(answer, KeyReusedError):
        raise answer
    return answer


def claim_all(claims: Sequence[Claim]) -> list[StoredAnswer | KeyReusedError]:
    """As ``claim``, for several different keys. Nothing else may be locked before, and they are
    claimed in their order: so two that claim the same keys can't wait for each other."""
    if not claims:
        return []
    columns = [("token", "int"), ("key", "text"), ("request", "text")]
    nothing = db.json_cast("'{}'")
    rows = db.fetch(
        "INSERT INTO accounts_storedanswer "
        "(token_id, key, request, created_at, status, headers, body) "
        f"SELECT v.token, v.key, v.request, %s, 0, {nothing}, '' "
        f"FROM {db.json_table(columns)} WHERE true ORDER BY v.token, v.key "
        "ON CONFLICT (token_id, key) DO NOTHING RETURNING token_id, key, id",
        [
            clock.now_us(),
            db.json_param((each.token.pk, each.key, each.request_digest) for each in claims),
        ],
    )
    new = {(token, key): number for token, key, number in rows}
    return [_claimed(each, new.get((each.token.pk, each.key))) for each in claims]


def _claimed(what: Claim, new: int | None) -> StoredAnswer | KeyReusedError:
    if new is not None:
        return StoredAnswer(pk=new, token=what.token, key=what.key, status=0)
    answer = StoredAnswer.objects.get(token=what.token, key=what.key)
    return answer if answer.request == what.request_digest else KeyReusedError()


def is_kept(token: ApiToken, key: str) -> bool:
    """Whether an answer is kept for that key: then nothing need be prepared for the request."""
    return StoredAnswer.objects.filter(token=token, key=key).exists()


def keep_all(answers: Sequence[tuple[StoredAnswer, int, Mapping[str, str], str]]) -> None:
    """Keep what was answered, in the transaction of ``claim``: status, headers and body, which is
    encrypted, as it may be a secret."""
    if not answers:
        return
    columns = [("id", "int"), ("status", "int"), ("headers", "text"), ("body", "text")]
    db.execute(
        "UPDATE accounts_storedanswer AS a SET status = v.status, "
        f"headers = {db.json_cast('v.headers')}, body = v.body "
        f"FROM {db.json_table(columns)} WHERE a.id = v.id",
        [
            db.json_param(
                (answer.pk, status, json.dumps(headers), vault.seal(body))
                for answer, status, headers, body in answers
            )
        ],
    )


def release(answers: Iterable[StoredAnswer]) -> None:
    """Give up what was claimed for requests that were refused, in the transaction of ``claim``."""
    if numbers := [answer.pk for answer in answers]:
        StoredAnswer.objects.filter(pk__in=numbers).delete()


def body_of(answer: StoredAnswer) -> str:
    """What was answered. Raises SealedError when it was encrypted with another key."""
    return vault.open_sealed(answer.body)
