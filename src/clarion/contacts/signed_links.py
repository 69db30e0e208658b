"""Links in messages that stand for one thing and can't be guessed: signed, without a login.

They never expire by themselves: an unsubscribe link in an old message must still work.
"""

from functools import lru_cache

from django.conf import settings
from django.core.signing import BadSignature, Signer


class SignedLink:
    """Links of one kind: ``https://…/<path>/<number>:<signature>``."""

    def __init__(self, path: str, wrong: str) -> None:
        """``path`` is also the salt, so that no link is good as one of another kind. ``wrong``: the
        sentence for a forged one."""
        self.path = path
        self.wrong = wrong

    def url(self, number: int) -> str:
        """The link (about 6 µs); "" where the server has no public URL."""
        base = _base()
        return f"{base}{self.path}/{self.token(number)}" if base else ""

    def token(self, number: int) -> str:
        """The signed token that stands for a number."""
        return _signer(settings.SECRET_KEY, (), self.path).sign(str(number))

    def read(self, token: str) -> int:
        """The number that a token stands for. Raises ValueError with a sentence for a forged one.

        Tokens signed with an earlier secret key (CLARION_SECRET_KEY_FALLBACKS) are good too.
        """
        signer = _signer(settings.SECRET_KEY, tuple(settings.SECRET_KEY_FALLBACKS), self.path)
        try:
            return int(signer.unsign(token))
        except (BadSignature, ValueError):
            raise ValueError(self.wrong) from None


@lru_cache(maxsize=1)
def _base() -> str:
    """Where the links begin; remembered, for Django takes 4 µs to look such a setting up."""
    public_url = settings.CLARION.public_url
    return f"{public_url.rstrip('/')}/" if public_url else ""


@lru_cache(maxsize=16)
def _signer(key: str, fallbacks: tuple[str, ...], salt: str) -> Signer:
    return Signer(key=key, fallback_keys=list(fallbacks), salt=salt)
