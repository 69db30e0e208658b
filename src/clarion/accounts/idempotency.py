"""Answers to requests that may be repeated, by their `Idempotency-Key`.

The key, what the request does and its answer are one transaction. A crash keeps all of it or none,
and a second request with the same key waits for the first one's commit and gets the same answer.
What was refused has changed nothing and is not kept: its repetition is looked at again.
"""

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


def claim(token: ApiToken, key: str, request_digest: str) -> StoredAnswer:
    """The answer kept for that key, or a new row without one; within a transaction.

    Waits for another transaction that has claimed the key. Raises KeyReusedError.
    """
    rows = db.fetch(
        "INSERT INTO accounts_storedanswer "
        "(token_id, key, request, created_at, status, headers, body) "
        "VALUES (%s, %s, %s, %s, 0, '{}', '') ON CONFLICT (token_id, key) DO NOTHING RETURNING id",
        [token.pk, key, request_digest, clock.now_us()],
    )
    if rows:
        return StoredAnswer(pk=rows[0][0], token=token, key=key, status=0)
    answer = StoredAnswer.objects.get(token=token, key=key)
    if answer.request != request_digest:
        raise KeyReusedError
    return answer


def is_kept(token: ApiToken, key: str) -> bool:
    """Whether an answer is kept for that key: then nothing need be prepared for the request."""
    return StoredAnswer.objects.filter(token=token, key=key).exists()


def keep(answer: StoredAnswer, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what was answered, encrypted: it may be a secret. In the transaction of ``claim``."""
    sealed = vault.seal(body)
    StoredAnswer.objects.filter(pk=answer.pk).update(status=status, headers=headers, body=sealed)


def body_of(answer: StoredAnswer) -> str:
    """What was answered. Raises SealedError when it was encrypted with another key."""
    return vault.open_sealed(answer.body)
