"""Encryption of secrets at rest."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealedError(ValueError):
    """A stored secret can't be opened with the present ``CLARION_SECRET_KEY``."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    digests = (hashlib.sha256(b"clarion vault " + key.encode()).digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _current() -> MultiFernet:
    return _box((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(text: str) -> str:
    """Encrypt a text for storing."""
    return _current().encrypt(text.encode()).decode()


def open_sealed(sealed: str) -> str:
    """Decrypt what ``seal`` made. Raises SealedError with what to do."""
    try:
        return _current().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealedError(
            "The stored credentials can't be opened: CLARION_SECRET_KEY is not the one they were "
            "saved with. Put the old key into CLARION_SECRET_KEY_FALLBACKS."
        ) from None
