"""The link with which a person leaves: signed, so that nobody can be made to leave by guessing.

It never expires: an unsubscribe link in an old e-mail must still work.
"""

from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature, Signer

_SALT = "unsubscribe"


def unsubscribe_url(address_id: int) -> str:
    """The link of one address (about 6 µs); "" where the server has no public URL."""
    base = _base()
    return f"{base}{make_token(address_id)}" if base else ""


@lru_cache(maxsize=1)
def _base() -> str:
    """Where the links begin; remembered, for Django takes 4 µs to look such a setting up."""
    public_url = settings.CLARION.public_url
    return f"{public_url.rstrip('/')}/unsubscribe/" if public_url else ""


def make_token(address_id: int) -> str:
    """The signed token that stands for an address."""
    return _signer(settings.SECRET_KEY, ()).sign(str(address_id))


def read_token(token: str) -> int:
    """The address that a token stands for. Raises ValueError with a sentence for a forged one.

    Tokens signed with an earlier secret key (CLARION_SECRET_KEY_FALLBACKS) are good too.
    """
    signer = _signer(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS))
    try:
        return int(signer.unsign(token))
    except (BadSignature, ValueError):
        raise ValueError("This unsubscribe link is not complete or not ours.") from None


@lru_cache(maxsize=4)
def _signer(key: str, fallbacks: tuple[str, ...]) -> Signer:
    return Signer(key=key, fallback_keys=list(fallbacks), salt=_SALT)
